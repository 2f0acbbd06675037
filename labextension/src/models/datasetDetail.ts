import { type IClient } from '../api/client';
import { type DatasetDiff, type DatasetFiles, type DatasetVersion, type Profile } from '../api/generated';
import { Detail } from './detail';
import { type ChangeFeed, type IChange } from './feed';
import { PagedList } from './pagedList';
import { parseReference } from './reference';
import { Resource } from './resource';

/** The tabs of a dataset's panel. */
export const DATASET_TABS = ['columns', 'changes', 'versions'] as const;
export type DatasetTab = (typeof DATASET_TABS)[number];

/** One dataset and the version of it that is looked at. */
export class DatasetDetail extends Detail<DatasetTab> {
  constructor(client: IClient, feed: ChangeFeed, name: string) {
    super(client, feed, name, 'columns');
    this.versions = this.whole(
      new PagedList(
        (limit, cursor, signal) => client.call('datasets.versions', { dataset: name, limit, cursor }, signal),
        100
      )
    );
    this.version = this.ofVersion(
      new Resource(signal => client.call('datasets.show', { dataset: this.reference }, signal))
    );
    this.files = this.ofVersion(
      new Resource(signal => client.call('datasets.files', { dataset: this.reference }, signal))
    );
    this.profile = this.ofVersion(
      new Resource(signal => client.call('datasets.profile', { dataset: this.reference, quick: true }, signal))
    );
    this.diff = this.ofVersion(
      new Resource(signal =>
        client.call('datasets.diff', { before: `${name}@${this.base ?? 0}`, after: this.reference }, signal)
      )
    );
  }

  readonly versions: PagedList<DatasetVersion>;
  readonly version: Resource<DatasetVersion>;
  readonly files: Resource<DatasetFiles>;
  readonly profile: Resource<Profile>;
  readonly diff: Resource<DatasetDiff>;

  /** The version that is compared with: the one that was chosen, else the one before; none before the first. */
  get base(): number | null {
    const current = this.version.value?.version ?? null;
    const before = this.versions.items.map(each => each.version).filter(each => current !== null && each < current);
    return this._base ?? (before.length ? Math.max(...before) : null);
  }

  /** Compare with a version. */
  compare(version: number): void {
    this._base = version;
    this.diff.reset();
    void this.refreshTab();
  }

  override select(version: number | null): void {
    this._base = null;
    super.select(version);
  }

  async refresh(): Promise<void> {
    await Promise.all([this.versions.refresh(), this.version.refresh()]);
    await this.refreshTab();
  }

  protected async refreshTab(): Promise<void> {
    switch (this.tab) {
      case 'columns':
        return this.profile.refresh();
      case 'changes':
        return this.base === null ? undefined : this.diff.refresh();
      case 'versions':
        return this.files.refresh();
    }
  }

  protected concerns(change: IChange): boolean {
    return change.kind === '' || (change.kind === 'dataset' && parseReference(change.subject).name === this.name);
  }

  private _base: number | null = null;
}

import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type IClient } from '../api/client';
import { type DatasetDiff, type DatasetFiles, type DatasetVersion, type Profile } from '../api/generated';
import { Attention } from './attention';
import { type ChangeFeed, type IChange } from './feed';
import { PagedList } from './pagedList';
import { Resource } from './resource';

/** The tabs of a dataset's panel. */
export const DATASET_TABS = ['columns', 'changes', 'versions'] as const;
export type DatasetTab = (typeof DATASET_TABS)[number];

/** One dataset and the version of it that is looked at. */
export class DatasetDetail implements IDisposable {
  constructor(
    client: IClient,
    private readonly feed: ChangeFeed,
    readonly name: string
  ) {
    this.versions = new PagedList(
      (limit, cursor, signal) => client.call('datasets.versions', { dataset: name, limit, cursor }, signal),
      100
    );
    this.version = new Resource(signal => client.call('datasets.show', { dataset: this.reference }, signal));
    this.files = new Resource(signal => client.call('datasets.files', { dataset: this.reference }, signal));
    this.profile = new Resource(signal =>
      client.call('datasets.profile', { dataset: this.reference, quick: true }, signal)
    );
    this.diff = new Resource(signal =>
      client.call('datasets.diff', { before: `${name}@${this.base ?? 0}`, after: this.reference }, signal)
    );
    this.all.forEach(each => each.changed.connect(this.tell, this));
    this._attention = new Attention(feed, () => this.refresh());
    feed.changed.connect(this.onChange, this);
  }

  readonly versions: PagedList<DatasetVersion>;
  readonly version: Resource<DatasetVersion>;
  readonly files: Resource<DatasetFiles>;
  readonly profile: Resource<Profile>;
  readonly diff: Resource<DatasetDiff>;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The reference of the version that is looked at. */
  get reference(): string {
    return this._version === null ? `${this.name}@latest` : `${this.name}@${this._version}`;
  }

  /** The tab that is open. */
  get tab(): DatasetTab {
    return this._tab;
  }

  /** The version that is compared with: the one that was chosen, else the one before; none before the first. */
  get base(): number | null {
    const current = this.version.value?.version ?? null;
    const before = this.versions.items.map(each => each.version).filter(each => current !== null && each < current);
    return this._base ?? (before.length ? Math.max(...before) : null);
  }

  /** Open a tab; what only it shows is read now. */
  open(tab: DatasetTab): void {
    this._tab = tab;
    this.tell();
    void this.refreshTab();
  }

  /** Compare with a version. */
  compare(version: number): void {
    this._base = version;
    this.diff.reset();
    void this.refreshTab();
  }

  /** Look at a version, or at whichever is the latest. */
  select(version: number | null): void {
    if (version === this._version) {
      return;
    }
    this._version = version;
    this._base = null;
    [this.version, this.files, this.profile, this.diff].forEach(each => {
      each.reset();
    });
    void this.refresh();
  }

  /** Whether somebody looks. */
  setVisible(visible: boolean): void {
    this._attention.setVisible(visible);
  }

  /** Read everything again. */
  async refresh(): Promise<void> {
    await Promise.all([this.versions.refresh(), this.version.refresh()]);
    await this.refreshTab();
  }

  dispose(): void {
    this._isDisposed = true;
    this._attention.setVisible(false);
    this.feed.changed.disconnect(this.onChange, this);
    this.all.forEach(each => {
      each.dispose();
    });
    Signal.clearData(this);
  }

  private get all(): Resource<unknown>[] {
    return [this.versions, this.version, this.files, this.profile, this.diff];
  }

  private async refreshTab(): Promise<void> {
    switch (this._tab) {
      case 'columns':
        return this.profile.refresh();
      case 'changes':
        return this.base === null ? undefined : this.diff.refresh();
      case 'versions':
        return this.files.refresh();
    }
  }

  private onChange(_: ChangeFeed, change: IChange): void {
    const name = change.subject.replace(/^dataset:/, '').split('@')[0];
    if (change.kind === '' || (change.kind === 'dataset' && name === this.name)) {
      this._attention.touch();
    }
  }

  private tell(): void {
    this._changed.emit();
  }

  private readonly _attention: Attention;
  private _version: number | null = null;
  private _base: number | null = null;
  private _tab: DatasetTab = 'columns';
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

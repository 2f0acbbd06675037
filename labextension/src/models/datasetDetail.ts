import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type IClient } from '../api/client';
import { type DatasetFiles, type DatasetVersion } from '../api/generated';
import { Attention } from './attention';
import { type ChangeFeed, type IChange } from './feed';
import { PagedList } from './pagedList';
import { Resource } from './resource';

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
    this.all.forEach(each => each.changed.connect(this.tell, this));
    this._attention = new Attention(feed, () => this.refresh());
    feed.changed.connect(this.onChange, this);
  }

  readonly versions: PagedList<DatasetVersion>;
  readonly version: Resource<DatasetVersion>;
  readonly files: Resource<DatasetFiles>;

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

  /** Look at a version, or at whichever is the latest. */
  select(version: number | null): void {
    if (version === this._version) {
      return;
    }
    this._version = version;
    this.version.reset();
    this.files.reset();
    void this.refresh();
  }

  /** Whether somebody looks. */
  setVisible(visible: boolean): void {
    this._attention.setVisible(visible);
  }

  /** Read everything again. */
  async refresh(): Promise<void> {
    await Promise.all(this.all.map(each => each.refresh()));
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
    return [this.versions, this.version, this.files];
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
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

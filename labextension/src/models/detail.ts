import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type IClient } from '../api/client';
import { Attention } from './attention';
import { type ChangeFeed, type IChange } from './feed';
import { type Resource } from './resource';

/** One thing with versions, the version of it that is looked at and the tab that is open. */
export abstract class Detail<Tab extends string> implements IDisposable {
  constructor(
    protected readonly client: IClient,
    private readonly feed: ChangeFeed,
    readonly name: string,
    tab: Tab
  ) {
    this._tab = tab;
    this._attention = new Attention(feed, () => this.refresh());
    feed.changed.connect(this.onChange, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The tab that is open. */
  get tab(): Tab {
    return this._tab;
  }

  /** The reference of the version that is looked at. */
  get reference(): string {
    return this._version === null ? `${this.name}@latest` : `${this.name}@${this._version}`;
  }

  /** Open a tab; what only it shows is read now. */
  open(tab: Tab): void {
    this._tab = tab;
    this.tell();
    void this.refreshTab();
  }

  /** Look at a version, or at whichever is the latest. */
  select(version: number | null): void {
    if (version === this._version) {
      return;
    }
    this._version = version;
    this._ofVersion.forEach(each => {
      each.reset();
    });
    void this.refresh();
  }

  /** Whether somebody looks. */
  setVisible(visible: boolean): void {
    this._attention.setVisible(visible);
  }

  /** Read again what is on screen. */
  abstract refresh(): Promise<void>;

  dispose(): void {
    this._isDisposed = true;
    this._attention.setVisible(false);
    this.feed.changed.disconnect(this.onChange, this);
    this._all.forEach(each => {
      each.dispose();
    });
    Signal.clearData(this);
  }

  /** Read what only the open tab shows. */
  protected abstract refreshTab(): Promise<void>;

  /** Whether a change may show on this panel. */
  protected abstract concerns(change: IChange): boolean;

  /** Tell of what is read of the whole thing, and let it go in the end. */
  protected whole<R extends Resource<unknown>>(resource: R): R {
    resource.changed.connect(this.tell, this);
    this._all.push(resource);
    return resource;
  }

  /** The same of what is read of the version that is looked at; it is forgotten when another is. */
  protected ofVersion<R extends Resource<unknown>>(resource: R): R {
    this._ofVersion.push(resource);
    return this.whole(resource);
  }

  private onChange(_: ChangeFeed, change: IChange): void {
    if (this.concerns(change)) {
      this._attention.touch();
    }
  }

  private tell(): void {
    this._changed.emit();
  }

  private readonly _attention: Attention;
  private readonly _all: Resource<unknown>[] = [];
  private readonly _ofVersion: Resource<unknown>[] = [];
  private _tab: Tab;
  private _version: number | null = null;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

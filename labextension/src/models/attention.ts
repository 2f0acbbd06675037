import { type ChangeFeed } from './feed';

/** Reads again at once while somebody looks, and else when next shown. */
export class Attention {
  constructor(
    private readonly feed: ChangeFeed,
    private readonly refresh: () => Promise<void>
  ) {}

  /** Whether somebody looks. */
  setVisible(visible: boolean): void {
    this._unwatch?.();
    this._unwatch = visible ? this.feed.watch() : null;
    this.attend();
  }

  /** What is shown may have changed. */
  touch(): void {
    this._outdated = true;
    this.attend();
  }

  private attend(): void {
    if (this._unwatch && this._outdated) {
      this._outdated = false;
      void this.refresh();
    }
  }

  private _unwatch: (() => void) | null = null;
  private _outdated = true;
}

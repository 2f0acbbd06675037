import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type IClient } from '../api/client';
import { asMlopsError, type MlopsError } from '../api/errors';
import { type JobOutput, type OutputPiece } from '../api/generated';

/** Pieces that are kept: what is older was seen, or stands in the executed notebook. */
const MOST = 500;

/** What a job prints, followed until it ends. */
export class FollowedOutput implements IDisposable {
  constructor(
    private readonly client: IClient,
    private readonly job: string,
    private readonly milliseconds = 1000
  ) {
    void this.read();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The last pieces, oldest first. */
  get pieces(): readonly OutputPiece[] {
    return this._pieces;
  }

  /** How far the job is; nothing before the first answer. */
  get state(): JobOutput | null {
    return this._state;
  }

  /** What went wrong with reading. */
  get error(): MlopsError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    this._abort.abort();
    Signal.clearData(this);
  }

  private async read(): Promise<void> {
    try {
      const request = { job: this.job, after: this._state?.next ?? 0 };
      const found = await this.client.call('jobs.output', request, this._abort.signal);
      this._state = found;
      this._error = null;
      this._pieces = [...this._pieces, ...found.pieces].slice(-MOST);
    } catch (thrown) {
      this._error = asMlopsError(thrown);
    }
    if (this._isDisposed) {
      return;
    }
    this._changed.emit();
    if (!this._state?.ended) {
      // What came in full is followed by more at once.
      this._timer = window.setTimeout(() => void this.read(), this._state?.pieces.length ? 100 : this.milliseconds);
    }
  }

  private readonly _abort = new AbortController();
  private _timer = 0;
  private _pieces: readonly OutputPiece[] = [];
  private _state: JobOutput | null = null;
  private _error: MlopsError | null = null;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

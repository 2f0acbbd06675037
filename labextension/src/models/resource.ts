import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { asMlopsError, type MlopsError } from '../api/errors';

/** What a view can know of something on the server. A value with an error beside it is stale. */
export interface IState<T> {
  readonly value: T | null;
  readonly error: MlopsError | null;
  readonly loading: boolean;
  /** When the value was read, milliseconds; 0 before the first. */
  readonly readAt: number;
}

/** Something on the server, read again whenever it may have changed. */
export class Resource<T> implements IDisposable {
  constructor(private readonly read: (signal: AbortSignal) => Promise<T>) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): IState<T> {
    return this._state;
  }

  get value(): T | null {
    return this._state.value;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._abort.abort();
    Signal.clearData(this);
  }

  /** Forget the value, for one that belongs to something else. */
  reset(): void {
    this._abort.abort();
    this._ticket++;
    this.set({ value: null, error: null, loading: false, readAt: 0 });
  }

  /** Read again. An older answer never overwrites a newer one; errors stand in the state, none is thrown. */
  async refresh(): Promise<void> {
    if (this._isDisposed) {
      return;
    }
    const ticket = ++this._ticket;
    this._abort.abort();
    this._abort = new AbortController();
    this.set({ ...this._state, loading: true });
    try {
      const value = await this.read(this._abort.signal);
      this.settle(ticket, { value, error: null, loading: false, readAt: Date.now() });
    } catch (thrown) {
      this.settle(ticket, { ...this._state, error: asMlopsError(thrown), loading: false });
    }
  }

  protected set(state: IState<T>): void {
    this._state = state;
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private settle(ticket: number, state: IState<T>): void {
    if (ticket === this._ticket && !this._isDisposed) {
      this.set(state);
    }
  }

  private _state: IState<T> = { value: null, error: null, loading: false, readAt: 0 };
  private _ticket = 0;
  private _abort = new AbortController();
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

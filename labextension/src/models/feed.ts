import { type Event } from '@jupyterlab/services';
import { type IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import { type IClient } from '../api/client';

/** Id of the schema of the server's notices. */
export const CHANGE_SCHEMA = 'https://schemas.mlops-ext.dev/change/v1';

/** One notice: something of this kind changed. An empty kind means that anything may have. */
export interface IChange {
  readonly kind: string;
  readonly subject: string;
  readonly action: string;
  readonly seq: number;
}

/**
 * What changed in the workspace, from whichever process.
 *
 * #### Notes
 * Notices come over the socket that the page holds anyway, which replays nothing. So the number of the
 * newest event is also asked for: rarely, only while somebody looks, and at once when the page is shown
 * again or the network is back. When it ran ahead of the notices, everything on screen is read again.
 */
export class ChangeFeed implements IDisposable {
  constructor(
    private readonly client: IClient,
    private readonly stream: Event.Stream,
    seconds: number
  ) {
    stream.connect(this.onEmission, this);
    this._poll = new Poll({
      auto: false,
      factory: () => this.check(),
      frequency: { interval: seconds * 1000, backoff: true, max: 300_000 },
      name: 'mlops-ext:changes',
      standby: () => (this._watchers > 0 && document.visibilityState === 'visible' ? 'never' : true)
    });
    document.addEventListener('visibilitychange', this);
    window.addEventListener('online', this);
  }

  get changed(): ISignal<this, IChange> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** How often to ask when nothing is heard, in seconds. */
  set interval(seconds: number) {
    this._poll.frequency = { ...this._poll.frequency, interval: seconds * 1000 };
  }

  /** Say that a view is on screen; the result takes that back. */
  watch(): () => void {
    this._watchers++;
    void this._poll.start();
    let watching = true;
    return () => {
      this._watchers -= watching ? 1 : 0;
      watching = false;
    };
  }

  dispose(): void {
    this.stream.disconnect(this.onEmission, this);
    document.removeEventListener('visibilitychange', this);
    window.removeEventListener('online', this);
    this._poll.dispose();
    Signal.clearData(this);
  }

  handleEvent(): void {
    if (this._watchers > 0 && document.visibilityState === 'visible') {
      void this._poll.refresh();
    }
  }

  /** Ask for the number of the newest event and tell when it was missed. */
  async check(): Promise<void> {
    const { seq } = await this.client.call('audit.head', {});
    const missed = this._seq !== null && seq !== this._seq;
    this._seq = seq;
    if (missed) {
      this._changed.emit({ kind: '', subject: '', action: '', seq });
    }
  }

  private onEmission(_: unknown, emission: Event.Emission): void {
    if (emission.schema_id !== CHANGE_SCHEMA) {
      return;
    }
    const { kind, subject, action, seq } = emission as unknown as IChange;
    this._seq = Math.max(this._seq ?? 0, seq);
    this._changed.emit({ kind, subject, action, seq });
  }

  private readonly _poll: Poll<void>;
  private _watchers = 0;
  private _seq: number | null = null;
  private _changed = new Signal<this, IChange>(this);
}

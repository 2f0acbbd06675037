import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type IClient } from '../api/client';
import {
  type Deployment,
  type DrawFigure,
  type Figure,
  type GateResults,
  type Health,
  type Lineage,
  type Model,
  type ModelVersion,
  type Promotion,
  type Report
} from '../api/generated';
import { Attention } from './attention';
import { type ChangeFeed, type IChange } from './feed';
import { PagedList } from './pagedList';
import { Resource } from './resource';

/** The tabs of the panel. */
export const MODEL_TABS = ['overview', 'gates', 'history', 'lineage', 'monitoring'] as const;
export type ModelTab = (typeof MODEL_TABS)[number];

const KINDS = ['', 'model', 'report', 'policy', 'alert', 'run'];

/** One model and the version of it that is looked at. Only what is on screen is read. */
export class ModelDetail implements IDisposable {
  constructor(
    private readonly client: IClient,
    private readonly feed: ChangeFeed,
    readonly name: string
  ) {
    const model = name;
    this.model = new Resource(signal => client.call('models.show', { model }, signal));
    this.versions = new PagedList(
      (limit, cursor, signal) => client.call('models.versions', { model, limit, cursor }, signal),
      100
    );
    this.version = new Resource(signal => client.call('models.version', { model: this.reference }, signal));
    this.gates = new Resource(signal => this.readGates(signal));
    this.history = new PagedList((limit, cursor, signal) =>
      client.call('models.deployments', { model, limit, cursor }, signal)
    );
    this.promotions = new PagedList(
      (limit, cursor, signal) => client.call('models.promotions', { model, limit, cursor }, signal),
      10
    );
    this.lineage = new Resource(signal =>
      client.call('governance.lineage', { ref: `model:${this.reference}` }, signal)
    );
    this.reports = new PagedList(
      (limit, cursor, signal) => client.call('monitoring.reports', { model, limit, cursor }, signal),
      200
    );
    this.health = new Resource(signal => client.call('monitoring.health', { model }, signal));
    this.all.forEach(each => each.changed.connect(this.tell, this));
    this._attention = new Attention(feed, () => this.refresh());
    feed.changed.connect(this.onChange, this);
  }

  readonly model: Resource<Model>;
  readonly versions: PagedList<ModelVersion>;
  readonly version: Resource<ModelVersion>;
  readonly gates: Resource<GateResults[]>;
  readonly history: PagedList<Deployment>;
  readonly promotions: PagedList<Promotion>;
  readonly lineage: Resource<Lineage>;
  readonly reports: PagedList<Report>;
  readonly health: Resource<Health>;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get tab(): ModelTab {
    return this._tab;
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
    [this.version, this.gates, this.lineage].forEach(each => {
      each.reset();
    });
    void this.refresh();
  }

  /** Turn to a tab. */
  open(tab: ModelTab): void {
    this._tab = tab;
    this.tell();
    void this.refreshTab();
  }

  /** Ask the server to draw one of the model's figures. */
  readonly draw = (
    request: Omit<DrawFigure, 'model' | 'template'>,
    template: 'light' | 'dark',
    signal: AbortSignal
  ): Promise<Figure> => this.client.call('monitoring.figure', { ...request, template, model: this.name }, signal);

  /** Whether somebody looks. */
  setVisible(visible: boolean): void {
    this._attention.setVisible(visible);
  }

  /** Read again what is on screen. */
  async refresh(): Promise<void> {
    await Promise.all([this.model.refresh(), this.versions.refresh(), this.version.refresh(), this.refreshTab()]);
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
    const { model, versions, version, gates, promotions, history, lineage, reports, health } = this;
    return [model, versions, version, gates, promotions, history, lineage, reports, health];
  }

  private async refreshTab(): Promise<void> {
    switch (this._tab) {
      case 'overview':
        return;
      case 'gates':
        await Promise.all([this.gates.refresh(), this.promotions.refresh()]);
        return;
      case 'history':
        return this.history.refresh();
      case 'lineage':
        return this.lineage.refresh();
      case 'monitoring':
        await Promise.all([this.health.refresh(), this.reports.refresh()]);
        return;
    }
  }

  private async readGates(signal: AbortSignal): Promise<GateResults[]> {
    const model = this.reference;
    const { policy } = await this.client.call('policy.show', {}, signal);
    return Promise.all(policy.environments.map(to => this.client.call('models.check', { model, to }, signal)));
  }

  private onChange(_: ChangeFeed, change: IChange): void {
    if (KINDS.includes(change.kind) && (change.kind !== 'model' || this.isAbout(change.subject))) {
      this._attention.touch();
    }
  }

  private isAbout(subject: string): boolean {
    return subject.replace(/^model:/, '').split('@')[0] === this.name;
  }

  private tell(): void {
    this._changed.emit();
  }

  private _tab: ModelTab = 'overview';
  private readonly _attention: Attention;
  private _version: number | null = null;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

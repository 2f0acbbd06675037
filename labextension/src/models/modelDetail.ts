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
import { Detail } from './detail';
import { type ChangeFeed, type IChange } from './feed';
import { PagedList } from './pagedList';
import { parseReference } from './reference';
import { Resource } from './resource';

/** The tabs of the panel. */
export const MODEL_TABS = ['overview', 'gates', 'history', 'lineage', 'monitoring'] as const;
export type ModelTab = (typeof MODEL_TABS)[number];

const KINDS = ['', 'model', 'report', 'policy', 'alert', 'run'];

/** One model and the version of it that is looked at. Only what is on screen is read. */
export class ModelDetail extends Detail<ModelTab> {
  constructor(client: IClient, feed: ChangeFeed, name: string) {
    super(client, feed, name, 'overview');
    const model = name;
    this.model = this.whole(new Resource(signal => client.call('models.show', { model }, signal)));
    this.versions = this.whole(
      new PagedList((limit, cursor, signal) => client.call('models.versions', { model, limit, cursor }, signal), 100)
    );
    this.version = this.ofVersion(
      new Resource(signal => client.call('models.version', { model: this.reference }, signal))
    );
    this.gates = this.ofVersion(new Resource(signal => this.readGates(signal)));
    this.history = this.whole(
      new PagedList((limit, cursor, signal) => client.call('models.deployments', { model, limit, cursor }, signal))
    );
    this.promotions = this.whole(
      new PagedList((limit, cursor, signal) => client.call('models.promotions', { model, limit, cursor }, signal), 10)
    );
    this.lineage = this.ofVersion(
      new Resource(signal => client.call('governance.lineage', { ref: `model:${this.reference}` }, signal))
    );
    this.reports = this.whole(
      new PagedList((limit, cursor, signal) => client.call('monitoring.reports', { model, limit, cursor }, signal), 200)
    );
    this.health = this.whole(new Resource(signal => client.call('monitoring.health', { model }, signal)));
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

  /** Ask the server to draw one of the model's figures. */
  readonly draw = (
    request: Omit<DrawFigure, 'model' | 'template'>,
    template: 'light' | 'dark',
    signal: AbortSignal
  ): Promise<Figure> => this.client.call('monitoring.figure', { ...request, template, model: this.name }, signal);

  async refresh(): Promise<void> {
    await Promise.all([this.model.refresh(), this.versions.refresh(), this.version.refresh(), this.refreshTab()]);
  }

  protected async refreshTab(): Promise<void> {
    switch (this.tab) {
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

  protected concerns(change: IChange): boolean {
    return (
      KINDS.includes(change.kind) && (change.kind !== 'model' || parseReference(change.subject).name === this.name)
    );
  }

  private async readGates(signal: AbortSignal): Promise<GateResults[]> {
    const model = this.reference;
    const { policy } = await this.client.call('policy.show', {}, signal);
    return Promise.all(policy.environments.map(to => this.client.call('models.check', { model, to }, signal)));
  }
}

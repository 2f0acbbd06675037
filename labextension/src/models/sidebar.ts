import { type IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';

import { type IClient } from '../api/client';
import {
  type Alert,
  type Dataset,
  type Job,
  type Model,
  type ModelVersion,
  type PipelineRun,
  type Schedule,
  type WorkspaceStatus
} from '../api/generated';
import { type ChangeFeed, type IChange } from './feed';
import { PagedList } from './pagedList';
import { Resource } from './resource';

/** The sections of the sidebar. */
export type Section = 'models' | 'datasets' | 'jobs' | 'pipelines' | 'schedules' | 'alerts';

const KINDS: Record<string, Section> = {
  model: 'models',
  dataset: 'datasets',
  job: 'jobs',
  pipeline: 'pipelines',
  schedule: 'schedules',
  alert: 'alerts'
};
const SECTIONS: readonly Section[] = ['models', 'datasets', 'jobs', 'pipelines', 'schedules', 'alerts'];
const FEW = 5;

/** What the sidebar lists; it outlives the widget that shows it. */
export class SidebarModel implements IDisposable {
  constructor(
    private readonly client: IClient,
    private readonly feed: ChangeFeed
  ) {
    const search = () => ({ search: this._filter });
    this.models = new PagedList((limit, cursor, signal) =>
      client.call('models.list', { ...search(), limit, cursor }, signal)
    );
    this.datasets = new PagedList((limit, cursor, signal) =>
      client.call('datasets.list', { ...search(), limit, cursor }, signal)
    );
    this.jobs = new PagedList((limit, cursor, signal) => client.call('jobs.list', { limit, cursor }, signal), FEW);
    this.pipelines = new PagedList(
      (limit, cursor, signal) => client.call('pipelines.runs', { limit, cursor }, signal),
      FEW
    );
    this.schedules = new PagedList(
      (limit, cursor, signal) => client.call('schedules.list', { limit, cursor }, signal),
      FEW
    );
    this.alerts = new PagedList(
      (limit, cursor, signal) => client.call('monitoring.alerts', { state: 'open', limit, cursor }, signal),
      FEW
    );
    this.workspace = new Resource(signal => client.call('workspace.show', {}, signal));
    this.lists.forEach(list => list.changed.connect(this.tell, this));
    feed.changed.connect(this.onChange, this);
  }

  readonly models: PagedList<Model>;
  readonly datasets: PagedList<Dataset>;
  readonly jobs: PagedList<Job>;
  readonly pipelines: PagedList<PipelineRun>;
  readonly schedules: PagedList<Schedule>;
  readonly alerts: PagedList<Alert>;
  readonly workspace: Resource<WorkspaceStatus>;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get filter(): string {
    return this._filter;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Show only what has this text in its name. */
  setFilter(text: string): void {
    this._filter = text;
    this.tell();
    void this._search.invoke();
  }

  /** Whether somebody looks. What changed meanwhile is read when the panel is shown. */
  setVisible(visible: boolean): void {
    this._unwatch?.();
    this._unwatch = visible ? this.feed.watch() : null;
    if (visible) {
      if (!this.workspace.value) {
        void this.workspace.refresh();
      }
      this._outdated.forEach(section => void this.refresh(section));
    }
  }

  /** Read everything again. */
  async refreshAll(): Promise<void> {
    await Promise.all(SECTIONS.map(section => this.refresh(section)));
  }

  /** Read one section again. */
  async refresh(section: Section): Promise<void> {
    this._outdated.delete(section);
    const versions = section === 'models' ? [...this._versions.values()] : [];
    await Promise.all([this[section].refresh(), ...versions.map(list => list.refresh())]);
  }

  /** The versions of a model that is unfolded; nothing when it is folded. */
  versionsOf(model: string): PagedList<ModelVersion> | null {
    return this._versions.get(model) ?? null;
  }

  /** Fold or unfold a model. */
  toggle(model: string): void {
    const open = this._versions.get(model);
    if (open) {
      open.dispose();
      this._versions.delete(model);
      this.tell();
      return;
    }
    const versions = new PagedList<ModelVersion>(
      (limit, cursor, signal) => this.client.call('models.versions', { model, limit, cursor }, signal),
      10
    );
    versions.changed.connect(this.tell, this);
    this._versions.set(model, versions);
    void versions.refresh();
  }

  dispose(): void {
    this._isDisposed = true;
    this._unwatch?.();
    this._search.dispose();
    this.feed.changed.disconnect(this.onChange, this);
    [...this.lists, ...this._versions.values()].forEach(list => {
      list.dispose();
    });
    Signal.clearData(this);
  }

  private get lists(): Resource<unknown>[] {
    return [this.models, this.datasets, this.jobs, this.pipelines, this.schedules, this.alerts, this.workspace];
  }

  private onChange(_: ChangeFeed, change: IChange): void {
    const section = KINDS[change.kind];
    const changed = section ? [section] : change.kind === '' ? SECTIONS : [];
    for (const each of changed) {
      if (this._unwatch) {
        void this.refresh(each);
      } else {
        this._outdated.add(each);
      }
    }
  }

  private tell(): void {
    this._changed.emit();
  }

  private async search(): Promise<void> {
    await Promise.all([this.refresh('models'), this.refresh('datasets')]);
  }

  private readonly _search = new Debouncer(() => this.search(), 250);
  private readonly _versions = new Map<string, PagedList<ModelVersion>>();
  private readonly _outdated = new Set<Section>(SECTIONS);
  private _unwatch: (() => void) | null = null;
  private _filter = '';
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

import { type TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { type Alert, type Job, type PipelineRun, type Schedule } from '../api/generated';
import { type PagedList } from '../models/pagedList';
import { type SidebarModel } from '../models/sidebar';
import { AlertList, DatasetList, JobList, PipelineList, ScheduleList } from './lists';
import { More, ModelTree } from './modelTree';
import { Section } from './section';
import { Empty, Failure, View } from './states';

interface ISidebarProps {
  model: SidebarModel;
  trans: TranslationBundle;
  showDatasets: boolean;
  onOpenModel: (name: string, version: number | null) => void;
  onOpenDataset: (name: string) => void;
  onOpenJob: (job: Job) => void;
  onOpenPipeline: (run: PipelineRun) => void;
  onOpenSchedule: (schedule: Schedule) => void;
  onOpenAlert: (alert: Alert) => void;
}

/** The sidebar: models, datasets, and what runs or wants attention. */
export function Sidebar(props: ISidebarProps): React.ReactElement {
  const { model, trans } = props;
  const error = model.models.value === null ? model.models.state.error : null;
  return (
    <div className="mlx-Sidebar">
      <Filter model={model} trans={trans} />
      {error && error.reason !== 'failed' ? (
        // What stops every section is said once.
        <Failure error={error} trans={trans} onRetry={() => void model.refreshAll()} />
      ) : (
        <Sections {...props} />
      )}
      <Where model={model} trans={trans} />
    </div>
  );
}

/** Names the workspace, so that nobody takes another's models for theirs. */
function Where({ model, trans }: Pick<ISidebarProps, 'model' | 'trans'>): React.ReactElement | null {
  const root = model.workspace.value?.root;
  return root ? (
    <footer className="mlx-Where" title={root}>
      {trans.__('Workspace')}
      <span className="mlx-Where-path">
        <bdi>{root}</bdi>
      </span>
    </footer>
  ) : null;
}

function Filter({ model, trans }: Pick<ISidebarProps, 'model' | 'trans'>): React.ReactElement {
  return (
    <div className="mlx-Filter">
      <input
        type="search"
        value={model.filter}
        placeholder={trans.__('Filter by name')}
        aria-label={trans.__('Filter models and datasets by name')}
        onChange={event => {
          model.setFilter(event.target.value);
        }}
      />
      <button
        className="mlx-IconButton"
        title={trans.__('Refresh')}
        aria-label={trans.__('Refresh')}
        onClick={() => void model.refreshAll()}
      >
        <refreshIcon.react tag="span" />
      </button>
    </div>
  );
}

function Sections(props: ISidebarProps): React.ReactElement {
  const { model, trans } = props;
  return (
    <>
      <ListSection
        title={trans.__('Models')}
        list={model.models}
        trans={trans}
        empty={emptyOf(model, trans, trans.__('No models yet. Register the first in a notebook:'), REGISTER)}
      >
        {models => (
          <ModelTree
            models={models}
            trans={trans}
            versionsOf={name => model.versionsOf(name)}
            onToggle={name => {
              model.toggle(name);
            }}
            onOpen={props.onOpenModel}
          />
        )}
      </ListSection>
      {props.showDatasets && (
        <ListSection
          title={trans.__('Datasets')}
          list={model.datasets}
          trans={trans}
          empty={emptyOf(model, trans, trans.__('No datasets yet. Snapshot the first in a notebook:'), SNAPSHOT)}
        >
          {items => (
            <DatasetList
              items={items}
              trans={trans}
              onOpen={each => {
                props.onOpenDataset(each.name);
              }}
            />
          )}
        </ListSection>
      )}
      <ListSection
        title={trans.__('Recent jobs')}
        list={model.jobs}
        trans={trans}
        empty={<Empty text={trans.__('No jobs yet. “Run as Job…” in a notebook’s toolbar starts one.')} />}
      >
        {items => <JobList items={items} trans={trans} onOpen={props.onOpenJob} />}
      </ListSection>
      <Automation {...props} />
      <ListSection
        title={trans.__('Open alerts')}
        list={model.alerts}
        trans={trans}
        empty={<Empty text={trans.__('Nothing wants attention.')} />}
      >
        {items => <AlertList items={items} trans={trans} onOpen={props.onOpenAlert} />}
      </ListSection>
    </>
  );
}

/** What runs by itself; nothing is said where there is nothing. */
function Automation(props: ISidebarProps): React.ReactElement {
  const { model, trans } = props;
  return (
    <>
      {model.pipelines.items.length > 0 && (
        <ListSection title={trans.__('Pipeline runs')} list={model.pipelines} trans={trans} empty={null}>
          {items => <PipelineList items={items} trans={trans} onOpen={props.onOpenPipeline} />}
        </ListSection>
      )}
      {model.schedules.items.length > 0 && (
        <ListSection title={trans.__('Schedules')} list={model.schedules} trans={trans} empty={null}>
          {items => <ScheduleList items={items} trans={trans} onOpen={props.onOpenSchedule} />}
        </ListSection>
      )}
    </>
  );
}

interface IListSectionProps<T> {
  title: string;
  list: PagedList<T>;
  trans: TranslationBundle;
  empty: React.ReactNode;
  children: (items: readonly T[]) => React.ReactNode;
}

function ListSection<T>({ title, list, trans, empty, children }: IListSectionProps<T>): React.ReactElement {
  const count = list.value ? `${list.items.length}${list.hasMore ? '+' : ''}` : undefined;
  return (
    <Section title={title} count={count}>
      <View state={list.state} trans={trans} onRetry={() => void list.refresh()}>
        {page =>
          page.items.length ? (
            <>
              {children(page.items)}
              <ul className="mlx-List">
                <More list={list} trans={trans} />
              </ul>
            </>
          ) : (
            empty
          )
        }
      </View>
    </Section>
  );
}

const REGISTER = 'import mlops_ext as mlops\nmlops.register(model, "delay")';
const SNAPSHOT = 'import mlops_ext as mlops\nmlops.snapshot(frame, "flights")';

function emptyOf(model: SidebarModel, trans: TranslationBundle, text: string, code: string): React.ReactElement {
  return model.filter ? (
    <Empty text={trans.__('Nothing has “%1” in its name.', model.filter)} />
  ) : (
    <Empty {...{ text, code }} />
  );
}

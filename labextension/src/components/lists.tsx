import { type TranslationBundle } from '@jupyterlab/translation';
import { type LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { type Alert, type Dataset, type Job, type PipelineRun, type Schedule } from '../api/generated';
import { datasetIcon, jobIcon } from '../icons';
import { type Tone, Status } from './chips';
import { formatCount, formatTime } from './format';
import { useRoving } from './roving';

interface IItemProps {
  icon?: LabIcon;
  name: string;
  side: React.ReactNode;
  note?: React.ReactNode;
  title?: string;
  onOpen: () => void;
}

interface IListProps<T> {
  items: readonly T[];
  trans: TranslationBundle;
  onOpen: (item: T) => void;
}

/** Datasets with their latest version and size. */
export function DatasetList({ items, trans, onOpen }: IListProps<Dataset>): React.ReactElement {
  return (
    <Rows label={trans.__('Datasets')}>
      {items.map(each => (
        <Item
          key={each.name}
          icon={datasetIcon}
          name={each.name}
          side={each.latest ? `v${each.latest}` : ''}
          note={trans._n('%2 row', '%2 rows', each.rows, formatCount(each.rows))}
          title={each.description || each.name}
          onOpen={() => {
            onOpen(each);
          }}
        />
      ))}
    </Rows>
  );
}

/** The newest jobs with their states. */
export function JobList({ items, trans, onOpen }: IListProps<Job>): React.ReactElement {
  return (
    <Rows label={trans.__('Recent jobs')}>
      {items.map(each => (
        <Item
          key={each.id}
          icon={jobIcon}
          name={each.notebook.split('/').pop() ?? each.notebook}
          side={<Status tone={toneOf(each.status)} text={progressOf(each, trans)} />}
          note={formatTime(each.created_at)}
          title={[each.notebook, each.error].filter(Boolean).join('\n')}
          onOpen={() => {
            onOpen(each);
          }}
        />
      ))}
    </Rows>
  );
}

/** The newest runs of pipelines, and how far they are. */
export function PipelineList({ items, trans, onOpen }: IListProps<PipelineRun>): React.ReactElement {
  return (
    <Rows label={trans.__('Pipeline runs')}>
      {items.map(each => (
        <Item
          key={each.id}
          icon={jobIcon}
          name={each.pipeline}
          side={<Status tone={pipelineTone(each.status)} text={stepsOf(each, trans)} />}
          note={formatTime(each.created_at)}
          title={[each.pipeline, each.error].filter(Boolean).join('\n')}
          onOpen={() => {
            onOpen(each);
          }}
        />
      ))}
    </Rows>
  );
}

/** What runs by the clock, and when next; a warning when nothing fires is said once, above. */
export function ScheduleList({ items, trans, onOpen }: IListProps<Schedule>): React.ReactElement {
  const warning = items.find(each => each.warning)?.warning;
  return (
    <>
      {warning && (
        <p className="mlx-Warning" role="status">
          {warning}
        </p>
      )}
      <Rows label={trans.__('Schedules')}>
        {items.map(each => (
          <Item
            key={each.name}
            icon={jobIcon}
            name={each.name}
            side={<Status tone={each.error ? 'bad' : 'neutral'} text={fireOf(each, trans)} />}
            note={`${each.cron} ${each.tz}: ${each.pipeline || each.notebook}`}
            title={[each.name, each.error].filter(Boolean).join('\n')}
            onOpen={() => {
              onOpen(each);
            }}
          />
        ))}
      </Rows>
    </>
  );
}

/** Alerts that wait for somebody. */
export function AlertList({ items, trans, onOpen }: IListProps<Alert>): React.ReactElement {
  return (
    <Rows label={trans.__('Open alerts')}>
      {items.map(each => (
        <Item
          key={each.id}
          name={each.model || each.monitor}
          side={<Status tone="bad" text={alertKind(each.kind, trans)} />}
          note={each.message}
          title={`${each.message}\n${formatTime(each.created_at)}`}
          onOpen={() => {
            onOpen(each);
          }}
        />
      ))}
    </Rows>
  );
}

function Rows(props: { label: string; children: React.ReactNode }): React.ReactElement {
  const roving = useRoving<HTMLUListElement>();
  return (
    <ul className="mlx-List" aria-label={props.label} {...roving}>
      {props.children}
    </ul>
  );
}

function Item({ icon: Icon, name, side, note, title, onOpen }: IItemProps): React.ReactElement {
  return (
    <li>
      <button className="mlx-Row" data-mlx-row="" tabIndex={-1} title={title} onClick={onOpen}>
        <span className="mlx-Row-fold" />
        {Icon && <Icon.react tag="span" className="mlx-Row-icon" />}
        <span className="mlx-Row-name">{name}</span>
        <span className="mlx-Row-side">{side}</span>
        {note && <span className="mlx-Row-note">{note}</span>}
      </button>
    </li>
  );
}

function progressOf(job: Job, trans: TranslationBundle): string {
  const state = jobState(job.status, trans);
  return job.status === 'running' && job.cells_total ? `${state} ${job.cells_done}/${job.cells_total}` : state;
}

/** How a job's state is to be taken. */
export function toneOf(status: Job['status']): Tone {
  if (status === 'succeeded') {
    return 'good';
  }
  if (status === 'queued' || status === 'running') {
    return 'busy';
  }
  return status === 'cancelled' ? 'neutral' : 'bad';
}

/** A job's state in words. */
export function jobState(status: Job['status'], trans: TranslationBundle): string {
  const words: Record<Job['status'], string> = {
    queued: trans.__('queued'),
    running: trans.__('running'),
    succeeded: trans.__('succeeded'),
    failed: trans.__('failed'),
    timed_out: trans.__('timed out'),
    cancelled: trans.__('cancelled'),
    kernel_died: trans.__('kernel died'),
    invalid: trans.__('invalid'),
    rejected: trans.__('rejected')
  };
  return words[status];
}

/** How the state of a pipeline's run is to be taken. */
export function pipelineTone(status: PipelineRun['status']): Tone {
  return status === 'running' ? 'busy' : toneOf(status);
}

function stepsOf(run: PipelineRun, trans: TranslationBundle): string {
  const state = jobState(run.status, trans);
  const done = run.steps.filter(each => each.status !== 'waiting' && each.seconds !== null).length;
  return run.status === 'running' ? `${state} ${done}/${run.steps.length}` : state;
}

function fireOf(schedule: Schedule, trans: TranslationBundle): string {
  if (schedule.error) {
    return trans.__('did not start');
  }
  return schedule.paused ? trans.__('paused') : (schedule.next[0] ?? '').slice(0, 16).replace('T', ' ');
}

function alertKind(kind: Alert['kind'], trans: TranslationBundle): string {
  const words: Record<Alert['kind'], string> = {
    performance_loss: trans.__('performance'),
    estimated_impact: trans.__('estimated'),
    drift: trans.__('drift'),
    data_quality: trans.__('data quality'),
    bias: trans.__('bias')
  };
  return words[kind];
}

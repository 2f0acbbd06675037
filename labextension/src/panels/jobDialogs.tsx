import '../../style/detail.css';
import '../../style/forms.css';

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import * as React from 'react';

import { MlopsError } from '../api/errors';
import { type Job, type NotebookParameters } from '../api/generated';
import { formatDuration, formatTime } from '../components/format';
import { JobForm, problemOf, type Texts } from '../components/jobForm';
import { JobOutputLog } from '../components/jobOutput';
import { jobState } from '../components/lists';
import { Facts } from '../components/table';
import { followJob } from '../models/follow';
import { changedValues, fieldOf } from '../models/jobFields';
import { FollowedOutput } from '../models/jobOutput';
import { type IMlops } from '../tokens';
import { askForm } from './formDialog';

/** Ask for the parameters of a notebook, queue it, and tell how it ended. */
export async function askJob(mlops: IMlops, notebook: string): Promise<void> {
  const { client, trans } = mlops;
  const found = await client.call('jobs.inspect', { notebook });
  if (!found.tagged && !(await runsUntagged(mlops, notebook))) {
    return;
  }
  const fields = found.parameters.map(fieldOf);
  const job = await askForm<Texts, Job>(mlops, {
    title: trans.__('Run %1 as a job', nameOf(notebook)),
    accept: trans.__('Run'),
    initial: new Map(),
    draw: props => <JobForm {...props} fields={fields} />,
    submit: texts => submit(mlops, found, notebook, texts)
  });
  if (job) {
    follow(mlops, job);
  }
}

async function submit(mlops: IMlops, found: NotebookParameters, notebook: string, texts: Texts): Promise<Job> {
  const { client, trans } = mlops;
  const fields = found.parameters.map(fieldOf);
  for (const field of fields) {
    const text = texts.get(field.name) ?? field.initial;
    const problem = text === field.initial ? '' : problemOf(field, text, trans);
    if (problem) {
      throw new MlopsError('invalid_value', `${field.name}: ${problem}`);
    }
  }
  return client.call('jobs.submit', { notebook, parameters: changedValues(fields, texts) });
}

async function runsUntagged({ trans }: IMlops, notebook: string): Promise<boolean> {
  const answer = await showDialog({
    title: trans.__('%1 declares no parameters', nameOf(notebook)),
    body: (
      <div className="mlx-Dialog">
        <p>
          {trans.__(
            'Put the values to vary into one cell and tag it “parameters”: select the cell, open the property inspector in the right sidebar, and add the tag.'
          )}
        </p>
        <p>{trans.__('Without it the notebook can only run as it is.')}</p>
      </div>
    ),
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.okButton({ label: trans.__('Run as it is') })],
    defaultButton: 0
  });
  return answer.button.accept;
}

/** Tell in one notice how a job goes and how it ended. */
export function follow({ client, feed, trans }: IMlops, { id, notebook }: Job): void {
  const name = nameOf(notebook);
  const ended = followJob(client, feed, id).then(job => {
    if (job.status !== 'succeeded') {
      throw new MlopsError(job.status, `${jobState(job.status, trans)}${job.error ? `: ${job.error}` : ''}`);
    }
    return durationOf(job);
  });
  Notification.promise(ended, {
    pending: { message: trans.__('%1 runs as a job', name) },
    success: {
      message: took => trans.__('%1 succeeded in %2', name, took),
      options: { autoClose: 8000 }
    },
    error: { message: reason => trans.__('%1 %2', name, (reason as MlopsError).message), options: { autoClose: false } }
  });
}

/** What to do about a job that was looked at. */
export type JobChoice = 'cancel' | 'open' | null;

/** Show a job. */
export async function showJob({ client, trans }: IMlops, job: Job): Promise<JobChoice> {
  const going = job.status === 'queued' || job.status === 'running';
  const buttons = [Dialog.cancelButton({ label: trans.__('Close') })];
  if (going) {
    buttons.push(Dialog.warnButton({ label: trans.__('Cancel job'), actions: ['cancel'] }));
  }
  if (job.output && !going) {
    buttons.push(Dialog.okButton({ label: trans.__('Open result'), actions: ['open'] }));
  }
  const output = new FollowedOutput(client, job.id);
  const answer = await showDialog({
    title: nameOf(job.notebook),
    body: (
      <div className="mlx-Dialog">
        <JobOutputLog output={output} trans={trans} />
        <JobFacts job={job} mlops={{ trans }} />
      </div>
    ),
    buttons,
    defaultButton: 0
  });
  output.dispose();
  return (answer.button.actions[0] as JobChoice | undefined) ?? null;
}

function JobFacts({ job, mlops: { trans } }: { job: Job; mlops: Pick<IMlops, 'trans'> }): React.ReactElement {
  const parameters = Object.entries(job.parameters).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return (
    <Facts
      items={[
        [trans.__('Error'), job.error],
        [trans.__('Parameters'), parameters.join(', ')],
        [trans.__('Attempt'), trans.__('%1 of %2', job.attempt, job.max_attempts)],
        [trans.__('Queued'), `${formatTime(job.created_at)} · ${job.created_by}`],
        [trans.__('Took'), job.ended_at && durationOf(job)],
        [trans.__('Asked for by'), job.trigger],
        [trans.__('Result'), job.output]
      ]}
    />
  );
}

function durationOf(job: Job): string {
  return formatDuration(job.started_at ?? job.created_at, job.ended_at ?? job.created_at);
}

function nameOf(path: string): string {
  return path.split('/').pop() ?? path;
}

import '../../style/detail.css';
import '../../style/forms.css';

import { Dialog, showDialog } from '@jupyterlab/apputils';
import * as React from 'react';

import { type PipelineRun, type Schedule } from '../api/generated';
import { Status } from '../components/chips';
import { formatNumber, formatTime } from '../components/format';
import { jobState, pipelineTone } from '../components/lists';
import { Facts, Table } from '../components/table';
import { type IMlops } from '../tokens';

/** What to do with what was looked at. */
export type AutomationChoice = 'pause' | 'resume' | 'cancel' | null;

/** Show what runs by the clock. */
export async function showSchedule({ trans }: IMlops, schedule: Schedule): Promise<AutomationChoice> {
  const change = schedule.paused
    ? Dialog.okButton({ label: trans.__('Resume'), actions: ['resume'] })
    : Dialog.okButton({ label: trans.__('Pause'), actions: ['pause'] });
  return ask(trans.__('Schedule %1', schedule.name), <ScheduleFacts {...{ schedule, trans }} />, change, trans);
}

/** Show a pipeline's run, step by step. */
export async function showPipelineRun({ trans }: IMlops, run: PipelineRun): Promise<AutomationChoice> {
  const changes: Partial<Record<PipelineRun['status'], Dialog.IButton>> = {
    running: Dialog.warnButton({ label: trans.__('Cancel run'), actions: ['cancel'] }),
    failed: Dialog.okButton({ label: trans.__('Resume from the failed step'), actions: ['resume'] })
  };
  return ask(trans.__('Pipeline %1', run.pipeline), <Steps {...{ run, trans }} />, changes[run.status], trans);
}

async function ask(
  title: string,
  body: React.ReactElement,
  change: Dialog.IButton | undefined,
  trans: IMlops['trans']
): Promise<AutomationChoice> {
  const buttons = [Dialog.cancelButton({ label: trans.__('Close') }), ...(change ? [change] : [])];
  const answer = await showDialog({ title, body, buttons, defaultButton: 0 });
  return (answer.button.actions[0] as AutomationChoice | undefined) ?? null;
}

function ScheduleFacts({ schedule, trans }: { schedule: Schedule } & Pick<IMlops, 'trans'>): React.ReactElement {
  const parameters = Object.entries(schedule.parameters);
  return (
    <div className="mlx-Dialog">
      {schedule.warning && <p role="status">{schedule.warning}</p>}
      <Facts
        items={[
          [schedule.pipeline ? trans.__('Pipeline') : trans.__('Notebook'), schedule.pipeline || schedule.notebook],
          [trans.__('When'), `${schedule.cron} (${schedule.tz})`],
          [trans.__('State'), schedule.paused ? trans.__('paused') : trans.__('active')],
          [trans.__('Next'), schedule.next.map(each => <div key={each}>{each}</div>)],
          [trans.__('Fired last for'), schedule.last && formatTime(schedule.last)],
          [trans.__('Last problem'), schedule.error],
          [trans.__('When missed'), schedule.misfire],
          [trans.__('Parameters'), parameters.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ')],
          [trans.__('Declared in'), schedule.declared_in]
        ]}
      />
    </div>
  );
}

function Steps({ run, trans }: { run: PipelineRun } & Pick<IMlops, 'trans'>): React.ReactElement {
  return (
    <div className="mlx-Dialog">
      <Facts
        items={[
          [
            trans.__('State'),
            <Status key="state" tone={pipelineTone(run.status)} text={jobState(run.status, trans)} />
          ],
          [trans.__('Started'), trans.__('%1 by %2', formatTime(run.created_at), run.created_by)],
          [trans.__('Because of'), run.trigger],
          [trans.__('Problem'), run.error]
        ]}
      />
      <Table
        caption={trans.__('Steps')}
        head={[trans.__('Step'), trans.__('State'), trans.__('Seconds'), trans.__('Made')]}
        numeric={[2]}
        rows={run.steps.map(each => [
          each.name,
          [each.status.replace('_', ' '), each.error].filter(Boolean).join(': '),
          formatNumber(each.seconds),
          each.outputs.join(', ')
        ])}
      />
    </div>
  );
}

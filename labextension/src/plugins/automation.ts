import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';

import { reporting } from '../panels/report';
import { CommandIDs, IMlops } from '../tokens';

/** What runs by itself: schedules and pipelines. */
export const automation: JupyterFrontEndPlugin<void> = {
  id: 'mlops-ext:automation',
  description: 'Shows schedules and the runs of pipelines; pauses, resumes and cancels them.',
  autoStart: true,
  requires: [IMlops],
  activate: ({ commands }: JupyterFrontEnd, mlops: IMlops) => {
    const { client, trans } = mlops;
    commands.addCommand(CommandIDs.showSchedule, {
      label: trans.__('Show Schedule'),
      describedBy: { args: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } },
      execute: args =>
        reporting(mlops, async () => {
          const schedule = await client.call('schedules.show', { schedule: args.name as string });
          const { showSchedule } = await import('../panels/automationDialogs');
          const choice = await showSchedule(mlops, schedule);
          if (choice === 'pause' || choice === 'resume') {
            await client.call(`schedules.${choice}`, { schedule: schedule.name });
          }
        })
    });
    commands.addCommand(CommandIDs.showPipeline, {
      label: trans.__('Show Pipeline Run'),
      describedBy: { args: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } } },
      execute: args =>
        reporting(mlops, async () => {
          const run = await client.call('pipelines.show', { run: args.id as string });
          const { showPipelineRun } = await import('../panels/automationDialogs');
          const choice = await showPipelineRun(mlops, run);
          if (choice === 'cancel' || choice === 'resume') {
            await client.call(`pipelines.${choice}`, { run: run.id });
          }
        })
    });
  }
};

import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';

import { jobIcon } from '../icons';
import { reporting } from '../panels/report';
import { CommandIDs, IMlops } from '../tokens';

/** Notebooks as jobs. */
export const jobs: JupyterFrontEndPlugin<void> = {
  id: 'mlops-ext:jobs',
  description: 'Runs the current notebook as a job.',
  autoStart: true,
  requires: [IMlops, INotebookTracker],
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, mlops: IMlops, notebooks: INotebookTracker, palette: ICommandPalette | null) => {
    const { commands, serviceManager } = app;
    const { client, trans } = mlops;
    commands.addCommand(CommandIDs.runJob, {
      label: trans.__('Run as Job…'),
      caption: trans.__('Run this notebook as a job, with other parameters'),
      icon: jobIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => notebooks.currentWidget !== null,
      execute: () =>
        reporting(mlops, async () => {
          const panel = notebooks.currentWidget;
          if (panel && (await isSaved(panel, mlops))) {
            const { askJob } = await import('../panels/jobDialogs');
            await askJob(mlops, serviceManager.contents.localPath(panel.context.path));
          }
        })
    });
    commands.addCommand(CommandIDs.showJob, {
      label: trans.__('Show Job'),
      icon: jobIcon,
      describedBy: { args: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } } },
      execute: args =>
        reporting(mlops, async () => {
          const job = await client.call('jobs.show', { job: args.id as string });
          const { showJob } = await import('../panels/jobDialogs');
          const choice = await showJob(mlops, job);
          if (choice === 'cancel') {
            await client.call('jobs.cancel', { job: job.id });
          } else if (choice === 'open') {
            await commands.execute('docmanager:open', { path: job.output });
          }
        })
    });
    notebooks.currentChanged.connect(() => {
      commands.notifyCommandChanged(CommandIDs.runJob);
    });
    palette?.addItem({ command: CommandIDs.runJob, category: trans.__('MLOps') });
  }
};

async function isSaved(panel: NotebookPanel, { trans }: IMlops): Promise<boolean> {
  if (!panel.context.model.dirty) {
    return true;
  }
  const answer = await showDialog({
    title: trans.__('Save %1 first?', panel.title.label),
    body: trans.__('A job runs the notebook as it is saved.'),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Save and continue') })
    ]
  });
  if (answer.button.accept) {
    await panel.context.save();
  }
  return answer.button.accept;
}

import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';

import { openReference } from '../models/reference';
import { reporting } from '../panels/report';
import { CommandIDs, IMlops } from '../tokens';

/** Alerts. */
export const alerts: JupyterFrontEndPlugin<void> = {
  id: 'mlops-ext:alerts',
  description: 'Shows, acknowledges and resolves alerts.',
  autoStart: true,
  requires: [IMlops],
  activate: ({ commands }: JupyterFrontEnd, mlops: IMlops) => {
    const { client, trans } = mlops;
    commands.addCommand(CommandIDs.showAlert, {
      label: trans.__('Show Alert'),
      describedBy: { args: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } } },
      execute: args =>
        reporting(mlops, async () => {
          const alert = await client.call('monitoring.alert', { alert: args.id as string });
          const { showAlert } = await import('../panels/alertDialog');
          const choice = await showAlert(mlops, alert);
          if (choice === 'acknowledge') {
            await client.call('monitoring.acknowledge', { alert: alert.id });
          } else if (choice === 'resolve') {
            await client.call('monitoring.resolve', { alert: alert.id });
          } else if (choice === 'open') {
            openReference(commands, `model:${alert.model.replace(/^model:/, '')}`);
          }
        })
    });
  }
};

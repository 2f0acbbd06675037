import { ILabShell, ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { type MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import { datasetIcon } from '../icons';
import { type DatasetPanel } from '../panels/datasetPanel';
import { CommandIDs, IMlops } from '../tokens';
import { DETAIL_ARGS, openDetail } from './details';

/** The panels of datasets. */
export const datasets: JupyterFrontEndPlugin<void> = {
  id: 'mlops-ext:datasets',
  description: 'Adds the panel of a dataset.',
  autoStart: true,
  requires: [IMlops],
  optional: [ILabShell, ILayoutRestorer],
  activate: (app: JupyterFrontEnd, mlops: IMlops, labShell: ILabShell | null, restorer: ILayoutRestorer | null) => {
    const tracker = new WidgetTracker<MainAreaWidget<DatasetPanel>>({ namespace: 'mlops-ext-datasets' });
    app.commands.addCommand(CommandIDs.openDataset, {
      label: args => mlops.trans.__('Open Dataset %1', (args.name as string | undefined) ?? ''),
      icon: datasetIcon,
      describedBy: DETAIL_ARGS,
      execute: async args => {
        const name = args.name as string;
        const panels = await import('../panels/datasetPanel');
        const widget = await openDetail(app, labShell, tracker, name, () => new panels.DatasetPanel(mlops, name));
        if (args.version !== undefined) {
          widget.content.detail.select(args.version as number | null);
        }
        return widget;
      }
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.openDataset,
      args: widget => ({ name: widget.content.name }),
      name: widget => `dataset:${widget.content.name}`
    });
  }
};

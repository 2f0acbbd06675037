import { ILabShell, ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IThemeManager, type MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import { modelIcon } from '../icons';
import { type ModelPanel } from '../panels/modelPanel';
import { CommandIDs, IMlops } from '../tokens';
import { DETAIL_ARGS, openDetail } from './details';

/** The panels of models. */
export const models: JupyterFrontEndPlugin<void> = {
  id: 'mlops-ext:models',
  description: 'Adds the panel of a model.',
  autoStart: true,
  requires: [IMlops],
  optional: [ILabShell, ILayoutRestorer, IThemeManager],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    themes: IThemeManager | null
  ) => {
    const { commands } = app;
    const tracker = new WidgetTracker<MainAreaWidget<ModelPanel>>({ namespace: 'mlops-ext-models' });
    commands.addCommand(CommandIDs.openModel, {
      label: args => mlops.trans.__('Open Model %1', (args.name as string | undefined) ?? ''),
      icon: modelIcon,
      describedBy: DETAIL_ARGS,
      execute: async args => {
        const name = args.name as string;
        const panels = await import('../panels/modelPanel');
        const make = () => new panels.ModelPanel(mlops, commands, themes, name);
        const widget = await openDetail(app, labShell, tracker, name, make);
        if (args.version !== undefined) {
          widget.content.detail.select(args.version as number | null);
        }
        return widget;
      }
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.openModel,
      args: widget => ({ name: widget.content.name }),
      name: widget => `model:${widget.content.name}`
    });
  }
};

import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { mlopsIcon } from '../icons';
import { SidebarModel } from '../models/sidebar';
import { SidebarPanel } from '../panels/sidebar';
import { CommandIDs, IMlops } from '../tokens';

const ID = 'mlops-ext:sidebar';

/** The sidebar. */
export const sidebar: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Adds the MLOps sidebar.',
  autoStart: true,
  requires: [IMlops],
  optional: [ILayoutRestorer, ICommandPalette, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    settings: ISettingRegistry | null
  ) => {
    const { commands, shell } = app;
    const { client, feed, trans } = mlops;
    const panel = new SidebarPanel(new SidebarModel(client, feed), commands, trans);
    shell.add(panel, 'left', { rank: 650, type: 'MLOps' });
    restorer?.add(panel, panel.id);
    commands.addCommand(CommandIDs.show, {
      label: trans.__('Show MLOps'),
      caption: trans.__('Show models, datasets, jobs and alerts'),
      icon: mlopsIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        shell.activateById(panel.id);
      }
    });
    palette?.addItem({ command: CommandIDs.show, category: trans.__('MLOps') });
    void settings?.load(ID).then(loaded => {
      const apply = () => {
        panel.showDatasets = loaded.get('showDatasets').composite as boolean;
        feed.interval = loaded.get('pollInterval').composite as number;
      };
      loaded.changed.connect(apply);
      apply();
    });
  }
};

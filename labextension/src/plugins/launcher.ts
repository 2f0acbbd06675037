import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';

import { CommandIDs, IMlops } from '../tokens';

/** The card in the launcher. */
export const launcher: JupyterFrontEndPlugin<void> = {
  id: 'mlops-ext:launcher',
  description: 'Adds a card to the launcher.',
  autoStart: true,
  requires: [IMlops, ILauncher],
  activate: (_: JupyterFrontEnd, { trans }: IMlops, cards: ILauncher) => {
    cards.add({ command: CommandIDs.show, category: trans.__('Other'), rank: 3 });
  }
};

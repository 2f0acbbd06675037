import { type ILabShell, type JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, type WidgetTracker } from '@jupyterlab/apputils';
import { type Widget } from '@lumino/widgets';

/** A panel for the thing of a name. */
export type Detail = Widget & { readonly name: string };

/** The arguments of a command that opens a detail. */
export const DETAIL_ARGS = {
  args: {
    type: 'object',
    required: ['name'],
    properties: {
      name: { type: 'string', description: 'Name' },
      version: { type: ['integer', 'null'], description: 'Number of the version; the latest when left out' }
    }
  }
};

/** Show the panel of a name: the one that is open, or a new one. */
export async function openDetail<T extends Detail>(
  app: JupyterFrontEnd,
  labShell: ILabShell | null,
  tracker: WidgetTracker<MainAreaWidget<T>>,
  name: string,
  make: () => T
): Promise<MainAreaWidget<T>> {
  const open = tracker.find(each => each.content.name === name);
  const widget = open ?? new MainAreaWidget({ content: make() });
  if (!open) {
    widget.id = `${widget.content.id}-main`;
    widget.toolbar.hide();
    await tracker.add(widget);
    // Notebook 7 keeps its main area for one document.
    app.shell.add(widget, labShell ? 'main' : 'right');
  }
  app.shell.activateById(widget.id);
  return widget;
}

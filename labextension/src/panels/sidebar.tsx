import { type TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import { type CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import { Sidebar } from '../components/sidebar';
import { mlopsIcon } from '../icons';
import { type SidebarModel } from '../models/sidebar';
import { CommandIDs } from '../tokens';
import { WatchedPanel } from './watched';

/** The panel in the sidebar. */
export class SidebarPanel extends WatchedPanel {
  constructor(
    private readonly model: SidebarModel,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super(model);
    this.id = 'mlops-ext-sidebar';
    this.title.icon = mlopsIcon;
    this.title.caption = trans.__('MLOps: models, datasets, jobs and alerts');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('MLOps'));
    this.addClass('mlx-mod-sidebar');
  }

  /** Whether datasets are listed. */
  set showDatasets(show: boolean) {
    this._showDatasets = show;
    this.update();
  }

  protected override render(): React.ReactElement {
    const run = (command: string, args: Record<string, string | number | null>) =>
      void this.commands.execute(command, args);
    return (
      <UseSignal signal={this.model.changed}>
        {() => (
          <Sidebar
            model={this.model}
            trans={this.trans}
            showDatasets={this._showDatasets}
            onOpenModel={(name, version) => {
              run(CommandIDs.openModel, { name, version });
            }}
            onOpenDataset={name => {
              run(CommandIDs.openDataset, { name });
            }}
            onOpenJob={job => {
              run(CommandIDs.showJob, { id: job.id });
            }}
            onOpenPipeline={each => {
              run(CommandIDs.showPipeline, { id: each.id });
            }}
            onOpenSchedule={each => {
              run(CommandIDs.showSchedule, { name: each.name });
            }}
            onOpenAlert={alert => {
              run(CommandIDs.showAlert, { id: alert.id });
            }}
          />
        )}
      </UseSignal>
    );
  }

  private _showDatasets = true;
}

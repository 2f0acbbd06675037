import '../../style/detail.css';

import { type IThemeManager } from '@jupyterlab/apputils';
import { UseSignal } from '@jupyterlab/ui-components';
import { type CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import * as React from 'react';

import { type ICharts } from '../components/chart';
import { ModelPage } from '../components/modelPage';
import { modelIcon } from '../icons';
import { ModelDetail } from '../models/modelDetail';
import { openReference } from '../models/reference';
import { type IMlops } from '../tokens';
import { askPromote, askRollback } from './deploymentDialogs';
import { loadPlotly } from './plotly';
import { askDecision } from './promotionDialogs';
import { WatchedPanel } from './watched';

/** The panel of a model. */
export class ModelPanel extends WatchedPanel {
  constructor(
    private readonly mlops: IMlops,
    private readonly commands: CommandRegistry,
    private readonly themes: IThemeManager | null,
    readonly name: string
  ) {
    const detail = new ModelDetail(mlops.client, mlops.feed, name);
    super(detail);
    this.detail = detail;
    this.id = `mlops-ext-model:${name}`;
    this.title.label = name;
    this.title.caption = mlops.trans.__('Model %1', name);
    this.title.icon = modelIcon;
    themes?.themeChanged.connect(this.update, this);
  }

  readonly detail: ModelDetail;

  override dispose(): void {
    if (!this.isDisposed) {
      this.detail.dispose();
      Signal.clearData(this);
      super.dispose();
    }
  }

  /** What the charts need; another one when the theme changes, so that they take its colours. */
  private get charts(): ICharts {
    const theme = this.themes?.theme ?? '';
    if (this._charts?.theme !== theme) {
      this._charts = { theme, load: loadPlotly, read: this.detail.draw };
    }
    return this._charts;
  }

  protected override render(): React.ReactElement {
    const { detail: model, mlops, commands } = this;
    return (
      <UseSignal signal={model.changed}>
        {() => (
          <ModelPage
            model={model}
            trans={mlops.trans}
            charts={this.charts}
            onPromote={version => void askPromote(mlops, version)}
            onRollback={() => model.model.value && void askRollback(mlops, model.model.value, model.versions.items)}
            onDecide={(promotion, decision) => void askDecision(mlops, promotion, decision)}
            onOpen={reference => {
              openReference(commands, reference);
            }}
          />
        )}
      </UseSignal>
    );
  }

  private _charts: ICharts | null = null;
}

import '../../style/detail.css';

import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { DatasetPage } from '../components/datasetPage';
import { datasetIcon } from '../icons';
import { DatasetDetail } from '../models/datasetDetail';
import { type IMlops } from '../tokens';
import { WatchedPanel } from './watched';

/** The panel of a dataset. */
export class DatasetPanel extends WatchedPanel {
  constructor(
    private readonly mlops: IMlops,
    readonly name: string
  ) {
    const detail = new DatasetDetail(mlops.client, mlops.feed, name);
    super(detail);
    this.detail = detail;
    this.id = `mlops-ext-dataset:${name}`;
    this.title.label = name;
    this.title.caption = mlops.trans.__('Dataset %1', name);
    this.title.icon = datasetIcon;
  }

  readonly detail: DatasetDetail;

  override dispose(): void {
    if (!this.isDisposed) {
      this.detail.dispose();
      super.dispose();
    }
  }

  protected override render(): React.ReactElement {
    return (
      <UseSignal signal={this.detail.changed}>
        {() => <DatasetPage dataset={this.detail} trans={this.mlops.trans} />}
      </UseSignal>
    );
  }
}

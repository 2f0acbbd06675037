import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type Health, type Report } from '../api/generated';
import { type IPoint, metricLabel, pointsOf } from '../models/performance';
import { Chart, type ICharts } from './chart';
import { formatNumber, formatTime } from './format';
import { HealthHead, Moved } from './health';
import { asOptions, pickedOf, Picker } from './picker';
import { Empty } from './states';
import { Part, Table } from './table';

interface IMonitoringProps {
  health: Health;
  reports: readonly Report[];
  trans: TranslationBundle;
  charts: ICharts;
}

/** How a model does: at a glance, over the windows, column by column, and every report on it. */
export function Monitoring(props: IMonitoringProps): React.ReactElement {
  const { health, reports, trans, charts } = props;
  if (!reports.length) {
    return (
      <Empty
        text={trans.__('No reports yet. Log predictions and labels, then ask in a notebook:')}
        code={`mlops.performance("${health.model}@production", window="2013-02")`}
      />
    );
  }
  const drifted = health.windows.filter(each => Object.keys(each.pictured).length > 0);
  return (
    <>
      <HealthHead health={health} trans={trans} />
      {health.metrics.length > 0 && <Performance {...props} />}
      <Moved health={health} trans={trans} />
      {drifted.length > 0 && (
        <>
          <Part title={trans.__('Drift by column and window')}>
            <Chart charts={charts} request={{ figure: 'drift' }} state={reports} trans={trans} />
          </Part>
          <Columns {...props} windows={drifted} />
        </>
      )}
      <Together {...props} />
      {health.comparisons.length > 0 && (
        <Part title={trans.__('Challengers')}>
          <Chart charts={charts} request={{ figure: 'gain' }} state={reports} trans={trans} />
        </Part>
      )}
      <Part title={trans.__('Reports')}>
        <Table
          caption={trans.__('Reports')}
          head={[trans.__('Window'), trans.__('Kind'), trans.__('Version'), trans.__('Verdict'), trans.__('Saved')]}
          rows={reports.map(each => [
            each.window,
            each.kind,
            each.model,
            each.verdict?.columns.length ? `${each.status}: ${each.verdict.columns.join(', ')}` : each.status,
            formatTime(each.created_at)
          ])}
        />
      </Part>
    </>
  );
}

function Performance({ health, reports, trans, charts }: IMonitoringProps): React.ReactElement {
  const [metricPicked, pickMetric] = React.useState('');
  const [slicePicked, pickSlice] = React.useState('');
  const metric = pickedOf(health.metrics, metricPicked);
  const slices = ['', ...health.slices];
  const slice = pickedOf(slices, slicePicked);
  const label = metricLabel(metric);
  const points = React.useMemo(() => pointsOf(reports, metric), [reports, metric]);
  const metrics = health.metrics.map(name => ({ value: name, label: metricLabel(name) }));
  return (
    <Part title={trans.__('%1 per window', label)}>
      <div className="mlx-Picks">
        <Picker label={trans.__('Metric')} options={metrics} value={metric} onPick={pickMetric} />
        <SlicePicker slices={slices} value={slice} onPick={pickSlice} trans={trans} />
      </div>
      <Chart charts={charts} request={{ figure: 'metric', metric, slice }} state={reports} trans={trans} />
      {!slice && (
        <details className="mlx-Details">
          <summary>{trans.__('Show as a table')}</summary>
          <Points points={points} metric={label} trans={trans} />
        </details>
      )}
    </Part>
  );
}

function Columns(props: IMonitoringProps & { windows: Health['windows'] }): React.ReactElement {
  const { windows, reports, trans, charts } = props;
  const [windowPicked, pickWindow] = React.useState('');
  const [columnPicked, pickColumn] = React.useState('');
  const [slicePicked, pickSlice] = React.useState('');
  const names = windows.map(each => each.window).reverse();
  const window = pickedOf(names, windowPicked);
  const pictured = windows.find(each => each.window === window)?.pictured ?? {};
  const columns = Object.keys(pictured);
  const column = pickedOf(columns, columnPicked);
  const slices = ['', ...(pictured[column] ?? [])];
  const slice = pickedOf(slices, slicePicked);
  return (
    <Part title={trans.__('One column')}>
      <div className="mlx-Picks">
        <Picker label={trans.__('Window')} options={asOptions(names)} value={window} onPick={pickWindow} />
        <Picker label={trans.__('Column')} options={asOptions(columns)} value={column} onPick={pickColumn} />
        <SlicePicker slices={slices} value={slice} onPick={pickSlice} trans={trans} />
      </div>
      <Chart charts={charts} request={{ figure: 'column', window, column, slice }} state={reports} trans={trans} />
    </Part>
  );
}

/** By what a classifier of all columns tells a window from the reference, where one was asked. */
function Together({ health, reports, trans, charts }: IMonitoringProps): React.ReactElement | null {
  const [picked, pick] = React.useState('');
  const asked = health.windows.filter(each => each.together).reverse();
  const names = asked.map(each => each.window);
  const window = pickedOf(names, picked);
  const found = asked.find(each => each.window === window)?.together;
  if (!found) {
    return null;
  }
  const spread = `AUC ${formatNumber(found.auc)} [${formatNumber(found.low)}, ${formatNumber(found.high)}]`;
  return (
    <Part title={trans.__('All columns together')}>
      <div className="mlx-Picks">
        <Picker label={trans.__('Window')} options={asOptions(names)} value={window} onPick={pick} />
      </div>
      <p className="mlx-Note">
        {found.drifted
          ? trans.__('A classifier tells %1 from the reference: %2', window, spread)
          : trans.__('A classifier does not tell %1 from the reference: %2', window, spread)}
      </p>
      <Chart charts={charts} request={{ figure: 'together', window }} state={reports} trans={trans} />
    </Part>
  );
}

interface ISlicePickerProps {
  /** The empty one is all rows. */
  slices: readonly string[];
  value: string;
  onPick: (slice: string) => void;
  trans: TranslationBundle;
}

function SlicePicker({ slices, value, onPick, trans }: ISlicePickerProps): React.ReactElement {
  const options = slices.map(name => ({ value: name, label: name || trans.__('all rows') }));
  return <Picker label={trans.__('Slice')} options={options} value={value} onPick={onPick} />;
}

function Points(props: { points: readonly IPoint[]; metric: string; trans: TranslationBundle }): React.ReactElement {
  const { points, metric, trans } = props;
  return (
    <Table
      caption={trans.__('%1 per window', metric)}
      head={[trans.__('Window'), metric, trans.__('Low'), trans.__('High'), trans.__('Kind'), trans.__('Labels')]}
      numeric={[1, 2, 3, 5]}
      rows={points.map(point => [
        point.window,
        formatNumber(point.value),
        formatNumber(point.low),
        formatNumber(point.high),
        point.kind === 'measured' ? trans.__('measured') : trans.__('estimated'),
        point.coverage === null ? '–' : `${formatNumber(100 * point.coverage)} %`
      ])}
    />
  );
}

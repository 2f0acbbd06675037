import { type TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';

import { type Report } from '../api/generated';
import { type IPoint, metricLabel, metricNames, pointsOf } from '../models/performance';
import { Chart, type ChartLoader } from './chart';
import { type IPalette, performanceFigure } from './figure';
import { formatNumber, formatTime } from './format';
import { Empty } from './states';
import { Part, Table } from './table';

interface IMonitoringProps {
  name: string;
  reports: readonly Report[];
  trans: TranslationBundle;
  theme: string;
  loadChart: ChartLoader;
}

/** How a model did over the windows, and every report on it. */
export function Monitoring(props: IMonitoringProps): React.ReactElement {
  const { reports, trans } = props;
  if (!reports.length) {
    return (
      <Empty
        text={trans.__('No reports yet. Log predictions and labels, then ask in a notebook:')}
        code={`mlops.performance("${props.name}@production", window="2013-02")`}
      />
    );
  }
  return (
    <>
      <Performance {...props} />
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

function Performance({ reports, trans, theme, loadChart }: IMonitoringProps): React.ReactElement | null {
  const names = React.useMemo(() => metricNames(reports), [reports]);
  const [chosen, setChosen] = React.useState('');
  const metric = names.includes(chosen) ? chosen : (names[0] ?? '');
  const label = metricLabel(metric);
  const points = React.useMemo(() => pointsOf(reports, metric), [reports, metric]);
  const figure = React.useCallback(
    (palette: IPalette) =>
      performanceFigure(points, label, { measured: trans.__('measured'), estimated: trans.__('estimated') }, palette),
    [points, label, trans]
  );
  if (!points.length) {
    return null;
  }
  return (
    <Part title={trans.__('%1 per window', label)}>
      {names.length > 1 && (
        <HTMLSelect
          className="mlx-Select"
          aria-label={trans.__('Metric')}
          options={names.map(name => ({ value: name, label: metricLabel(name) }))}
          value={metric}
          onChange={event => {
            setChosen(event.target.value);
          }}
        />
      )}
      <Chart
        figure={figure}
        summary={summaryOf(points, label, trans)}
        theme={theme}
        load={loadChart}
        failed={trans.__('The chart could not be loaded; the table below holds the same numbers.')}
      />
      <details className="mlx-Details">
        <summary>{trans.__('Show as a table')}</summary>
        <Points points={points} metric={label} trans={trans} />
      </details>
    </Part>
  );
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

function summaryOf(points: readonly IPoint[], metric: string, trans: TranslationBundle): string {
  const first = points.at(0);
  const last = points.at(-1);
  if (!first || !last) {
    return metric;
  }
  return trans.__(
    '%1 per window: %2 in %3, %4 in %5',
    metric,
    formatNumber(first.value),
    first.window,
    formatNumber(last.value),
    last.window
  );
}

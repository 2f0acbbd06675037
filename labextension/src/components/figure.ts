import { type IPoint } from '../models/performance';

/** The colours of the theme that a chart needs. */
export interface IPalette {
  readonly text: string;
  readonly grid: string;
  readonly measured: string;
  readonly estimated: string;
}

/** A plotly figure. */
export interface IFigure {
  readonly data: readonly object[];
  readonly layout: object;
}

/** Read the colours where the chart will stand. */
export function paletteOf(element: Element): IPalette {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: read('--jp-ui-font-color1'),
    grid: read('--jp-border-color2'),
    measured: read('--jp-brand-color1'),
    estimated: read('--jp-warn-color1')
  };
}

/** Draw a metric over the windows: a line per kind, each in the band of its interval. */
export function performanceFigure(
  points: readonly IPoint[],
  metric: string,
  names: Readonly<Record<'measured' | 'estimated', string>>,
  palette: IPalette
): IFigure {
  const data = (['measured', 'estimated'] as const).flatMap(kind => {
    const own = points.filter(point => point.kind === kind);
    return own.length ? [bandOf(own, palette[kind]), lineOf(own, names[kind], palette[kind], kind)] : [];
  });
  return { data, layout: layoutOf(points, metric, palette) };
}

function lineOf(points: readonly IPoint[], name: string, color: string, kind: string): object {
  return {
    type: 'scatter',
    mode: 'lines+markers',
    name,
    x: points.map(point => point.window),
    y: points.map(point => point.value),
    line: { color, width: 2, dash: kind === 'estimated' ? 'dash' : 'solid' },
    marker: { size: 7, symbol: kind === 'estimated' ? 'diamond' : 'circle' },
    // The band of a lone point has no width.
    ...(points.length === 1 ? { error_y: whiskerOf(points) } : {}),
    customdata: points.map(point => [point.low, point.high]),
    hovertemplate: '%{x}: <b>%{y:.4f}</b> [%{customdata[0]:.4f}, %{customdata[1]:.4f}]'
  };
}

function whiskerOf(points: readonly IPoint[]): object {
  return {
    type: 'data',
    symmetric: false,
    array: points.map(point => point.high - point.value),
    arrayminus: points.map(point => point.value - point.low)
  };
}

function bandOf(points: readonly IPoint[], color: string): object {
  const back = [...points].reverse();
  return {
    type: 'scatter',
    mode: 'lines',
    x: [...points, ...back].map(point => point.window),
    y: [...points.map(point => point.high), ...back.map(point => point.low)],
    fill: 'toself',
    fillcolor: color,
    opacity: 0.18,
    line: { width: 0 },
    hoverinfo: 'skip',
    showlegend: false
  };
}

function layoutOf(points: readonly IPoint[], metric: string, palette: IPalette): object {
  const axis = { gridcolor: palette.grid, linecolor: palette.grid, zeroline: false, automargin: true };
  const windows = [...new Set(points.map(point => point.window))];
  return {
    autosize: true,
    height: 320,
    margin: { l: 56, r: 16, t: 16, b: 40 },
    paper_bgcolor: 'transparent',
    plot_bgcolor: 'transparent',
    font: { color: palette.text, size: 12 },
    hovermode: 'x unified',
    hoverlabel: { bgcolor: 'transparent' },
    legend: { orientation: 'h', x: 0, y: 1.12 },
    // Windows are names: 2013-03 must not be read as a date between two ticks.
    xaxis: { ...axis, type: 'category', categoryorder: 'array', categoryarray: windows },
    yaxis: { ...axis, title: { text: metric } }
  };
}

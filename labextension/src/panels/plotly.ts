import { type IPlotly } from '../components/chart';

let plotly: Promise<IPlotly> | null = null;

/** Bring plotly, once, when the first chart is drawn: it is thirty times the size of all the rest. */
export function loadPlotly(): Promise<IPlotly> {
  plotly ??= import('plotly.js-cartesian-dist-min').then(module => module.default as IPlotly);
  return plotly;
}

import * as React from 'react';

import { type IFigure, type IPalette, paletteOf } from './figure';

/** What the chart needs of plotly. */
export interface IPlotly {
  react(element: HTMLElement, data: readonly object[], layout: object, config: object): Promise<unknown>;
  purge(element: HTMLElement): void;
}

/** Brings plotly when the first chart is drawn. */
export type ChartLoader = () => Promise<IPlotly>;

interface IChartProps {
  /** Draws in the colours of the theme. */
  figure: (palette: IPalette) => IFigure;
  /** What the chart shows, for those who cannot see it. */
  summary: string;
  theme: string;
  load: ChartLoader;
  failed: string;
}

const CONFIG = { responsive: true, displaylogo: false, displayModeBar: false };

/** A plotly chart that follows its data, the theme and its size. */
export function Chart({ figure, summary, theme, load, failed }: IChartProps): React.ReactElement {
  const ref = React.useRef<HTMLDivElement>(null);
  const [error, setError] = React.useState(false);
  React.useEffect(() => {
    let current = true;
    const draw = async (element: HTMLDivElement) => {
      const plotly = await load();
      if (current) {
        const { data, layout } = figure(paletteOf(element));
        await plotly.react(element, data, layout, CONFIG);
      }
    };
    if (ref.current) {
      draw(ref.current).catch(() => {
        setError(true);
      });
    }
    return () => {
      current = false;
    };
  }, [figure, theme, load]);
  React.useEffect(() => {
    const element = ref.current;
    return () => {
      if (element?.hasChildNodes()) {
        void load().then(plotly => {
          plotly.purge(element);
        });
      }
    };
  }, [load]);
  return error ? (
    <p className="mlx-Muted">{failed}</p>
  ) : (
    <div ref={ref} className="mlx-Chart" role="img" aria-label={summary} />
  );
}

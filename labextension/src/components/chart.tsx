import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type MlopsError } from '../api/errors';
import { type Figure } from '../api/generated';
import { asMlopsError } from '../api/errors';
import { type FigureRequest, type IFigure, isLight, paletteOf, themed } from './figure';

/** What a chart needs of plotly. */
export interface IPlotly {
  react(element: HTMLElement, data: readonly object[], layout: object, config: object): Promise<unknown>;
  purge(element: HTMLElement): void;
}

/** Brings plotly when the first chart is drawn. */
export type ChartLoader = () => Promise<IPlotly>;

/** Asks the server to draw. */
export type FigureReader = (request: FigureRequest, template: 'light' | 'dark', signal: AbortSignal) => Promise<Figure>;

/** What all charts of a page share. */
export interface ICharts {
  readonly theme: string;
  readonly load: ChartLoader;
  readonly read: FigureReader;
}

interface IChartProps {
  charts: ICharts;
  request: FigureRequest;
  /** Changes whenever the figure may have changed. */
  state: unknown;
  trans: TranslationBundle;
}

const CONFIG = { responsive: true, displaylogo: false, displayModeBar: false };

/** A figure that the server draws; it follows its data, the theme and its size. */
export function Chart({ charts, request, state, trans }: IChartProps): React.ReactElement {
  const ref = React.useRef<HTMLDivElement>(null);
  const [caption, setCaption] = React.useState('');
  const [error, setError] = React.useState<MlopsError | null>(null);
  const { load, read, theme } = charts;
  const { figure, metric, window, column, slice } = request;
  React.useEffect(() => {
    const abort = new AbortController();
    const draw = async (element: HTMLDivElement) => {
      const asked = { figure, metric, window, column, slice };
      const [plotly, found] = await Promise.all([load(), read(asked, isLight() ? 'light' : 'dark', abort.signal)]);
      if (!abort.signal.aborted) {
        const { data, layout } = themed(found.figure as unknown as IFigure, paletteOf(element));
        setError(null);
        setCaption(found.caption);
        await plotly.react(element, data, layout, CONFIG);
      }
    };
    if (ref.current) {
      draw(ref.current).catch((thrown: unknown) => {
        if (!abort.signal.aborted) {
          setError(asMlopsError(thrown));
        }
      });
    }
    return () => {
      abort.abort();
    };
  }, [figure, metric, window, column, slice, state, theme, load, read]);
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
  return (
    <>
      {error && (
        <p className="mlx-Muted" role="status">
          {trans.__('The chart could not be drawn; the tables hold the same numbers.')} {error.message}
        </p>
      )}
      <div ref={ref} className="mlx-Chart" role="img" aria-label={caption} hidden={error !== null} />
    </>
  );
}

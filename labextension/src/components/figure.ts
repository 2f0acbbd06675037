import { type DrawFigure } from '../api/generated';

/** What to draw of a model. */
export type FigureRequest = Omit<DrawFigure, 'model' | 'template'>;

/** A plotly figure, as the server draws it. */
export interface IFigure {
  readonly data: readonly object[];
  readonly layout: Readonly<Record<string, unknown>>;
}

/** The colours of the theme that a figure takes over. */
export interface IPalette {
  readonly text: string;
  readonly grid: string;
}

/** Read the colours where the figure will stand. */
export function paletteOf(element: Element): IPalette {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return { text: read('--jp-ui-font-color1'), grid: read('--jp-border-color2') };
}

/** Whether the page is light. */
export function isLight(): boolean {
  return document.body.dataset.jpThemeLight !== 'false';
}

/** Fit a figure into the page: its title stands above it already, and its lines are those of the theme. */
export function themed(figure: IFigure, palette: IPalette): IFigure {
  const { layout } = figure;
  const axis = (name: string) => ({ ...(layout[name] as object), gridcolor: palette.grid, linecolor: palette.grid });
  return {
    data: figure.data,
    layout: {
      ...layout,
      autosize: true,
      title: undefined,
      margin: { l: 56, r: 16, t: 36, b: 44 },
      font: { color: palette.text, size: 12 },
      xaxis: axis('xaxis'),
      yaxis: axis('yaxis')
    }
  };
}

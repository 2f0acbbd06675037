declare module 'plotly.js-cartesian-dist-min' {
  import { type IPlotly } from './components/chart';

  const plotly: IPlotly;
  export default plotly;
}

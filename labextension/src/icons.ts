import { LabIcon } from '@jupyterlab/ui-components';

const svg = (body: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="#616161">${body}</g></svg>`;

/** Stacked layers with a path through them: the workspace. */
export const mlopsIcon = new LabIcon({
  name: 'mlops-ext:mlops',
  svgstr: svg(
    '<path d="M12 2 2 7l10 5 10-5-10-5Zm0 2.24L17.53 7 12 9.76 6.47 7 12 4.24Z"/>' +
      '<path d="m4.24 10.88-2.24 1.12 10 5 10-5-2.24-1.12L12 14.76l-7.76-3.88Z"/>' +
      '<path d="m4.24 15.88-2.24 1.12 10 5 10-5-2.24-1.12L12 19.76l-7.76-3.88Z"/>'
  )
});

/** A cube: a model. */
export const modelIcon = new LabIcon({
  name: 'mlops-ext:model',
  svgstr: svg(
    '<path d="m12 1.9 8.75 5.05v10.1L12 22.1l-8.75-5.05V6.95L12 1.9Zm0 2.31L6.25 7.53 12 10.85l5.75-3.32L12 4.21ZM5.25 9.26v6.64L11 19.22v-6.64L5.25 9.26Zm13.5 0L13 12.58v6.64l5.75-3.32V9.26Z"/>'
  )
});

/** A cylinder: a dataset. */
export const datasetIcon = new LabIcon({
  name: 'mlops-ext:dataset',
  svgstr: svg(
    '<path d="M12 2C7 2 3.5 3.6 3.5 6v12c0 2.4 3.5 4 8.5 4s8.5-1.6 8.5-4V6c0-2.4-3.5-4-8.5-4Zm0 2c4.2 0 6.5 1.3 6.5 2s-2.3 2-6.5 2-6.5-1.3-6.5-2 2.3-2 6.5-2ZM5.5 8.6C7 9.5 9.3 10 12 10s5-.5 6.5-1.4V12c0 .7-2.3 2-6.5 2s-6.5-1.3-6.5-2V8.6Zm0 6C7 15.5 9.3 16 12 16s5-.5 6.5-1.4V18c0 .7-2.3 2-6.5 2s-6.5-1.3-6.5-2v-3.4Z"/>'
  )
});

/** A page with a play mark: a notebook that runs as a job. */
export const jobIcon = new LabIcon({
  name: 'mlops-ext:job',
  svgstr: svg('<path d="M5 2h9l5 5v4h-2V8h-4V4H7v16H11v2H5V2Z"/><path d="M13 13v9l8-4.5-8-4.5Z"/>')
});

import { type TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';

import { type IClient } from './api/client';
import { type ChangeFeed } from './models/feed';

/** The name of the package: of the bundle, of the plugins, of the translations' domain. */
export const NAME = 'mlops-ext';

/** The commands. */
export namespace CommandIDs {
  /** Show the sidebar. */
  export const show = 'mlops-ext:show-sidebar';
  /** Open a model; takes `name` and, if need be, `version`. */
  export const openModel = 'mlops-ext:open-model';
  /** Open a dataset; takes `name` and, if need be, `version`. */
  export const openDataset = 'mlops-ext:open-dataset';
  /** Run the current notebook as a job. */
  export const runJob = 'mlops-ext:run-job';
  /** Show a job; takes `id`. */
  export const showJob = 'mlops-ext:show-job';
  /** Show a pipeline's run; takes `id`. */
  export const showPipeline = 'mlops-ext:show-pipeline-run';
  /** Show a schedule; takes `name`. */
  export const showSchedule = 'mlops-ext:show-schedule';
  /** Show an alert; takes `id`. */
  export const showAlert = 'mlops-ext:show-alert';
}

/** What all features work with. */
export interface IMlops {
  /** The operations of the server. */
  readonly client: IClient;
  /** What changed, from whichever process. */
  readonly feed: ChangeFeed;
  /** The words. */
  readonly trans: TranslationBundle;
}

/** The token by which other extensions get at the workspace. */
export const IMlops = new Token<IMlops>(
  'mlops-ext:IMlops',
  'The operations and the change feed of the MLOps workspace.'
);

import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { MlopsClient } from '../api/client';
import { ChangeFeed } from '../models/feed';
import { IMlops } from '../tokens';

const SECONDS_BETWEEN_CHECKS = 30;

/** Provides the operations and the change feed. */
export const services: JupyterFrontEndPlugin<IMlops> = {
  id: 'mlops-ext:services',
  description: 'Provides the operations and the change feed of the MLOps workspace.',
  autoStart: true,
  provides: IMlops,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null): IMlops => {
    const { serverSettings, events } = app.serviceManager;
    const client = new MlopsClient(serverSettings);
    return {
      client,
      feed: new ChangeFeed(client, events.stream, SECONDS_BETWEEN_CHECKS),
      trans: (translator ?? nullTranslator).load('mlops-ext')
    };
  }
};

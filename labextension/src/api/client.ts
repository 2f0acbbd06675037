import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { asMlopsError, errorOf } from './errors';
import { type Operations } from './generated';

const ROOT = 'mlops-ext/api/v1';

/** The name of an operation. */
export type OperationName = keyof Operations;

/** What asks the server; the models take this, so that tests can give them another. */
export interface IClient {
  /** Run one operation. Rejects with a `MlopsError`, or with an `AbortError` when the signal was raised. */
  call<K extends OperationName>(
    name: K,
    request: Operations[K]['request'],
    signal?: AbortSignal
  ): Promise<Operations[K]['result']>;
}

/** The operations over HTTP, with the page's base URL, token and XSRF cookie. */
export class MlopsClient implements IClient {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  async call<K extends OperationName>(
    name: K,
    request: Operations[K]['request'],
    signal?: AbortSignal
  ): Promise<Operations[K]['result']> {
    // The table of all routes is long and not needed before the first call.
    const { requestOf } = await import('./request');
    const { url, init } = requestOf(name, request as Record<string, unknown>);
    const response = await this.send(URLExt.join(this.settings.baseUrl, ROOT, url), { ...init, signal });
    const text = await response.text();
    if (!response.ok) {
      throw errorOf(response.status, text);
    }
    return JSON.parse(text) as Operations[K]['result'];
  }

  private async send(url: string, init: RequestInit): Promise<Response> {
    try {
      return await ServerConnection.makeRequest(url, init, this.settings);
    } catch (thrown) {
      if (init.signal?.aborted) {
        throw thrown;
      }
      throw asMlopsError(thrown);
    }
  }
}

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { asMlopsError, errorOf } from './errors';
import { OPERATIONS, type Operations } from './generated';

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

/** Lay a request out as HTTP: fields in the path, then the query of a GET or the body of anything else. */
export function requestOf(name: OperationName, request: Record<string, unknown>): { url: string; init: RequestInit } {
  const { method, path } = OPERATIONS[name];
  const rest = new Map(Object.entries(request).filter(([, value]) => value !== undefined));
  const filled = path.replace(/{(\w+)}/g, (_, field: string) => {
    const value = String(rest.get(field));
    rest.delete(field);
    return encodeURIComponent(value);
  });
  if (method !== 'GET') {
    const headers = { 'Content-Type': 'application/json' };
    return { url: filled, init: { method, headers, body: JSON.stringify(Object.fromEntries(rest)) } };
  }
  const query = new URLSearchParams([...rest].map(([field, value]) => [field, String(value)])).toString();
  return { url: query ? `${filled}?${query}` : filled, init: { method } };
}

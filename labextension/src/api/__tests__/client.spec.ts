import { ServerConnection } from '@jupyterlab/services';

import { MlopsClient } from '../client';
import { type MlopsError } from '../errors';
import { requestOf } from '../request';

const SETTINGS = ServerConnection.makeSettings({ baseUrl: 'http://host/user/jo/', token: 'secret' });

function answering(status: number, body: string): MlopsClient {
  const fetch = jest.fn().mockResolvedValue(new Response(body, { status }));
  return new MlopsClient({ ...SETTINGS, fetch });
}

async function failureOf(client: MlopsClient): Promise<MlopsError> {
  return client.call('models.show', { model: 'delay' }).then(
    () => Promise.reject(new Error('no failure')),
    (error: unknown) => error as MlopsError
  );
}

describe('requestOf', () => {
  it('puts fields of the path into the path, encoded, and the others into the body', () => {
    const { url, init } = requestOf('models.promote', { model: 'delay@3', to: 'production', comment: 'better' });
    expect(url).toBe('/model-versions/delay%403/promotions');
    expect(init).toMatchObject({ method: 'POST', headers: { 'Content-Type': 'application/json' } });
    expect(JSON.parse(init.body as string)).toEqual({ to: 'production', comment: 'better' });
  });

  it('puts the other fields of a GET into the query and leaves undefined ones out', () => {
    const { url, init } = requestOf('models.list', { search: 'a&b=ü', limit: 50, cursor: undefined });
    expect(url).toBe('/models?search=a%26b%3D%C3%BC&limit=50');
    expect(init).toEqual({ method: 'GET' });
  });
});

describe('MlopsClient', () => {
  it('asks below the base URL of the server', async () => {
    const fetch = jest.fn().mockResolvedValue(new Response('{"seq": 3}', { status: 200 }));
    const client = new MlopsClient({ ...SETTINGS, fetch });
    expect(await client.call('audit.head', {})).toEqual({ seq: 3 });
    const [request] = fetch.mock.calls[0] as [Request];
    expect(request.url).toContain('http://host/user/jo/mlops-ext/api/v1/audit/head');
  });

  it('keeps what the server says: code, message and hint', async () => {
    const body = JSON.stringify({ code: 'check_refused', message: 'auc is too low', hint: 'Train a better one' });
    const error = await failureOf(answering(409, body));
    expect(error).toMatchObject({ code: 'check_refused', message: 'auc is too low', hint: 'Train a better one' });
    expect(error).toMatchObject({ status: 409, reason: 'failed' });
  });

  it('tells a missing server part from a missing model', async () => {
    const jupyters = await failureOf(answering(404, '{"message": "Not Found", "reason": null}'));
    const ours = await failureOf(answering(404, '{"code": "not_found", "message": "no model", "hint": ""}'));
    expect(jupyters.reason).toBe('missing');
    expect(ours.reason).toBe('failed');
  });

  it('knows a refusal of access whoever says it, and a page where JSON was due', async () => {
    expect((await failureOf(answering(403, '<html>'))).reason).toBe('forbidden');
    expect((await failureOf(answering(502, '<html>Bad gateway'))).message).toBe('HTTP 502');
  });

  it('says that a server that does not answer is unreachable', async () => {
    const client = new MlopsClient({ ...SETTINGS, fetch: jest.fn().mockRejectedValue(new TypeError('network')) });
    expect((await failureOf(client)).reason).toBe('unreachable');
  });
});

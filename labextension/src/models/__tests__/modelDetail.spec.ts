import { ModelDetail } from '../modelDetail';
import { FakeClient, fakeFeed, settle } from './fakes';

describe('ModelDetail', () => {
  const client = new FakeClient({
    'audit.head': () => ({ seq: 1 }),
    'models.version': ({ model }: { model: string }) => ({ ref: model }),
    'policy.show': () => ({ policy: { environments: ['staging', 'production'], gates: {} } })
  });
  const { feed, emit } = fakeFeed(client);
  let detail: ModelDetail;

  beforeEach(() => {
    detail = new ModelDetail(client, feed, 'delay');
    client.asked.length = 0;
  });

  afterEach(() => {
    detail.dispose();
  });

  it('reads only the tab that is open', async () => {
    detail.setVisible(true);
    await settle();
    expect(client.count('models.deployments')).toBe(0);
    detail.open('history');
    await settle();
    expect(client.count('models.deployments')).toBe(1);
    expect(client.count('governance.lineage')).toBe(0);
  });

  it('reads health and reports for the monitoring tab, and draws figures of its own model', async () => {
    detail.open('monitoring');
    await settle();
    expect([client.count('monitoring.health'), client.count('monitoring.reports')]).toEqual([1, 1]);
    client.answers['monitoring.figure'] = (request: object) => request;
    const drawn = await detail.draw({ figure: 'column', column: 'temp' }, 'dark', new AbortController().signal);
    expect(drawn).toEqual({ model: 'delay', figure: 'column', column: 'temp', template: 'dark' });
  });

  it('asks the gates of every environment', async () => {
    detail.open('gates');
    await settle();
    await settle();
    expect(client.count('models.check')).toBe(2);
    expect(detail.gates.value).toHaveLength(2);
  });

  it('shows the version that was asked for last', async () => {
    detail.select(2);
    detail.select(1);
    await settle();
    expect(detail.version.value).toEqual({ ref: 'delay@1' });
    detail.select(null);
    await settle();
    expect(detail.version.value).toEqual({ ref: 'delay@latest' });
  });

  it('does not mind what happens to other models', async () => {
    detail.setVisible(true);
    await settle();
    emit({ kind: 'model', subject: 'model:delay-2@1', seq: 2 });
    await settle();
    expect(client.count('models.show')).toBe(1);
    emit({ kind: 'model', subject: 'model:delay@4', seq: 3 });
    await settle();
    expect(client.count('models.show')).toBe(2);
  });
});

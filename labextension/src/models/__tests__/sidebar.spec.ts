import { SidebarModel } from '../sidebar';
import { FakeClient, fakeFeed, settle } from './fakes';

describe('SidebarModel', () => {
  const client = new FakeClient({ 'audit.head': () => ({ seq: 1 }) });
  const { feed, emit } = fakeFeed(client);
  let model: SidebarModel;

  beforeEach(() => {
    client.asked.length = 0;
    model = new SidebarModel(client, feed);
  });

  afterEach(() => {
    model.dispose();
  });

  it('reads nothing before it is looked at, and everything then', async () => {
    await settle();
    expect(client.asked).toEqual([]);
    model.setVisible(true);
    await settle();
    for (const name of ['models.list', 'datasets.list', 'jobs.list', 'monitoring.alerts'] as const) {
      expect(client.count(name)).toBe(1);
    }
  });

  it('reads again only what changed', async () => {
    model.setVisible(true);
    await settle();
    emit({ kind: 'model', subject: 'model:delay@4', seq: 2 });
    await settle();
    expect(client.count('models.list')).toBe(2);
    expect(client.count('datasets.list')).toBe(1);
  });

  it('puts off what changed while it was hidden until it is shown', async () => {
    model.setVisible(true);
    await settle();
    model.setVisible(false);
    emit({ kind: 'dataset', subject: 'dataset:flights@2', seq: 3 });
    emit({ kind: 'dataset', subject: 'dataset:flights@3', seq: 4 });
    await settle();
    expect(client.count('datasets.list')).toBe(1);
    model.setVisible(true);
    await settle();
    expect(client.count('datasets.list')).toBe(2);
    expect(client.count('models.list')).toBe(1);
  });

  it('reads the versions of unfolded models along', async () => {
    model.setVisible(true);
    model.toggle('delay');
    await settle();
    emit({ kind: 'model', subject: 'model:delay@4', seq: 5 });
    await settle();
    expect(client.count('models.versions')).toBe(2);
    model.toggle('delay');
    expect(model.versionsOf('delay')).toBeNull();
  });
});

describe('what runs by itself', () => {
  it('is followed', async () => {
    const client = new FakeClient({ 'audit.head': () => ({ seq: 1 }) });
    const { feed, emit } = fakeFeed(client);
    const model = new SidebarModel(client, feed);
    model.setVisible(true);
    // The feed's first look at the head makes everything be read once more.
    await settle();
    await settle();
    client.asked.length = 0;
    emit({ kind: 'pipeline', subject: 'pipeline:1', seq: 2 });
    await settle();
    expect(client.asked).toEqual(['pipelines.runs']);
    emit({ kind: 'schedule', subject: 'schedule:nightly', seq: 3 });
    await settle();
    expect(client.asked).toEqual(['pipelines.runs', 'schedules.list']);
    model.dispose();
  });
});

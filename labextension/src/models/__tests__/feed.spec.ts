import { type Event } from '@jupyterlab/services';
import { Stream } from '@lumino/signaling';

import { CHANGE_SCHEMA, ChangeFeed, type IChange } from '../feed';
import { followJob } from '../follow';
import { FakeClient, fakeFeed, settle } from './fakes';

describe('ChangeFeed', () => {
  const stream = new Stream<Event.IManager, Event.Emission>({} as Event.IManager);
  let seq = 1;
  const client = new FakeClient({ 'audit.head': () => ({ seq }) });
  const heard: IChange[] = [];
  let feed: ChangeFeed;

  beforeEach(() => {
    seq = 1;
    heard.length = 0;
    client.asked.length = 0;
    feed = new ChangeFeed(client, stream, 3600);
    feed.changed.connect((_, change) => heard.push(change));
  });

  afterEach(() => {
    feed.dispose();
  });

  const notice = { kind: 'model', subject: 'model:delay@3', action: 'model.promoted', seq: 2 };

  it('passes on what is ours and nothing else', () => {
    stream.emit({ schema_id: 'https://events.jupyter.org/x', ...notice });
    stream.emit({ schema_id: CHANGE_SCHEMA, ...notice });
    expect(heard).toEqual([notice]);
  });

  it('tells of a change whose notice was lost, once', async () => {
    await feed.check();
    seq = 5;
    await feed.check();
    await feed.check();
    expect(heard).toEqual([{ kind: '', subject: '', action: '', seq: 5 }]);
  });

  it('is not alarmed by a change that it was told of', async () => {
    await feed.check();
    stream.emit({ schema_id: CHANGE_SCHEMA, ...notice });
    seq = 2;
    await feed.check();
    expect(heard).toEqual([notice]);
  });

  it('asks nothing while nobody looks', async () => {
    window.dispatchEvent(new window.Event('online'));
    await settle();
    expect(client.asked).toEqual([]);
    const unwatch = feed.watch();
    await new Promise(resolve => setTimeout(resolve, 100));
    expect(client.count('audit.head')).toBeGreaterThan(0);
    unwatch();
  });
});

describe('followJob', () => {
  it('waits for the end and counts a failed job as ended', async () => {
    let status = 'queued';
    const client = new FakeClient({ 'jobs.show': () => ({ id: '7', status }), 'audit.head': () => ({ seq: 1 }) });
    const { feed, emit } = fakeFeed(client);
    const followed = followJob(client, feed, '7', 3600);
    await settle();
    status = 'failed';
    emit({ kind: 'job', subject: 'job:8' });
    await settle();
    expect(client.count('jobs.show')).toBe(1);
    emit({ kind: 'job', subject: 'job:7' });
    expect((await followed).status).toBe('failed');
    feed.dispose();
  });
});

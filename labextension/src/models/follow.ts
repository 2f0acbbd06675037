import { type IClient } from '../api/client';
import { type Job } from '../api/generated';
import { type ChangeFeed } from './feed';

const GOING: readonly Job['status'][] = ['queued', 'running'];

/** Follow a job to its end: at each notice of it, and now and then should one be missed. */
export async function followJob(client: IClient, feed: ChangeFeed, id: string, seconds = 5): Promise<Job> {
  const unwatch = feed.watch();
  try {
    for (;;) {
      const job = await client.call('jobs.show', { job: id });
      if (!GOING.includes(job.status)) {
        return job;
      }
      await noticeOf(feed, id, seconds);
    }
  } finally {
    unwatch();
  }
}

function noticeOf(feed: ChangeFeed, id: string, seconds: number): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      window.clearTimeout(timer);
      feed.changed.disconnect(onChange);
      resolve();
    };
    const onChange = (_: ChangeFeed, change: { subject: string }) => {
      if (!change.subject || change.subject === `job:${id}`) {
        done();
      }
    };
    const timer = window.setTimeout(done, seconds * 1000);
    feed.changed.connect(onChange);
  });
}

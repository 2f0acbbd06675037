import { type IClient } from '../api/client';
import { type Job } from '../api/generated';
import { type ChangeFeed } from './feed';

const GOING: readonly Job['status'][] = ['queued', 'running'];

/** Follow a job to its end. */
export function followJob(client: IClient, feed: ChangeFeed, id: string, seconds = 5): Promise<Job> {
  const read = () => client.call('jobs.show', { job: id });
  return followUntil(feed, `job:${id}`, read, job => !GOING.includes(job.status), seconds);
}

/** Read something again until it is as wanted: at each notice of it, and now and then should one be missed. */
export async function followUntil<T>(
  feed: ChangeFeed,
  subject: string,
  read: () => Promise<T>,
  wanted: (value: T) => boolean,
  seconds = 5
): Promise<T> {
  const unwatch = feed.watch();
  try {
    for (;;) {
      const value = await read();
      if (wanted(value)) {
        return value;
      }
      await noticeOf(feed, subject, seconds);
    }
  } finally {
    unwatch();
  }
}

function noticeOf(feed: ChangeFeed, subject: string, seconds: number): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      window.clearTimeout(timer);
      feed.changed.disconnect(onChange);
      resolve();
    };
    const onChange = (_: ChangeFeed, change: { subject: string }) => {
      if (!change.subject || change.subject === subject) {
        done();
      }
    };
    const timer = window.setTimeout(done, seconds * 1000);
    feed.changed.connect(onChange);
  });
}

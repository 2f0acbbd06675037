import { PromiseDelegate } from '@lumino/coreutils';

import { MlopsError } from '../../api/errors';
import { type Page } from '../../api/generated';
import { PagedList } from '../pagedList';
import { Resource } from '../resource';

describe('Resource', () => {
  it('never lets an older answer overwrite a newer one', async () => {
    const answers = [new PromiseDelegate<string>(), new PromiseDelegate<string>()];
    let asked = 0;
    const resource = new Resource(() => answers[asked++]?.promise ?? Promise.reject(new Error('too many')));
    const first = resource.refresh();
    const second = resource.refresh();
    answers[1]?.resolve('new');
    await second;
    answers[0]?.resolve('old');
    await first;
    expect(resource.value).toBe('new');
  });

  it('keeps the value beside the error, as stale', async () => {
    let fails = false;
    const error = new MlopsError('store_busy', 'held too long');
    const resource = new Resource(() => (fails ? Promise.reject(error) : Promise.resolve(1)));
    await resource.refresh();
    fails = true;
    await resource.refresh();
    expect(resource.state).toMatchObject({ value: 1, error, loading: false });
    fails = false;
    await resource.refresh();
    expect(resource.state.error).toBeNull();
  });

  it('takes nothing in once it belongs to something else', async () => {
    const answer = new PromiseDelegate<string>();
    const resource = new Resource(() => answer.promise);
    const reading = resource.refresh();
    resource.reset();
    answer.resolve('of the version before');
    await reading;
    expect(resource.value).toBeNull();
  });

  it('ends its request and stays silent when disposed', async () => {
    let aborted = false;
    const resource = new Resource(signal => {
      signal.addEventListener('abort', () => (aborted = true));
      return Promise.resolve(1);
    });
    const changed = jest.fn();
    resource.changed.connect(changed);
    const reading = resource.refresh();
    changed.mockClear();
    resource.dispose();
    await reading;
    expect(aborted).toBe(true);
    expect(changed).not.toHaveBeenCalled();
  });
});

describe('PagedList', () => {
  function numbers(count: number, size: number) {
    const read = jest.fn(async (limit: number, cursor: string): Promise<Page<number>> => {
      const from = Number(cursor || 0);
      const items = Array.from({ length: Math.min(limit, count - from) }, (_, index) => from + index);
      const end = from + items.length;
      return Promise.resolve({ items, next: end < count ? String(end) : '' });
    });
    return { read, list: new PagedList(read, size) };
  }

  it('continues from the cursor', async () => {
    const { list, read } = numbers(25, 10);
    await list.refresh();
    await list.loadMore();
    expect(list.items).toHaveLength(20);
    expect(read).toHaveBeenCalledTimes(2);
    await list.loadMore();
    expect(list.items).toEqual(Array.from({ length: 25 }, (_, index) => index));
    expect(list.hasMore).toBe(false);
  });

  it('reads as much again as was on screen', async () => {
    const { list } = numbers(100, 10);
    await list.refresh();
    await list.loadMore();
    await list.loadMore();
    await list.refresh();
    expect(list.items).toHaveLength(30);
    expect(list.hasMore).toBe(true);
  });
});

import { type Event } from '@jupyterlab/services';
import { Stream } from '@lumino/signaling';

import { type IClient, type OperationName } from '../../api/client';
import { CHANGE_SCHEMA, ChangeFeed, type IChange } from '../feed';

/** A client that answers from functions, and tells what was asked. */
export class FakeClient implements IClient {
  constructor(readonly answers: Partial<Record<OperationName, (request: never) => unknown>>) {}

  readonly asked: OperationName[] = [];

  call(name: OperationName, request: unknown): Promise<never> {
    this.asked.push(name);
    const answer = this.answers[name];
    return Promise.resolve((answer ? answer(request as never) : { items: [], next: '' }) as never);
  }

  count(name: OperationName): number {
    return this.asked.filter(each => each === name).length;
  }
}

/** A feed, and the server's end of its stream. */
export function fakeFeed(client: IClient): { feed: ChangeFeed; emit: (change: Partial<IChange>) => void } {
  const stream = new Stream<Event.IManager, Event.Emission>({} as Event.IManager);
  const emit = (change: Partial<IChange>) => {
    stream.emit({ schema_id: CHANGE_SCHEMA, kind: '', subject: '', action: '', seq: 1, ...change });
  };
  return { feed: new ChangeFeed(client, stream, 3600), emit };
}

/** Let everything that is ready happen. */
export async function settle(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 0));
}

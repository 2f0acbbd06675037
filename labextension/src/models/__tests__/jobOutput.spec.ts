import { FollowedOutput } from '../jobOutput';
import { FakeClient, settle } from './fakes';

const piece = (seq: number) => ({ seq, cell: 1, stream: 'stdout', text: `line ${seq}` });

describe('FollowedOutput', () => {
  it('asks for what came since, until the job has ended', async () => {
    jest.useFakeTimers();
    const asked: number[] = [];
    const client = new FakeClient({
      'jobs.output': ({ after }: { after: number }) => {
        asked.push(after);
        const pieces = after < 2 ? [piece(after + 1)] : [];
        return { pieces, next: Math.min(after + 1, 2), ended: after >= 2, cells_done: 1, cells_total: 1 };
      }
    });
    const output = new FollowedOutput(client, 'j1');
    await jest.advanceTimersByTimeAsync(5000);
    expect(asked).toEqual([0, 1, 2]);
    expect(output.pieces.map(each => each.text)).toEqual(['line 1', 'line 2']);
    expect(output.state?.ended).toBe(true);
    output.dispose();
    jest.useRealTimers();
  });

  it('tells what went wrong, and asks no more once nobody looks', async () => {
    const client = new FakeClient({
      'jobs.output': () => {
        throw new Error('gone');
      }
    });
    const output = new FollowedOutput(client, 'j1', 5);
    await settle();
    expect(output.error?.message).toContain('gone');
    output.dispose();
    const count = client.count('jobs.output');
    await new Promise(resolve => setTimeout(resolve, 30));
    expect(client.count('jobs.output')).toBe(count);
  });
});

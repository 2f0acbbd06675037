import { DatasetDetail } from '../datasetDetail';
import { FakeClient, fakeFeed, settle } from './fakes';

describe('DatasetDetail', () => {
  const versions = [3, 2, 1].map(version => ({ name: 'flights', version }));
  const client = new FakeClient({
    'audit.head': () => ({ seq: 1 }),
    'datasets.versions': () => ({ items: versions, next: '' }),
    'datasets.show': ({ dataset }: { dataset: string }) => ({
      name: 'flights',
      version: dataset.endsWith('@latest') ? 3 : Number(dataset.split('@')[1])
    }),
    'datasets.profile': ({ dataset }: { dataset: string }) => ({ ref: dataset }),
    'datasets.diff': (request: { before: string; after: string }) => request
  });
  const { feed } = fakeFeed(client);
  let detail: DatasetDetail;

  beforeEach(() => {
    detail = new DatasetDetail(client, feed, 'flights');
    client.asked.length = 0;
  });

  afterEach(() => {
    detail.dispose();
  });

  it('reads only the tab that is open', async () => {
    await detail.refresh();
    expect(detail.profile.value).toEqual({ ref: 'flights@latest' });
    expect([client.count('datasets.diff'), client.count('datasets.files')]).toEqual([0, 0]);
  });

  it('compares with the version before, or with one that was chosen', async () => {
    await detail.refresh();
    detail.open('changes');
    await settle();
    expect(detail.diff.value).toEqual({ before: 'flights@2', after: 'flights@latest' });
    detail.compare(1);
    await settle();
    expect(detail.diff.value).toEqual({ before: 'flights@1', after: 'flights@latest' });
  });

  it('forgets what it was compared with when another version is looked at', async () => {
    await detail.refresh();
    detail.open('changes');
    detail.compare(1);
    detail.select(2);
    await settle();
    await settle();
    expect(detail.diff.value).toEqual({ before: 'flights@1', after: 'flights@2' });
    detail.select(1);
    await settle();
    await settle();
    expect(detail.base).toBeNull();
    expect(detail.diff.value).toBeNull();
  });
});

import { type Report } from '../../api/generated';
import { pointsOf } from '../performance';
import { parseReference } from '../reference';

function report(window: string, created: string, value: Report['metrics'][number]['value'], kind = 'measured'): Report {
  const metric = { name: 'auc', value, low: 0.1, high: 0.9, level: 0.95, kind: kind as 'measured' };
  return { window, created_at: created, metrics: [metric], model: 'delay@1', label_coverage: 1 } as unknown as Report;
}

describe('pointsOf', () => {
  it('orders by window and lets the newest report on a window count', () => {
    const reports = [report('2013-03', '3', 0.7), report('2013-02', '1', 0.5), report('2013-02', '2', 0.6)];
    expect(pointsOf(reports, 'auc').map(each => [each.window, each.value])).toEqual([
      ['2013-02', 0.6],
      ['2013-03', 0.7]
    ]);
  });

  it('keeps what was measured beside what was estimated', () => {
    const reports = [report('w', '1', 0.7), report('w', '2', 0.6, 'estimated'), report('w', '3', 0.1, 'difference')];
    expect(pointsOf(reports, 'auc').map(each => each.kind)).toEqual(['measured', 'estimated']);
  });

  it('reads numbers that JSON cannot hold', () => {
    expect(pointsOf([report('w', '1', 'NaN')], 'auc')[0]?.value).toBeNaN();
  });

  it('orders numbers in the names of windows by value', () => {
    const reports = [report('week 10', '1', 0.7), report('week 9', '2', 0.5)];
    expect(pointsOf(reports, 'auc').map(each => each.window)).toEqual(['week 9', 'week 10']);
  });
});

describe('parseReference', () => {
  it.each([
    ['model:delay@3', 'model', 'delay', 3],
    ['delay@production', '', 'delay', null],
    ['dataset:flights', 'dataset', 'flights', null],
    ['flights@b3:ab12', '', 'flights', null]
  ])('takes %s apart', (reference, kind, name, version) => {
    expect(parseReference(reference)).toEqual({ kind, name, version });
  });
});

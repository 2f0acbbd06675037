import { type Real, type Report } from '../api/generated';

/** One point of a metric over the windows, with its interval. */
export interface IPoint {
  readonly window: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly kind: 'measured' | 'estimated' | 'difference';
  readonly model: string;
  readonly coverage: number | null;
}

const LABELS: Readonly<Record<string, string>> = {
  auc: 'AUC',
  f1: 'F1',
  accuracy: 'Accuracy',
  brier: 'Brier score',
  log_loss: 'Log loss',
  ece: 'ECE'
};

/** How the field writes a metric; one that is not widely known stays as it was logged. */
export function metricLabel(name: string): string {
  return LABELS[name] ?? name;
}

/** One metric over the windows, oldest first; of reports on one window and kind the newest counts. */
export function pointsOf(reports: readonly Report[], metric: string): IPoint[] {
  const points = new Map<string, IPoint>();
  const oldestFirst = [...reports].sort((a, b) => a.created_at.localeCompare(b.created_at));
  for (const report of oldestFirst) {
    for (const each of report.metrics.filter(one => one.name === metric && one.kind !== 'difference')) {
      points.set(`${report.window}|${each.kind}`, {
        window: report.window,
        value: numberOf(each.value),
        low: numberOf(each.low),
        high: numberOf(each.high),
        kind: each.kind,
        model: report.model,
        coverage: report.label_coverage === null ? null : numberOf(report.label_coverage)
      });
    }
  }
  return [...points.values()].sort((a, b) => a.window.localeCompare(b.window, undefined, { numeric: true }));
}

/** Read a number that travelled as JSON. */
export function numberOf(value: Real): number {
  return typeof value === 'number' ? value : Number(value);
}

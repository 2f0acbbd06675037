import { type Real } from '../api/generated';

const NUMBER = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 5 });
const WHOLE = new Intl.NumberFormat();
const SHARE = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const MONTH = new Intl.DateTimeFormat(undefined, { month: 'short', year: 'numeric' });
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Write a number to five digits; what is no number keeps its name. */
export function formatNumber(value: Real | null | undefined): string {
  if (value === null || value === undefined) {
    return '–';
  }
  return typeof value === 'number' ? NUMBER.format(value) : value;
}

/** Write a count. */
export function formatCount(value: number): string {
  return WHOLE.format(value);
}

/** Write a share as a percentage. */
export function formatShare(share: number): string {
  return SHARE.format(share);
}

/** Write a time to the minute, in the reader's zone. */
export function formatTime(iso: string): string {
  return TIME.format(new Date(iso));
}

/** Write a day in few letters, in the reader's zone: of this year the day, of others the month. */
export function formatDay(iso: string): string {
  const day = new Date(iso);
  return (day.getFullYear() === new Date().getFullYear() ? DAY : MONTH).format(day);
}

/** Write a size in decimal units. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  return `${NUMBER.format(Number((bytes / 1000 ** power).toPrecision(3)))} ${UNITS[power]}`;
}

/** Shorten a digest to what people compare. */
export function shortDigest(digest: string): string {
  const [algorithm, hex] = digest.split(':');
  return hex ? `${algorithm}:${hex.slice(0, 10)}` : digest;
}

/** Write a duration between two times. */
export function formatDuration(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

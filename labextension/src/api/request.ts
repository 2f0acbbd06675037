import { type OperationName } from './client';
import { OPERATIONS } from './generated';

/** Lay a request out as HTTP: fields in the path, then the query of a GET or the body of anything else. */
export function requestOf(name: OperationName, request: Record<string, unknown>): { url: string; init: RequestInit } {
  const { method, path } = OPERATIONS[name];
  const rest = new Map(Object.entries(request).filter(([, value]) => value !== undefined));
  const filled = path.replace(/{(\w+)}/g, (_, field: string) => {
    const value = String(rest.get(field));
    rest.delete(field);
    return encodeURIComponent(value);
  });
  if (method !== 'GET') {
    const headers = { 'Content-Type': 'application/json' };
    return { url: filled, init: { method, headers, body: JSON.stringify(Object.fromEntries(rest)) } };
  }
  const query = new URLSearchParams([...rest].map(([field, value]) => [field, String(value)])).toString();
  return { url: query ? `${filled}?${query}` : filled, init: { method } };
}

/** The one error of the client: what is wrong, what to do, and how the server answered. */
export class MlopsError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint = '',
    readonly status = 0
  ) {
    super(message);
    this.name = 'MlopsError';
  }

  /** What a view has to say about it, beyond the message. */
  get reason(): Reason {
    if (this.code === 'server_extension_missing') {
      return 'missing';
    }
    if (this.status === 401 || this.status === 403) {
      return 'forbidden';
    }
    return this.code === 'unreachable' ? 'unreachable' : 'failed';
  }
}

/** Why nothing can be shown. */
export type Reason = 'missing' | 'forbidden' | 'unreachable' | 'failed';

/** Read the server's answer; what does not speak our error shape was not answered by our server part. */
export function errorOf(status: number, text: string): MlopsError {
  const body = parsed(text);
  if (typeof body.code === 'string' && typeof body.message === 'string') {
    return new MlopsError(body.code, body.message, typeof body.hint === 'string' ? body.hint : '', status);
  }
  const message = typeof body.message === 'string' && body.message ? body.message : `HTTP ${status}`;
  return new MlopsError(status === 404 ? 'server_extension_missing' : `http_${status}`, message, '', status);
}

/** Turn whatever was thrown into the one error. */
export function asMlopsError(thrown: unknown): MlopsError {
  if (thrown instanceof MlopsError) {
    return thrown;
  }
  return new MlopsError('unreachable', thrown instanceof Error ? thrown.message : String(thrown));
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

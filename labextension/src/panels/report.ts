import { Notification } from '@jupyterlab/apputils';

import { asMlopsError } from '../api/errors';
import { type IMlops } from '../tokens';

/** Do something for the user; when it fails, say why and what to do. */
export async function reporting({ trans }: IMlops, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (thrown) {
    const { message, hint, reason } = asMlopsError(thrown);
    const text = reason === 'missing' ? trans.__('The server part of MLOps is not running') : message;
    Notification.error([text, hint].filter(Boolean).join('. '), { autoClose: false });
  }
}

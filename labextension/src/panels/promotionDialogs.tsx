import { Notification } from '@jupyterlab/apputils';
import * as React from 'react';

import { MlopsError } from '../api/errors';
import { type Promotion } from '../api/generated';
import { CommentForm } from '../components/forms';
import { type Decision, promotionState } from '../components/promotions';
import { followUntil } from '../models/follow';
import { type IMlops } from '../tokens';
import { askForm } from './formDialog';

/** Ask what to say to a promotion, and say it. */
export async function askDecision(mlops: IMlops, promotion: Promotion, decision: Decision): Promise<void> {
  const { client, trans } = mlops;
  const what = `${promotion.model}@${promotion.version} → ${promotion.environment}`;
  const titles: Record<Decision, string> = {
    approve: trans.__('Approve %1', what),
    reject: trans.__('Reject %1', what),
    review: trans.__('Review %1', what)
  };
  const accept: Record<Decision, string> = {
    approve: trans.__('Approve'),
    reject: trans.__('Reject'),
    review: trans.__('Save the review')
  };
  const done = await askForm(mlops, {
    title: titles[decision],
    accept: accept[decision],
    warn: decision === 'reject',
    initial: { comment: '' },
    draw: props => <CommentForm {...props} />,
    submit: ({ comment }) => client.call(`models.${decision}` as const, { promotion: promotion.id, comment })
  });
  if (done) {
    tell(mlops, done);
  }
}

/** Refuse in the form what the gates refused at once. */
export function accepted(promotion: Promotion, trans: IMlops['trans']): Promotion {
  if (promotion.state !== 'refused') {
    return promotion;
  }
  const failed = promotion.gates.filter(gate => !gate.passed && !gate.pending);
  const reasons = failed.map(gate => `${gate.gate}: ${gate.message}`).join('; ');
  const bounds = failed.map(gate => (gate.bound === null ? gate.gate : `${gate.gate}: ${gate.bound}`)).join(', ');
  const asked = `${promotion.model}@${promotion.version}`;
  throw new MlopsError(
    'check_refused',
    trans.__('%1 may not go to %2: %3', asked, promotion.environment, reasons),
    [trans.__('It passes with %1.', bounds), promotion.note].filter(Boolean).join(' ')
  );
}

/** Say how far a promotion is; one whose gates are being asked is followed to its end. */
export function tell(mlops: IMlops, promotion: Promotion): void {
  const { client, feed, trans } = mlops;
  const name = `${promotion.model}@${promotion.version}`;
  if (promotion.state !== 'evaluating') {
    const notify = promotion.state === 'promoted' ? Notification.success : Notification.info;
    notify(said(promotion, name, trans), { autoClose: 4000 });
    return;
  }
  const read = () => client.call('models.promotion', { promotion: promotion.id });
  const ended = followUntil(feed, `model:${name}`, read, each => each.state !== 'evaluating').then(each =>
    said(accepted(each, trans), name, trans)
  );
  Notification.promise(ended, {
    pending: { message: trans.__('The gates of %1 are asked about %2', promotion.environment, name) },
    success: { message: text => String(text), options: { autoClose: 8000 } },
    error: { message: reason => (reason as Error).message, options: { autoClose: false } }
  });
}

function said(promotion: Promotion, name: string, trans: IMlops['trans']): string {
  return promotion.state === 'promoted'
    ? trans.__('%1 serves %2 now', name, promotion.environment)
    : trans.__('%1 to %2: %3', name, promotion.environment, promotionState(promotion, trans));
}

import { type TranslationBundle } from '@jupyterlab/translation';
import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';

import { type Promotion } from '../api/generated';
import { type PagedList } from '../models/pagedList';
import { EnvironmentChip, Status, type Tone } from './chips';
import { formatTime } from './format';
import { More } from './modelTree';

/** What a person can say to a promotion. */
export type Decision = 'approve' | 'reject' | 'review';

const TONES: Readonly<Record<Promotion['state'], Tone>> = {
  evaluating: 'busy',
  awaiting_approval: 'busy',
  promoted: 'good',
  refused: 'bad',
  rejected: 'bad',
  failed: 'bad',
  expired: 'neutral',
  voided: 'neutral'
};

interface IPromotionsProps {
  promotions: readonly Promotion[];
  list: PagedList<Promotion>;
  trans: TranslationBundle;
  onDecide: (promotion: Promotion, decision: Decision) => void;
}

/** Who asked to promote what, how far that is, and what is still to be decided; the newest first. */
export function Promotions({ promotions, list, trans, onDecide }: IPromotionsProps): React.ReactElement | null {
  if (!promotions.length) {
    return null;
  }
  return (
    <section className="mlx-Part">
      <h3>{trans.__('Promotions')}</h3>
      {promotions.some(each => each.advisory) && (
        <p className="mlx-Muted">
          {trans.__('Approvals are advisory here: they are recorded, and nothing but agreement enforces them.')}
        </p>
      )}
      <ol className="mlx-Timeline" aria-label={trans.__('Promotions')}>
        {promotions.map(each => (
          <li key={each.id}>
            <Asked promotion={each} trans={trans} />
            <Decisions promotion={each} trans={trans} onDecide={onDecide} />
          </li>
        ))}
        <More list={list} trans={trans} />
      </ol>
    </section>
  );
}

function Asked({ promotion, trans }: { promotion: Promotion; trans: TranslationBundle }): React.ReactElement {
  const { environment, version, previous, comment, error } = promotion;
  return (
    <>
      <div className="mlx-Timeline-what">
        <EnvironmentChip name={environment} />
        <strong>{previous === null ? `v${version}` : `v${previous} → v${version}`}</strong>
        <Status tone={TONES[promotion.state]} text={promotionState(promotion, trans)} />
        {promotion.break_glass && <Status tone="bad" text={trans.__('past its gates')} />}
      </div>
      {comment && <p className="mlx-Timeline-why">{comment}</p>}
      {error && <p className="mlx-Timeline-why">{error}</p>}
      <div className="mlx-Muted">
        <time dateTime={promotion.requested_at}>{formatTime(promotion.requested_at)}</time> · {promotion.requested_by}
        {promotion.approvals.map(each => (
          <React.Fragment key={each.by}>
            {' · '}
            {each.decision === 'approved' ? trans.__('%1 said yes', each.by) : trans.__('%1 said no', each.by)}
            {each.comment && `: ${each.comment}`}
          </React.Fragment>
        ))}
        {promotion.review && ` · ${trans.__('reviewed by %1: %2', promotion.reviewed_by, promotion.review)}`}
      </div>
    </>
  );
}

function Decisions(props: {
  promotion: Promotion;
  trans: TranslationBundle;
  onDecide: IPromotionsProps['onDecide'];
}): React.ReactElement | null {
  const { promotion, trans, onDecide } = props;
  const choices: (readonly [Decision, string])[] = [];
  if (promotion.state === 'awaiting_approval') {
    choices.push(['approve', trans.__('Approve…')], ['reject', trans.__('Reject…')]);
  }
  if (promotion.review_due) {
    choices.push(['review', trans.__('Review…')]);
  }
  if (!choices.length) {
    return null;
  }
  return (
    <div className="mlx-Decisions">
      {choices.map(([decision, label]) => (
        <Button
          key={decision}
          className="mlx-Button"
          small
          onClick={() => {
            onDecide(promotion, decision);
          }}
        >
          {label}
        </Button>
      ))}
    </div>
  );
}

/** A promotion's state in words. */
export function promotionState(promotion: Promotion, trans: TranslationBundle): string {
  const given = promotion.approvals.filter(each => each.decision === 'approved').length;
  const words: Record<Promotion['state'], string> = {
    evaluating: trans.__('its gates are being asked'),
    awaiting_approval: trans.__('%1 of %2 approvals', given, promotion.approvals_needed),
    promoted: trans.__('promoted'),
    refused: trans.__('refused by its gates'),
    rejected: trans.__('rejected'),
    failed: trans.__('its gates could not be asked'),
    expired: trans.__('expired'),
    voided: trans.__('void')
  };
  return words[promotion.state];
}

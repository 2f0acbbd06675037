import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type Health } from '../api/generated';
import { Status, type Tone } from './chips';
import { formatNumber } from './format';
import { Part, Table } from './table';

const TONES: Readonly<Record<Health['status'], Tone>> = {
  healthy: 'good',
  at_risk: 'busy',
  degraded: 'bad',
  unknown: 'neutral'
};

interface IHealthProps {
  health: Health;
  trans: TranslationBundle;
}

/** Says at a glance whether a model is all right, since when not, and what to do. */
export function HealthHead({ health, trans }: IHealthProps): React.ReactElement {
  const since = health.since && ` ${trans.__('since %1', health.since)}`;
  return (
    <section className="mlx-Health" aria-label={trans.__('Health')}>
      <p>
        <Status tone={TONES[health.status]} text={wordOf(health.status, trans) + since} />
        <span className="mlx-Muted">{health.summary_text}</span>
      </p>
      <List items={health.alerts} label={trans.__('Alerts')} />
      <List items={health.todo} label={trans.__('What to do')} />
    </section>
  );
}

/** What drifted in the newest window, what to look at first in front. */
export function Moved({ health, trans }: IHealthProps): React.ReactElement | null {
  return health.moved.length ? (
    <Part title={trans.__('What moved in the newest window')}>
      <Table
        caption={trans.__('What moved in the newest window')}
        head={[trans.__('Column'), trans.__('PSI'), trans.__('Since'), trans.__('Why')]}
        numeric={[1]}
        rows={health.moved.map(each => [each.column, formatNumber(each.psi), each.since, each.reason])}
      />
    </Part>
  ) : null;
}

function List({ items, label }: { items: readonly string[]; label: string }): React.ReactElement | null {
  return items.length ? (
    <>
      <h4>{label}</h4>
      <ul>
        {items.map(each => (
          <li key={each}>{each}</li>
        ))}
      </ul>
    </>
  ) : null;
}

function wordOf(status: Health['status'], trans: TranslationBundle): string {
  const words: Record<Health['status'], string> = {
    healthy: trans.__('all right'),
    at_risk: trans.__('at risk'),
    degraded: trans.__('degraded'),
    unknown: trans.__('not watched yet')
  };
  return words[status];
}

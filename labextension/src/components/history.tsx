import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type Deployment } from '../api/generated';
import { type PagedList } from '../models/pagedList';
import { EnvironmentChip } from './chips';
import { formatTime } from './format';
import { More } from './modelTree';
import { Empty } from './states';

interface IHistoryProps {
  deployments: readonly Deployment[];
  list: PagedList<Deployment>;
  trans: TranslationBundle;
}

/** Who moved which environment, when and why; the newest first. */
export function History({ deployments, list, trans }: IHistoryProps): React.ReactElement {
  if (!deployments.length) {
    return <Empty text={trans.__('No environment has served this model yet. “Promote…” is the first step.')} />;
  }
  return (
    <ol className="mlx-Timeline" aria-label={trans.__('Deployments')}>
      {deployments.map(each => (
        <li key={`${each.environment}-${each.created_at}`} className={`mlx-mod-${each.action}`}>
          <div className="mlx-Timeline-what">
            <EnvironmentChip name={each.environment} />
            <strong>{movesOf(each)}</strong>
            <span>{each.action === 'promote' ? trans.__('promoted') : trans.__('rolled back')}</span>
          </div>
          {each.comment && <p className="mlx-Timeline-why">{each.comment}</p>}
          <div className="mlx-Muted">
            <time dateTime={each.created_at}>{formatTime(each.created_at)}</time> · {each.created_by}
            {each.gates.length > 0 && ` · ${trans._n('%1 gate passed', '%1 gates passed', each.gates.length)}`}
          </div>
        </li>
      ))}
      <More list={list} trans={trans} />
    </ol>
  );
}

function movesOf(deployment: Deployment): string {
  return deployment.previous === null ? `v${deployment.version}` : `v${deployment.previous} → v${deployment.version}`;
}

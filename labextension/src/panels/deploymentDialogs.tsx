import { Notification } from '@jupyterlab/apputils';
import * as React from 'react';

import { type Model, type ModelVersion } from '../api/generated';
import { PromoteForm, RollbackForm } from '../components/forms';
import { type IMlops } from '../tokens';
import { askForm } from './formDialog';
import { accepted, tell } from './promotionDialogs';

/** Ask where to promote a version, and do it. */
export async function askPromote(mlops: IMlops, version: ModelVersion): Promise<void> {
  const { client, trans } = mlops;
  const model = `${version.name}@${version.version}`;
  const { policy } = await client.call('policy.show', {});
  const to = policy.environments.find(each => !version.environments.includes(each)) ?? policy.environments[0] ?? '';
  const check = (to: string) => client.call('models.check', { model, to });
  const done = await askForm(mlops, {
    title: trans.__('Promote %1', model),
    accept: trans.__('Promote'),
    initial: { to, comment: '' },
    draw: props => <PromoteForm {...props} environments={policy.environments} check={check} />,
    submit: async ({ to, comment }) => accepted(await client.call('models.promote', { model, to, comment }), trans)
  });
  if (done) {
    tell(mlops, done);
  }
}

/** Ask what to roll back, and do it. */
export async function askRollback(mlops: IMlops, model: Model, versions: readonly ModelVersion[]): Promise<void> {
  const { client, trans } = mlops;
  const serving = model.environments;
  const names = Object.keys(serving);
  const done = await askForm(mlops, {
    title: trans.__('Roll back %1', model.name),
    accept: trans.__('Roll back'),
    warn: true,
    initial: { environment: names.includes('production') ? 'production' : (names[0] ?? ''), version: '', comment: '' },
    draw: props => <RollbackForm {...props} serving={serving} versions={versions.map(each => each.version)} />,
    submit: ({ environment, version, comment }) =>
      client.call('models.rollback', {
        model: `${model.name}@${environment}`,
        version: version ? Number(version) : null,
        comment
      })
  });
  if (done) {
    Notification.success(trans.__('%1 serves v%2 again', done.environment, done.version), { autoClose: 4000 });
  }
}

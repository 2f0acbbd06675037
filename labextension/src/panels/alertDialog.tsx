import '../../style/detail.css';
import '../../style/forms.css';

import { Dialog, showDialog } from '@jupyterlab/apputils';
import * as React from 'react';

import { type Alert } from '../api/generated';
import { formatTime } from '../components/format';
import { Facts } from '../components/table';
import { type IMlops } from '../tokens';

/** What to do about an alert that was looked at. */
export type AlertChoice = 'acknowledge' | 'resolve' | 'open' | null;

/** Show an alert. */
export async function showAlert({ trans }: IMlops, alert: Alert): Promise<AlertChoice> {
  const buttons = [Dialog.cancelButton({ label: trans.__('Close') })];
  if (alert.state === 'open' || alert.state === 'muted') {
    buttons.push(Dialog.okButton({ label: trans.__('Acknowledge'), actions: ['acknowledge'] }));
  }
  if (alert.state !== 'resolved') {
    buttons.push(Dialog.okButton({ label: trans.__('Resolve'), actions: ['resolve'] }));
  }
  buttons.push(Dialog.okButton({ label: trans.__('Open model'), actions: ['open'] }));
  const answer = await showDialog({
    title: trans.__('Alert on %1', alert.model),
    body: <AlertFacts alert={alert} mlops={{ trans }} />,
    buttons,
    defaultButton: 0
  });
  return (answer.button.actions[0] as AlertChoice | undefined) ?? null;
}

function AlertFacts({ alert, mlops: { trans } }: { alert: Alert; mlops: Pick<IMlops, 'trans'> }): React.ReactElement {
  const severity = { info: trans.__('info'), warning: trans.__('warning'), critical: trans.__('critical') };
  const state = {
    open: trans.__('open'),
    acknowledged: trans.__('acknowledged by %1', alert.acknowledged_by),
    resolved: trans.__('resolved by %1', alert.resolved_by),
    muted: trans.__('muted')
  };
  return (
    <div className="mlx-Dialog">
      <p>{alert.message}</p>
      <Facts
        items={[
          [trans.__('Severity'), severity[alert.severity]],
          [trans.__('Windows'), alert.windows.join(', ')],
          [trans.__('Monitor'), alert.monitor],
          [trans.__('Raised'), formatTime(alert.created_at)],
          [trans.__('Seen last'), alert.windows.length > 1 ? formatTime(alert.seen_at) : ''],
          [trans.__('State'), state[alert.state]],
          [trans.__('Comment'), alert.comment]
        ]}
      />
    </div>
  );
}

import '../../style/detail.css';
import '../../style/forms.css';

import { Dialog, showDialog } from '@jupyterlab/apputils';
import * as React from 'react';

import { type Alert } from '../api/generated';
import { formatTime } from '../components/format';
import { Facts } from '../components/table';
import { type IMlops } from '../tokens';

/** What to do about an alert that was looked at. */
export type AlertChoice = 'acknowledge' | 'open' | null;

/** Show an alert. */
export async function showAlert({ trans }: IMlops, alert: Alert): Promise<AlertChoice> {
  const buttons = [Dialog.cancelButton({ label: trans.__('Close') })];
  if (alert.state === 'open') {
    buttons.push(Dialog.okButton({ label: trans.__('Acknowledge'), actions: ['acknowledge'] }));
  }
  buttons.push(Dialog.okButton({ label: trans.__('Open model'), actions: ['open'] }));
  const answer = await showDialog({
    title: trans.__('Alert on %1', alert.model),
    body: (
      <div className="mlx-Dialog">
        <p>{alert.message}</p>
        <Facts
          items={[
            [trans.__('Window'), alert.window],
            [trans.__('Monitor'), alert.monitor],
            [trans.__('Raised'), formatTime(alert.created_at)],
            [trans.__('State'), alert.state === 'open' ? trans.__('open') : trans.__('acknowledged')]
          ]}
        />
      </div>
    ),
    buttons,
    defaultButton: 0
  });
  return (answer.button.actions[0] as AlertChoice | undefined) ?? null;
}

import '../../style/forms.css';

import { Dialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import type * as React from 'react';

import { asMlopsError, type MlopsError } from '../api/errors';
import { type IFormProps } from '../components/forms';
import { type IMlops } from '../tokens';

type Draw<T> = (props: IFormProps<T>) => React.ReactElement;

class FormBody<T> extends ReactWidget implements Dialog.IBodyWidget<T> {
  constructor(
    private value: T,
    private readonly problem: MlopsError | null,
    private readonly mlops: IMlops,
    private readonly draw: Draw<T>
  ) {
    super();
    this.addClass('mlx-Dialog');
  }

  getValue(): T {
    return this.value;
  }

  protected override render(): React.ReactElement {
    const { value, problem, draw } = this;
    const onChange = (next: T) => {
      this.value = next;
      this.update();
    };
    return draw({ value, problem, trans: this.mlops.trans, onChange });
  }
}

/** What to ask. */
export interface IQuestion<T, R> {
  readonly title: string;
  readonly accept: string;
  /** Whether to warn: then Cancel is the default. */
  readonly warn?: boolean;
  readonly initial: T;
  readonly draw: Draw<T>;
  readonly submit: (value: T) => Promise<R>;
}

/** Ask until it is done or given up; a refusal is shown in the form, with everything still filled in. */
export async function askForm<T, R>(mlops: IMlops, question: IQuestion<T, R>): Promise<R | null> {
  const { title, accept, warn = false, draw, submit } = question;
  let value = question.initial;
  let problem: MlopsError | null = null;
  for (;;) {
    const button = warn ? Dialog.warnButton : Dialog.okButton;
    const dialog: Dialog<T> = new Dialog<T>({
      title,
      body: new FormBody(value, problem, mlops, draw),
      buttons: [Dialog.cancelButton({ label: mlops.trans.__('Cancel') }), button({ label: accept })],
      defaultButton: warn ? 0 : 1,
      focusNodeSelector: warn ? undefined : 'input, select'
    });
    const answer = await dialog.launch();
    if (!answer.button.accept || answer.value === null) {
      return null;
    }
    value = answer.value;
    try {
      return await submit(value);
    } catch (thrown) {
      problem = asMlopsError(thrown);
    }
  }
}

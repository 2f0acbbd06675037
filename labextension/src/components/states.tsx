import { type TranslationBundle } from '@jupyterlab/translation';
import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';

import { type MlopsError } from '../api/errors';
import { type IState } from '../models/resource';
import { formatTime } from './format';

const PATIENCE = 200;

/** Says that something is being read, but only to those who had to wait. */
export function Loading({ trans }: { trans: TranslationBundle }): React.ReactElement | null {
  const [late, setLate] = React.useState(false);
  React.useEffect(() => {
    const timer = window.setTimeout(() => {
      setLate(true);
    }, PATIENCE);
    return () => {
      window.clearTimeout(timer);
    };
  }, []);
  return late ? (
    <div className="mlx-Loading" role="status">
      <span className="mlx-Spinner" aria-hidden="true" />
      {trans.__('Loading…')}
    </div>
  ) : null;
}

/** Says that there is nothing yet, and the line of code that changes that. */
export function Empty(props: { text: string; code?: string }): React.ReactElement {
  return (
    <div className="mlx-Empty">
      <p>{props.text}</p>
      {props.code && <pre className="mlx-Code">{props.code}</pre>}
    </div>
  );
}

interface IFailureProps {
  error: MlopsError;
  trans: TranslationBundle;
  onRetry: () => void;
}

/** Says why nothing can be shown and what to do about it. */
export function Failure({ error, trans, onRetry }: IFailureProps): React.ReactElement {
  const { title, message, hint } = wordsOf(error, trans);
  return (
    <div className="mlx-Failure" role="alert">
      <strong>{title}</strong>
      {message && <p>{message}</p>}
      {hint && <p className="mlx-Hint">{hint}</p>}
      <Button className="mlx-Button" minimal small onClick={onRetry}>
        {trans.__('Retry')}
      </Button>
    </div>
  );
}

/** Says that what is shown may be old. */
export function Stale(props: IFailureProps & { readAt: number }): React.ReactElement {
  const { title, hint } = wordsOf(props.error, props.trans);
  return (
    <div className="mlx-Stale" role="status" title={[props.error.message, hint].join('\n')}>
      <span>
        {title}. {props.trans.__('Shown as of %1.', formatTime(new Date(props.readAt).toISOString()))}
      </span>
      <Button className="mlx-Button" minimal small onClick={props.onRetry}>
        {props.trans.__('Retry')}
      </Button>
    </div>
  );
}

interface IViewProps<T> {
  state: IState<T>;
  trans: TranslationBundle;
  onRetry: () => void;
  children: (value: T) => React.ReactNode;
}

/** Shows what was read, or why it is not there. */
export function View<T>({ state, trans, onRetry, children }: IViewProps<T>): React.ReactElement {
  const { value, error, readAt } = state;
  if (value === null) {
    return error ? <Failure {...{ error, trans, onRetry }} /> : <Loading trans={trans} />;
  }
  return (
    <>
      {error && <Stale {...{ error, trans, onRetry, readAt }} />}
      {children(value)}
    </>
  );
}

function wordsOf(error: MlopsError, trans: TranslationBundle): { title: string; message: string; hint: string } {
  switch (error.reason) {
    case 'missing':
      return {
        title: trans.__('The server part of MLOps is not running'),
        message: trans.__('It must be installed where the Jupyter server runs.'),
        hint: trans.__('Run: jupyter server extension enable mlops_ext, then restart the server')
      };
    case 'forbidden':
      return {
        title: trans.__('No permission'),
        message: error.message,
        hint: error.hint || trans.__('Ask whoever runs this server for access.')
      };
    case 'unreachable':
      return {
        title: trans.__('The server does not answer'),
        message: '',
        hint: trans.__('Check the connection and that the Jupyter server runs.')
      };
    case 'failed':
      return { title: trans.__('Something went wrong'), message: error.message, hint: error.hint };
  }
}

import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { asMlopsError, type MlopsError } from '../api/errors';
import { type GateResults } from '../api/generated';
import { GateTable } from './gates';

/** What a form shows and tells. */
export interface IFormProps<T> {
  value: T;
  /** Why the last attempt was refused. */
  problem: MlopsError | null;
  trans: TranslationBundle;
  onChange: (value: T) => void;
}

/** Where to promote, and why. */
export interface IPromotion {
  readonly to: string;
  readonly comment: string;
}

/** Asks where to promote and shows what the gates there say. */
export function PromoteForm(
  props: IFormProps<IPromotion> & {
    environments: readonly string[];
    check: (environment: string) => Promise<GateResults>;
  }
): React.ReactElement {
  const { value, problem, trans, onChange, environments, check } = props;
  return (
    <div className="mlx-Form">
      <Problem problem={problem} />
      <Labelled text={trans.__('Environment')}>
        <Choice
          options={environments.map(each => [each, each])}
          value={value.to}
          onChange={to => {
            onChange({ ...value, to });
          }}
        />
      </Labelled>
      <Comment
        value={value.comment}
        trans={trans}
        onChange={comment => {
          onChange({ ...value, comment });
        }}
      />
      <Gates environment={value.to} check={check} trans={trans} />
    </div>
  );
}

/** Asks for a comment alone. */
export function CommentForm({ value, problem, trans, onChange }: IFormProps<{ comment: string }>): React.ReactElement {
  return (
    <div className="mlx-Form">
      <Problem problem={problem} />
      <Comment
        value={value.comment}
        trans={trans}
        onChange={comment => {
          onChange({ comment });
        }}
      />
    </div>
  );
}

/** What to roll back, to which version, and why. */
export interface IReversal {
  readonly environment: string;
  /** Empty: the one served before. */
  readonly version: string;
  readonly comment: string;
}

/** Asks what to roll back. */
export function RollbackForm(
  props: IFormProps<IReversal> & { serving: Readonly<Record<string, number>>; versions: readonly number[] }
): React.ReactElement {
  const { value, problem, trans, onChange, serving, versions } = props;
  const others = versions.filter(each => each !== serving[value.environment]);
  return (
    <div className="mlx-Form">
      <Problem problem={problem} />
      <Labelled text={trans.__('Environment')}>
        <Choice
          options={Object.entries(serving).map(([name, version]) => [name, `${name} (v${version})`])}
          value={value.environment}
          onChange={environment => {
            onChange({ ...value, environment, version: '' });
          }}
        />
      </Labelled>
      <Labelled text={trans.__('Go back to')}>
        <Choice
          options={[
            ['', trans.__('the version served before')],
            ...others.map(each => [`${each}`, `v${each}`] as const)
          ]}
          value={value.version}
          onChange={version => {
            onChange({ ...value, version });
          }}
        />
      </Labelled>
      <Comment
        value={value.comment}
        trans={trans}
        onChange={comment => {
          onChange({ ...value, comment });
        }}
      />
    </div>
  );
}

/** Says why the last attempt was refused, and what to do. */
export function Problem({ problem }: { problem: MlopsError | null }): React.ReactElement | null {
  return problem ? (
    <div className="mlx-Failure" role="alert">
      <strong>{problem.message}</strong>
      {problem.hint && <p className="mlx-Hint">{problem.hint}</p>}
    </div>
  ) : null;
}

/** A field under its label. */
export function Labelled(props: { text: string; help?: string; children: React.ReactNode }): React.ReactElement {
  return (
    <label className="mlx-Labelled">
      <span className="mlx-Labelled-text">{props.text}</span>
      {props.children}
      {props.help && <small className="mlx-Muted">{props.help}</small>}
    </label>
  );
}

/** A select. */
export function Choice(props: {
  id?: string;
  options: readonly (readonly [value: string, label: string])[];
  value: string;
  onChange: (value: string) => void;
}): React.ReactElement {
  return (
    <select
      id={props.id}
      value={props.value}
      onChange={event => {
        props.onChange(event.target.value);
      }}
    >
      {props.options.map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}

function Comment(props: {
  value: string;
  trans: TranslationBundle;
  onChange: (value: string) => void;
}): React.ReactElement {
  return (
    <Labelled text={props.trans.__('Comment')} help={props.trans.__('Stands on the audit trail.')}>
      <input
        type="text"
        value={props.value}
        onChange={event => {
          props.onChange(event.target.value);
        }}
      />
    </Labelled>
  );
}

function Gates(props: {
  environment: string;
  check: (environment: string) => Promise<GateResults>;
  trans: TranslationBundle;
}): React.ReactElement {
  const { environment, check, trans } = props;
  const [results, setResults] = React.useState<GateResults | null>(null);
  const [failure, setFailure] = React.useState('');
  React.useEffect(() => {
    let current = true;
    setResults(null);
    setFailure('');
    const ask = async () => {
      try {
        const found = await check(environment);
        if (current) {
          setResults(found);
        }
      } catch (thrown) {
        if (current) {
          setFailure(asMlopsError(thrown).message);
        }
      }
    };
    void ask();
    return () => {
      current = false;
    };
  }, [environment, check]);
  return (
    <div className="mlx-Form-gates" aria-live="polite">
      {failure && <p>{failure}</p>}
      {results ? <GateTable gates={results.gates} trans={trans} /> : !failure && <p>{trans.__('Asking the gates…')}</p>}
    </div>
  );
}

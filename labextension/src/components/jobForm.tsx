import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type IField, valueOf } from '../models/jobFields';
import { Choice, type IFormProps, Problem } from './forms';

/** The texts of the fields, by name. */
export type Texts = ReadonlyMap<string, string>;

/** Asks for the parameters of a notebook, each in the way of its type. */
export function JobForm(props: IFormProps<Texts> & { fields: readonly IField[] }): React.ReactElement {
  const { fields, value, problem, trans, onChange } = props;
  return (
    <div className="mlx-Form">
      <Problem problem={problem} />
      {fields.length === 0 && <p>{trans.__('This notebook takes no parameters.')}</p>}
      {fields.map(field => (
        <FieldRow
          key={field.name}
          field={field}
          text={value.get(field.name) ?? field.initial}
          trans={trans}
          onChange={text => {
            onChange(new Map(value).set(field.name, text));
          }}
        />
      ))}
    </div>
  );
}

interface IFieldProps {
  field: IField;
  text: string;
  trans: TranslationBundle;
  onChange: (text: string) => void;
}

function FieldRow(props: IFieldProps): React.ReactElement {
  const { field, text, trans } = props;
  const id = React.useId();
  const problem = text === field.initial ? '' : problemOf(field, text, trans);
  return (
    <div className="mlx-Labelled">
      <label className="mlx-Labelled-text" htmlFor={id}>
        {field.name} {field.type && <em>{field.type}</em>}
      </label>
      <Input {...props} id={id} invalid={problem !== ''} />
      {problem && (
        <small className="mlx-Invalid" role="alert">
          {problem}
        </small>
      )}
      <small id={`${id}-help`} className="mlx-Muted">
        {field.help && `${field.help} · `}
        {trans.__('Default: %1', field.source)}
      </small>
    </div>
  );
}

function Input({
  field,
  text,
  onChange,
  id,
  invalid
}: IFieldProps & { id: string; invalid: boolean }): React.ReactElement {
  if (field.control === 'checkbox') {
    return (
      <input
        id={id}
        type="checkbox"
        checked={text === 'true'}
        onChange={event => {
          onChange(String(event.target.checked));
        }}
      />
    );
  }
  if (field.control === 'select') {
    const options = field.choices.map(choice => [String(choice), String(choice)] as const);
    return <Choice id={id} options={options} value={text} onChange={onChange} />;
  }
  return (
    <input
      id={id}
      type="text"
      inputMode={field.control === 'integer' ? 'numeric' : field.control === 'number' ? 'decimal' : 'text'}
      value={text}
      placeholder={field.source}
      aria-invalid={invalid}
      aria-describedby={`${id}-help`}
      onChange={event => {
        onChange(event.target.value);
      }}
    />
  );
}

/** What is wrong with a text; empty when nothing is. */
export function problemOf(field: IField, text: string, trans: TranslationBundle): string {
  try {
    valueOf(field, text);
    return '';
  } catch {
    switch (field.control) {
      case 'integer':
        return trans.__('A whole number is expected');
      case 'number':
        return trans.__('A number is expected');
      default:
        return trans.__('JSON is expected, such as [1, 2] or "text"');
    }
  }
}

import { type Parameter } from '../api/generated';

/** How a parameter is asked for. */
export type Control = 'checkbox' | 'integer' | 'number' | 'select' | 'text' | 'json';

/** One field of the form of a job. */
export interface IField {
  readonly name: string;
  readonly control: Control;
  readonly type: string;
  readonly help: string;
  /** What the field holds at first, as text; empty when the default is no literal. */
  readonly initial: string;
  /** The default's source. */
  readonly source: string;
  /** What a select offers. */
  readonly choices: readonly unknown[];
}

const LITERAL = /^(?:typing\.)?Literal\[(.*)\]$/s;
const CHOICE = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^,\s]+)/g;
const CONTROLS: Record<string, Control> = {
  bool: 'checkbox',
  float: 'number',
  int: 'integer',
  str: 'text'
};

/** Choose how to ask for a parameter, by its declared type, else by its default. */
export function fieldOf(parameter: Parameter): IField {
  const type = parameter.type.trim();
  const literal = LITERAL.exec(type);
  const control = literal ? 'select' : (CONTROLS[type] ?? (type ? 'json' : controlOf(parameter.value)));
  return {
    name: parameter.name,
    control,
    type,
    help: parameter.help,
    initial: textOf(parameter.value, control),
    source: parameter.default,
    choices: choicesOf(literal?.[1] ?? '')
  };
}

/**
 * Give the value of a field's text.
 *
 * #### Notes
 * Throws a `RangeError` that says what is expected.
 */
export function valueOf(field: IField, text: string): unknown {
  const trimmed = text.trim();
  switch (field.control) {
    case 'checkbox':
      return text === 'true';
    case 'integer':
      if (!/^[+-]?\d+$/.test(trimmed)) {
        throw new RangeError('integer');
      }
      return Number(trimmed);
    case 'number':
      if (trimmed === '' || !Number.isFinite(Number(trimmed))) {
        throw new RangeError('number');
      }
      return Number(trimmed);
    case 'select':
      return field.choices.find(choice => String(choice) === text);
    case 'text':
      return text;
    case 'json':
      return jsonOf(trimmed);
  }
}

/** The parameters to send: those that differ from their defaults, which the notebook sets itself. */
export function changedValues(fields: readonly IField[], texts: ReadonlyMap<string, string>): Record<string, unknown> {
  const changed: Record<string, unknown> = {};
  for (const field of fields) {
    const text = texts.get(field.name) ?? field.initial;
    if (text !== field.initial) {
      changed[field.name] = valueOf(field, text);
    }
  }
  return changed;
}

function controlOf(value: unknown): Control {
  switch (typeof value) {
    case 'boolean':
      return 'checkbox';
    case 'number':
      return Number.isInteger(value) ? 'integer' : 'number';
    case 'string':
      return 'text';
    default:
      return 'json';
  }
}

function textOf(value: unknown, control: Control): string {
  if (value === null || value === undefined) {
    return control === 'checkbox' ? 'false' : '';
  }
  return typeof value === 'string' && control !== 'json' ? value : JSON.stringify(value);
}

function choicesOf(source: string): unknown[] {
  return [...source.matchAll(CHOICE)].map(([whole, single, double]) => {
    const text = single ?? double;
    return text === undefined ? plainOf(whole) : text.replace(/\\(.)/g, '$1');
  });
}

function plainOf(source: string): unknown {
  const named: Record<string, unknown> = { True: true, False: false, None: null };
  return source in named ? named[source] : Number(source);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RangeError('json');
  }
}

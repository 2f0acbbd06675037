import * as React from 'react';

/** Names an environment and, in a list of models, the version that serves it. */
export function EnvironmentChip(props: { name: string; version?: number }): React.ReactElement {
  const live = props.name === 'production' ? ' mlx-mod-live' : '';
  return (
    <span className={`mlx-Chip mlx-mod-environment${live}`}>
      {props.version === undefined ? props.name : `${props.name}: v${props.version}`}
    </span>
  );
}

/** Names an alias. */
export function AliasChip(props: { name: string; version?: number }): React.ReactElement {
  return (
    <span className="mlx-Chip mlx-mod-alias">
      @{props.version === undefined ? props.name : `${props.name}: v${props.version}`}
    </span>
  );
}

/** How a state is to be taken: its mark says the same as its colour. */
export type Tone = 'good' | 'bad' | 'busy' | 'neutral';

const MARKS: Record<Tone, string> = { good: '✓', bad: '✕', busy: '●', neutral: '–' };

/** Shows a state in a word with a mark. */
export function Status(props: { tone: Tone; text: string }): React.ReactElement {
  return (
    <span className={`mlx-Status mlx-mod-${props.tone}`}>
      <span aria-hidden="true">{MARKS[props.tone]}</span> {props.text}
    </span>
  );
}

import { type TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';

interface IVersionSelectProps {
  versions: readonly { readonly version: number }[];
  current: number | null;
  trans: TranslationBundle;
  onSelect: (version: number) => void;
}

/** Chooses which version to look at. */
export function VersionSelect({ versions, current, trans, onSelect }: IVersionSelectProps): React.ReactElement | null {
  if (current === null) {
    return null;
  }
  const numbers = [...new Set([current, ...versions.map(each => each.version)])].sort((a, b) => b - a);
  return (
    <HTMLSelect
      className="mlx-Select"
      aria-label={trans.__('Version')}
      value={current}
      onChange={event => {
        onSelect(Number(event.target.value));
      }}
    >
      {numbers.map(each => (
        <option key={each} value={each}>
          v{each}
        </option>
      ))}
    </HTMLSelect>
  );
}

import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';

interface IPickerProps {
  label: string;
  options: readonly { readonly value: string; readonly label: string }[];
  value: string;
  onPick: (value: string) => void;
}

/** Picks one of several; with a single one there is nothing to pick. */
export function Picker({ label, options, value, onPick }: IPickerProps): React.ReactElement | null {
  return options.length > 1 ? (
    <HTMLSelect
      className="mlx-Select"
      aria-label={label}
      options={[...options]}
      value={value}
      onChange={event => {
        onPick(event.target.value);
      }}
    />
  ) : null;
}

/** Names that are shown as they are. */
export function asOptions(names: readonly string[]): { value: string; label: string }[] {
  return names.map(name => ({ value: name, label: name }));
}

/** What was picked while it is offered, else the first. */
export function pickedOf(names: readonly string[], picked: string): string {
  return names.includes(picked) ? picked : (names[0] ?? '');
}

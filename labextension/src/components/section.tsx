import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

interface ISectionProps {
  title: string;
  /** How many there are, and whether that is all. */
  count?: string;
  initiallyOpen?: boolean;
  children: React.ReactNode;
}

/** A foldable part of the sidebar. */
export function Section({ title, count, initiallyOpen = true, children }: ISectionProps): React.ReactElement {
  const [open, setOpen] = React.useState(initiallyOpen);
  const id = React.useId();
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <section className="mlx-Section" aria-labelledby={id}>
      <h3 className="mlx-Section-head">
        <button
          id={id}
          aria-expanded={open}
          onClick={() => {
            setOpen(!open);
          }}
        >
          <Caret.react tag="span" className="mlx-Caret" />
          <span className="mlx-Section-title">{title}</span>
          {count && <span className="mlx-Count">{count}</span>}
        </button>
      </h3>
      {open && children}
    </section>
  );
}

import * as React from 'react';

const ROW = '[data-mlx-row]';

/**
 * Let the arrow keys move through the rows of a list of which only one is in the tab order.
 *
 * #### Notes
 */
export function useRoving<E extends HTMLElement>(): {
  ref: React.RefObject<E>;
  onKeyDown: (event: React.KeyboardEvent) => void;
  onFocus: (event: React.FocusEvent) => void;
} {
  const ref = React.useRef<E>(null);
  React.useEffect(() => {
    const rows = rowsOf(ref.current);
    const [first] = rows;
    if (first && !rows.some(row => row.tabIndex === 0)) {
      first.tabIndex = 0;
    }
  });
  const onFocus = (event: React.FocusEvent) => {
    const focused = (event.target as HTMLElement).closest<HTMLElement>(ROW);
    rowsOf(ref.current).forEach(row => (row.tabIndex = row === focused ? 0 : -1));
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const rows = rowsOf(ref.current);
    const at = rows.indexOf((event.target as HTMLElement).closest<HTMLElement>(ROW) as HTMLElement);
    const next = targetOf(event.key, at, rows.length);
    if (next !== null) {
      rows[next]?.focus();
      event.preventDefault();
    }
  };
  return { ref, onKeyDown, onFocus };
}

function rowsOf(root: HTMLElement | null): HTMLElement[] {
  return root ? [...root.querySelectorAll<HTMLElement>(ROW)] : [];
}

function targetOf(key: string, at: number, count: number): number | null {
  switch (key) {
    case 'ArrowDown':
      return Math.min(at + 1, count - 1);
    case 'ArrowUp':
      return Math.max(at - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}

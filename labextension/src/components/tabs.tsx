import * as React from 'react';

interface ITabsProps<K extends string> {
  label: string;
  tabs: readonly { readonly key: K; readonly label: string }[];
  current: K;
  onSelect: (key: K) => void;
  children: React.ReactNode;
}

/** Tabs and the page of the current one; the arrow keys turn pages. */
export function Tabs<K extends string>({
  label,
  tabs,
  current,
  onSelect,
  children
}: ITabsProps<K>): React.ReactElement {
  const id = React.useId();
  const onKeyDown = (event: React.KeyboardEvent<HTMLElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
    const at = tabs.findIndex(tab => tab.key === current);
    const next = tabs[(at + step + tabs.length) % tabs.length]?.key;
    if (step && next) {
      onSelect(next);
      document.getElementById(`${id}-${next}`)?.focus();
      event.preventDefault();
    }
  };
  return (
    <>
      <div className="mlx-Tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {tabs.map(tab => (
          <button
            key={tab.key}
            id={`${id}-${tab.key}`}
            role="tab"
            aria-selected={tab.key === current}
            aria-controls={`${id}-page`}
            tabIndex={tab.key === current ? 0 : -1}
            onClick={() => {
              onSelect(tab.key);
            }}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div id={`${id}-page`} className="mlx-Page" role="tabpanel" aria-labelledby={`${id}-${current}`}>
        {children}
      </div>
    </>
  );
}

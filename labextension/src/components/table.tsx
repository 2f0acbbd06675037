import * as React from 'react';

interface ITableProps {
  caption: string;
  head: readonly string[];
  rows: readonly (readonly React.ReactNode[])[];
  /** Columns of numbers, by index: they stand flush right. */
  numeric?: readonly number[];
}

/** A plain table; its caption is for those who cannot see what stands around it. */
export function Table({ caption, head, rows, numeric = [] }: ITableProps): React.ReactElement {
  const side = (column: number) => (numeric.includes(column) ? 'mlx-mod-number' : undefined);
  return (
    <div className="mlx-TableBox">
      <table className="mlx-Table">
        <caption className="mlx-Hidden">{caption}</caption>
        <thead>
          <tr>
            {head.map((each, column) => (
              <th key={column} scope="col" className={side(column)}>
                {each}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column} className={side(column)}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Names with their values; what is empty is left out. */
export function Facts({ items }: { items: readonly (readonly [string, React.ReactNode])[] }): React.ReactElement {
  return (
    <dl className="mlx-Facts">
      {items
        .filter(([, value]) => value !== '' && value !== null && value !== undefined)
        .map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
    </dl>
  );
}

/** A titled part of a page. */
export function Part(props: { title: string; children: React.ReactNode }): React.ReactElement {
  return (
    <section className="mlx-Part" aria-label={props.title}>
      <h3>{props.title}</h3>
      {props.children}
    </section>
  );
}

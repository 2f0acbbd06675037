import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type ColumnProfile, type Profile } from '../api/generated';
import { formatCount, formatShare } from './format';
import { Table } from './table';

/** What each column of a version holds, with its distribution drawn small. */
export function ProfileTable({ profile, trans }: { profile: Profile; trans: TranslationBundle }): React.ReactElement {
  const all = profile.sample >= profile.rows;
  const note = all
    ? trans.__('From all %1 rows.', formatCount(profile.rows))
    : trans.__(
        'Distributions are of a sample of %1 rows of %2.',
        formatCount(profile.sample),
        formatCount(profile.rows)
      );
  return (
    <>
      <Table
        caption={trans.__('Columns')}
        head={[
          trans.__('Column'),
          trans.__('Type'),
          trans.__('Missing'),
          trans.__('Distribution'),
          trans.__('Values'),
          trans.__('Seems to be')
        ]}
        numeric={[2]}
        rows={profile.columns.map(column => [
          column.name,
          <code key="type">{column.type}</code>,
          column.missing ? formatShare(column.missing / Math.max(column.rows, 1)) : '0',
          <Distribution key="bars" column={column} trans={trans} />,
          valuesOf(column, trans),
          rolesOf(column, trans)
        ])}
      />
      <p className="mlx-Note">{note}</p>
    </>
  );
}

function Distribution({
  column,
  trans
}: {
  column: ColumnProfile;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const shares = column.counts.length ? column.counts.map(Number) : column.top.map(each => Number(each.share));
  const highest = Math.max(...shares, 0);
  if (column.hidden || !highest) {
    return null;
  }
  const width = 96 / shares.length;
  return (
    <svg
      className="mlx-Spark"
      width={96}
      height={20}
      role="img"
      aria-label={trans.__('Distribution of %1', column.name)}
    >
      {shares.map((share, place) => {
        const height = Math.max((share / highest) * 19, share ? 1 : 0);
        return <rect key={place} x={place * width} y={20 - height} width={Math.max(width - 1, 0.5)} height={height} />;
      })}
    </svg>
  );
}

function valuesOf(column: ColumnProfile, trans: TranslationBundle): React.ReactNode {
  if (column.hidden) {
    return <em>{trans.__('hidden (%1)', column.hidden)}</em>;
  }
  if (column.problem) {
    return <em>{column.problem}</em>;
  }
  if (column.quantiles.length || column.kind === 'time') {
    return `${column.low} … ${column.middle} … ${column.high}`;
  }
  return column.top
    .slice(0, 3)
    .map(each => `${each.value} ${formatShare(Number(each.share))}`)
    .join(', ');
}

function rolesOf(column: ColumnProfile, trans: TranslationBundle): string {
  const personal = column.personal.map(each => trans.__('%1?', each.pattern));
  return [...column.roles, ...personal].join(', ');
}

import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type Cell, type DatasetDiff, type RowChange } from '../api/generated';
import { type DatasetDetail } from '../models/datasetDetail';
import { formatCount, formatShare } from './format';
import { View } from './states';
import { Facts, Part, Table } from './table';
import { VersionSelect } from './versionSelect';

interface IDatasetChangesProps {
  dataset: DatasetDetail;
  trans: TranslationBundle;
}

/** What changed from another version to the one that is looked at. */
export function DatasetChanges({ dataset, trans }: IDatasetChangesProps): React.ReactElement {
  const { base } = dataset;
  if (base === null) {
    return <p className="mlx-Empty">{trans.__('There is no version before this one.')}</p>;
  }
  const others = dataset.versions.items.filter(each => each.version !== dataset.version.value?.version);
  return (
    <>
      <p className="mlx-Note">
        {trans.__('Compared with')}{' '}
        <VersionSelect
          versions={others}
          current={base}
          trans={trans}
          onSelect={version => {
            dataset.compare(version);
          }}
        />
      </p>
      <View state={dataset.diff.state} trans={trans} onRetry={() => void dataset.refresh()}>
        {diff => (diff.equal ? <Equal diff={diff} trans={trans} /> : <Changes diff={diff} trans={trans} />)}
      </View>
    </>
  );
}

interface IDiffProps {
  diff: DatasetDiff;
  trans: TranslationBundle;
}

function Equal({ diff, trans }: IDiffProps): React.ReactElement {
  const text = diff.reordered ? trans.__('The same rows in another order.') : trans.__('Both hold the same rows.');
  return <p className="mlx-Empty">{text}</p>;
}

function Changes({ diff, trans }: IDiffProps): React.ReactElement {
  return (
    <>
      <Part title={trans.__('Rows')}>
        <Facts
          items={[
            [trans.__('Added'), formatCount(diff.added)],
            [trans.__('Removed'), formatCount(diff.removed)],
            [trans.__('Changed'), formatCount(diff.changed)],
            [trans.__('Unchanged'), formatCount(diff.unchanged)],
            [trans.__('Told apart by'), keyOf(diff, trans)]
          ]}
        />
      </Part>
      {diff.columns.length > 0 && (
        <Part title={trans.__('Columns')}>
          <Table
            caption={trans.__('Changed columns')}
            head={[trans.__('Column'), trans.__('Change'), trans.__('Before'), trans.__('After')]}
            rows={diff.columns.map(each => [each.column, each.change, each.before, each.after])}
          />
        </Part>
      )}
      {diff.shifts.length > 0 && (
        <Part title={trans.__('Distributions')}>
          <Shifts diff={diff} trans={trans} />
        </Part>
      )}
      {diff.sample.length > 0 && (
        <Part title={trans.__('Some of the rows')}>
          <Table
            caption={trans.__('Some of the rows')}
            head={[trans.__('Change'), trans.__('Key'), trans.__('Cells')]}
            rows={diff.sample.map(each => [
              <span key="change" className={`mlx-Change mlx-mod-${each.change}`}>
                {each.change}
              </span>,
              each.key.map(cell => cell.after ?? cell.before ?? '–').join(', '),
              cellsOf(each)
            ])}
          />
        </Part>
      )}
    </>
  );
}

function Shifts({ diff, trans }: IDiffProps): React.ReactElement {
  return (
    <Table
      caption={trans.__('Distributions')}
      head={[
        trans.__('Column'),
        trans.__('Statistic'),
        trans.__('Shift'),
        trans.__('Missing before'),
        trans.__('Missing after'),
        trans.__('Changed cells')
      ]}
      numeric={[2, 3, 4, 5]}
      rows={diff.shifts.map(each => [
        each.column,
        each.statistic,
        each.value === null ? '' : Number(each.value).toFixed(3),
        formatShare(Number(each.missing_before)),
        formatShare(Number(each.missing_after)),
        formatCount(each.changed)
      ])}
    />
  );
}

function keyOf(diff: DatasetDiff, trans: TranslationBundle): string {
  const from = {
    given: '',
    stored: trans.__('the key of the dataset'),
    inferred: trans.__('found by looking'),
    none: trans.__('whole rows: a changed row counts as one removed and one added')
  }[diff.key_from];
  return [diff.key.join(', '), from].filter(Boolean).join(' · ');
}

function cellsOf(row: RowChange): React.ReactNode {
  return row.cells.slice(0, 8).map((cell, place) => (
    <React.Fragment key={place}>
      {place > 0 && ', '}
      {cell.column} {row.change === 'changed' ? <Change cell={cell} /> : (cell.after ?? cell.before ?? '–')}
    </React.Fragment>
  ));
}

function Change({ cell }: { cell: Cell }): React.ReactElement {
  return (
    <>
      <del>{cell.before ?? '–'}</del> <ins>{cell.after ?? '–'}</ins>
    </>
  );
}

import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type GateResult, type GateResults } from '../api/generated';
import { EnvironmentChip, Status } from './chips';
import { formatNumber } from './format';
import { Table } from './table';

/** What stands between a version and each environment. */
export function GatesPage(props: {
  results: readonly GateResults[];
  serving: readonly string[];
  trans: TranslationBundle;
}): React.ReactElement {
  const { results, serving, trans } = props;
  return (
    <>
      {results.map(each => (
        <section key={each.environment} className="mlx-Part">
          <h3 className="mlx-GateHead">
            {each.environment}
            <Status
              tone={each.passed ? 'good' : 'bad'}
              text={each.passed ? trans.__('may be promoted') : trans.__('refused')}
            />
            {serving.includes(each.environment) && <EnvironmentChip name={trans.__('serving now')} />}
          </h3>
          <GateTable gates={each.gates} trans={trans} />
        </section>
      ))}
    </>
  );
}

/** What each gate found. */
export function GateTable(props: { gates: readonly GateResult[]; trans: TranslationBundle }): React.ReactElement {
  const { gates, trans } = props;
  if (!gates.length) {
    return <p className="mlx-Muted">{trans.__('No gate guards this environment.')}</p>;
  }
  return (
    <Table
      caption={trans.__('Gates')}
      head={[trans.__('Gate'), trans.__('Result'), trans.__('Value'), trans.__('Bound'), trans.__('Because')]}
      numeric={[2, 3]}
      rows={gates.map(gate => [
        gate.gate,
        <Status
          key="status"
          tone={gate.passed ? 'good' : 'bad'}
          text={gate.passed ? trans.__('passed') : trans.__('failed')}
        />,
        measureOf(gate.value),
        measureOf(gate.bound),
        gate.message
      ])}
    />
  );
}

function measureOf(value: number | string | null): string {
  return typeof value === 'number' ? formatNumber(value) : (value ?? '–');
}

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
            <Outlook results={each} trans={trans} />
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
        <Verdict key="verdict" gate={gate} trans={trans} />,
        measureOf(gate.value),
        measureOf(gate.bound),
        gate.message
      ])}
    />
  );
}

function Verdict({ gate, trans }: { gate: GateResult; trans: TranslationBundle }): React.ReactElement {
  if (gate.pending) {
    return <Status tone="busy" text={trans.__('pending')} />;
  }
  return gate.passed ? (
    <Status tone="good" text={trans.__('passed')} />
  ) : (
    <Status tone="bad" text={trans.__('failed')} />
  );
}

/** Whether all has been answered that can be answered before somebody asks to promote. */
function Outlook({ results, trans }: { results: GateResults; trans: TranslationBundle }): React.ReactElement {
  const failed = results.gates.some(gate => !gate.passed && !gate.pending);
  if (failed) {
    return <Status tone="bad" text={trans.__('refused')} />;
  }
  return results.passed ? (
    <Status tone="good" text={trans.__('may be promoted')} />
  ) : (
    <Status tone="busy" text={trans.__('more is asked at promotion')} />
  );
}

function measureOf(value: number | string | null): string {
  return typeof value === 'number' ? formatNumber(value) : (value ?? '–');
}

import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type Lineage, type LineageNode } from '../api/generated';
import { type ILayout, type IPlace, type IPlaced, layoutOf, NODE } from '../models/layout';
import { Empty } from './states';
import { Table } from './table';

interface ILineageProps {
  lineage: Lineage;
  trans: TranslationBundle;
  onOpen: (reference: string) => void;
}

const LONGEST = 22;

/** What a version was made of and what was made of it, as a drawing and as a table. */
export function LineageView({ lineage, trans, onOpen }: ILineageProps): React.ReactElement {
  const [asTable, setAsTable] = React.useState(false);
  if (!lineage.nodes.length) {
    return <Empty text={trans.__('Nothing is known of its origins.')} />;
  }
  return (
    <>
      <label className="mlx-Toggle">
        <input
          type="checkbox"
          checked={asTable}
          onChange={event => {
            setAsTable(event.target.checked);
          }}
        />
        {trans.__('Show as a table')}
      </label>
      {lineage.cut && <p className="mlx-Muted">{lineage.cut}</p>}
      {asTable ? <Edges lineage={lineage} trans={trans} /> : <Drawing {...{ lineage, trans, onOpen }} />}
    </>
  );
}

function Drawing({ lineage, trans, onOpen }: ILineageProps): React.ReactElement {
  const layout = React.useMemo(() => layoutOf(lineage), [lineage]);
  return (
    <div className="mlx-Lineage">
      <svg
        width={layout.width}
        height={layout.height}
        role="group"
        aria-label={trans.__('Lineage of %1: %2 things', lineage.root, lineage.nodes.length)}
      >
        <Curves layout={layout} />
        {layout.nodes.map(each => (
          <Node key={each.node.id} placed={each} isRoot={each.node.id === lineage.root} onOpen={onOpen} />
        ))}
      </svg>
    </div>
  );
}

function Curves({ layout }: { layout: ILayout }): React.ReactElement {
  return (
    <g className="mlx-Lineage-edges" aria-hidden="true">
      {layout.arrows.map(({ relation, points }, index) => (
        <path key={index} d={curveOf(points)}>
          <title>{relation}</title>
        </path>
      ))}
    </g>
  );
}

interface INodeProps {
  placed: IPlaced;
  isRoot: boolean;
  onOpen: (reference: string) => void;
}

function Node({ placed: { node, x, y }, isRoot, onOpen }: INodeProps): React.ReactElement {
  const opens = (node.kind === 'model' || node.kind === 'dataset') && !isRoot;
  const open = opens
    ? () => {
        onOpen(node.id);
      }
    : undefined;
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (open && (event.key === 'Enter' || event.key === ' ')) {
      open();
      event.preventDefault();
    }
  };
  return (
    <g
      className={`mlx-Node mlx-mod-${node.kind}${isRoot ? ' mlx-mod-root' : ''}${opens ? ' mlx-mod-opens' : ''}`}
      transform={`translate(${x},${y})`}
      tabIndex={0}
      role={opens ? 'button' : 'img'}
      aria-label={`${node.kind} ${labelOf(node)}`}
      onClick={open}
      onKeyDown={onKeyDown}
    >
      <title>{[node.id, node.by, node.at].filter(Boolean).join('\n')}</title>
      <rect width={NODE.width} height={NODE.height} rx={4} />
      <rect className="mlx-Node-edge" width={4} height={NODE.height} rx={2} />
      <text className="mlx-Node-kind" x={14} y={17}>
        {node.kind}
      </text>
      <text x={14} y={34}>
        {shortened(labelOf(node))}
      </text>
    </g>
  );
}

function Edges({ lineage, trans }: Omit<ILineageProps, 'onOpen'>): React.ReactElement {
  const label = new Map(lineage.nodes.map(node => [node.id, `${node.kind} ${labelOf(node)}`]));
  return (
    <Table
      caption={trans.__('Lineage of %1', lineage.root)}
      head={[trans.__('From'), trans.__('Relation'), trans.__('To'), trans.__('Event')]}
      numeric={[3]}
      rows={lineage.edges.map(edge => [
        label.get(edge.source) ?? edge.source,
        edge.relation,
        label.get(edge.target) ?? edge.target,
        edge.seq
      ])}
    />
  );
}

function labelOf(node: LineageNode): string {
  return node.label || node.id.replace(/^\w+:/, '');
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

function curveOf(points: readonly IPlace[]): string {
  return points
    .map((to, index) => {
      const from = points[index - 1];
      if (!from) {
        return `M${to.x},${to.y}`;
      }
      const middle = (from.x + to.x) / 2;
      return `C${middle},${from.y} ${middle},${to.y} ${to.x},${to.y}`;
    })
    .join(' ');
}

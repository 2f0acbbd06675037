import { type Lineage, type LineageNode } from '../api/generated';

/** A node with its place in the drawing. */
export interface IPlaced {
  readonly node: LineageNode;
  readonly x: number;
  readonly y: number;
}

/** A drawing of a lineage: layers from origins on the left to consequences on the right. */
export interface ILayout {
  readonly nodes: readonly IPlaced[];
  readonly edges: readonly { readonly from: IPlaced; readonly to: IPlaced; readonly relation: string }[];
  readonly width: number;
  readonly height: number;
}

/** Sizes of the drawing, pixels. */
export const NODE = { width: 168, height: 44, gapX: 56, gapY: 16, margin: 8 } as const;

/** Lay a lineage out: each node one layer right of its farthest origin, near the middle of its neighbours. */
export function layoutOf(lineage: Lineage): ILayout {
  const columns = ordered(lineage, layersOf(lineage));
  const tallest = Math.max(1, ...columns.map(column => column.length));
  const height = tallest * (NODE.height + NODE.gapY) - NODE.gapY;
  const placed = new Map<string, IPlaced>();
  columns.forEach((column, layer) => {
    const free = height - (column.length * (NODE.height + NODE.gapY) - NODE.gapY);
    column.forEach((node, row) =>
      placed.set(node.id, {
        node,
        x: NODE.margin + layer * (NODE.width + NODE.gapX),
        y: NODE.margin + free / 2 + row * (NODE.height + NODE.gapY)
      })
    );
  });
  const edges = lineage.edges.flatMap(({ source, target, relation }) => {
    const from = placed.get(source);
    const to = placed.get(target);
    return from && to ? [{ from, to, relation }] : [];
  });
  return {
    nodes: [...placed.values()],
    edges,
    width: columns.length * (NODE.width + NODE.gapX) - NODE.gapX + 2 * NODE.margin,
    height: height + 2 * NODE.margin
  };
}

function layersOf(lineage: Lineage): Map<string, number> {
  const layers = new Map(lineage.nodes.map(node => [node.id, 0]));
  // As many rounds as there are nodes settle every path; a cycle ends there too.
  for (let round = 0, moved = true; moved && round < lineage.nodes.length; round++) {
    moved = false;
    for (const { source, target } of lineage.edges) {
      const least = (layers.get(source) ?? 0) + 1;
      if (layers.has(source) && least > (layers.get(target) ?? least) && source !== target) {
        layers.set(target, least);
        moved = true;
      }
    }
  }
  return layers;
}

function ordered(lineage: Lineage, layers: Map<string, number>): LineageNode[][] {
  const columns: LineageNode[][] = [];
  const rank = new Map<string, number>();
  for (const layer of [...new Set(layers.values())].sort((a, b) => a - b)) {
    const column = lineage.nodes.filter(node => layers.get(node.id) === layer);
    const middle = (node: LineageNode): number => {
      const origins = lineage.edges.filter(edge => edge.target === node.id).map(edge => rank.get(edge.source) ?? 0);
      return origins.length ? origins.reduce((sum, each) => sum + each, 0) / origins.length : column.length / 2;
    };
    column.sort((a, b) => middle(a) - middle(b) || a.id.localeCompare(b.id));
    column.forEach((node, row) => rank.set(node.id, row - (column.length - 1) / 2));
    columns.push(column);
  }
  return columns;
}

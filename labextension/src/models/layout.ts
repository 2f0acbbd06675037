import { type Lineage, type LineageNode } from '../api/generated';

/** A place in the drawing, pixels. */
export interface IPlace {
  readonly x: number;
  readonly y: number;
}

/** A node with the place of its upper left corner. */
export interface IPlaced extends IPlace {
  readonly node: LineageNode;
}

/** An arrow: the places that it goes through, from the right of its source to the left of its target. */
export interface IArrow {
  readonly relation: string;
  readonly points: readonly IPlace[];
}

/** A drawing of a lineage: layers from origins on the left to consequences on the right. */
export interface ILayout {
  readonly nodes: readonly IPlaced[];
  readonly arrows: readonly IArrow[];
  readonly width: number;
  readonly height: number;
}

/** Sizes of the drawing, pixels. */
export const NODE = { width: 156, height: 44, gapX: 44, gapY: 16, margin: 8 } as const;

/** What takes a row of a column: a node, or room for an arrow that passes. */
interface ISlot {
  readonly id: string;
  readonly node: LineageNode | null;
  readonly layer: number;
  readonly before: string[];
}

interface IRoute {
  readonly relation: string;
  readonly slots: readonly string[];
}

/** Lay a lineage out: each node one layer right of its farthest origin, near the middle of its neighbours. */
export function layoutOf(lineage: Lineage): ILayout {
  const layers = layersOf(lineage);
  const slots = new Map<string, ISlot>();
  for (const node of lineage.nodes) {
    slots.set(node.id, { id: node.id, node, layer: layers.get(node.id) ?? 0, before: [] });
  }
  const routes = lineage.edges.flatMap((edge, index) => routeOf(edge, index, slots));
  const columns = columnsOf([...slots.values()]);
  const tallest = Math.max(1, ...columns.map(column => column.length));
  const places = placesOf(columns, tallest);
  return {
    nodes: lineage.nodes.map(node => ({ node, ...placeOf(places, node.id) })),
    arrows: routes.map(({ relation, slots: through }) => ({ relation, points: pointsOf(through, slots, places) })),
    width: columns.length * (NODE.width + NODE.gapX) - NODE.gapX + 2 * NODE.margin,
    height: tallest * (NODE.height + NODE.gapY) - NODE.gapY + 2 * NODE.margin
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
  const used = [...new Set(layers.values())].sort((a, b) => a - b);
  return new Map([...layers].map(([id, layer]) => [id, used.indexOf(layer)]));
}

function routeOf(edge: Lineage['edges'][number], index: number, slots: Map<string, ISlot>): IRoute[] {
  const from = slots.get(edge.source);
  const to = slots.get(edge.target);
  if (!from || !to) {
    return [];
  }
  const through = [from.id];
  for (let layer = from.layer + 1; layer < to.layer; layer++) {
    const id = `${index}/${layer}`;
    slots.set(id, { id, node: null, layer, before: [through.at(-1) ?? from.id] });
    through.push(id);
  }
  to.before.push(through.at(-1) ?? from.id);
  return [{ relation: edge.relation, slots: [...through, to.id] }];
}

function columnsOf(slots: readonly ISlot[]): ISlot[][] {
  const columns: ISlot[][] = [];
  const rank = new Map<string, number>();
  const middle = ({ before }: ISlot) =>
    before.length ? before.reduce((sum, id) => sum + (rank.get(id) ?? 0), 0) / before.length : 0;
  const layers = Math.max(0, ...slots.map(slot => slot.layer)) + 1;
  for (let layer = 0; layer < layers; layer++) {
    const column = slots.filter(slot => slot.layer === layer);
    column.sort((a, b) => middle(a) - middle(b) || a.id.localeCompare(b.id));
    column.forEach((slot, row) => rank.set(slot.id, row - (column.length - 1) / 2));
    columns.push(column);
  }
  return columns;
}

function placesOf(columns: readonly ISlot[][], tallest: number): Map<string, IPlace> {
  const step = NODE.height + NODE.gapY;
  const places = new Map<string, IPlace>();
  columns.forEach((column, layer) => {
    const top = NODE.margin + ((tallest - column.length) * step) / 2;
    const x = NODE.margin + layer * (NODE.width + NODE.gapX);
    column.forEach((slot, row) => places.set(slot.id, { x, y: top + row * step }));
  });
  return places;
}

function pointsOf(through: readonly string[], slots: Map<string, ISlot>, places: Map<string, IPlace>): IPlace[] {
  return through.flatMap((id, at) => {
    const { x, y } = placeOf(places, id);
    const left = { x, y: y + NODE.height / 2 };
    const right = { x: x + NODE.width, y: left.y };
    if (slots.get(id)?.node) {
      return at === 0 ? [right] : [left];
    }
    return [left, right];
  });
}

function placeOf(places: Map<string, IPlace>, id: string): IPlace {
  return places.get(id) ?? { x: NODE.margin, y: NODE.margin };
}

import { type Lineage } from '../../api/generated';
import { layoutOf, NODE } from '../layout';

function lineage(...edges: [string, string][]): Lineage {
  const ids = [...new Set(edges.flat())];
  return {
    root: ids[0] ?? '',
    cut: '',
    nodes: ids.map(id => ({ id, kind: 'dataset', label: id, at: '', by: '' })),
    edges: edges.map(([source, target], seq) => ({ source, target, relation: 'input', seq }))
  };
}

const DIAMOND = lineage(['a', 'b'], ['a', 'c'], ['b', 'd'], ['c', 'd'], ['a', 'd'], ['x', 'd']);

describe('layoutOf', () => {
  it('draws every arrow from left to right', () => {
    const { nodes } = layoutOf(DIAMOND);
    const x = new Map(nodes.map(each => [each.node.id, each.x]));
    for (const { source, target } of DIAMOND.edges) {
      expect(x.get(target)).toBeGreaterThan(x.get(source) ?? Infinity);
    }
  });

  it('lets nothing overlap, not even an arrow that passes a layer', () => {
    const { nodes, arrows } = layoutOf(DIAMOND);
    const corners = nodes.map(each => `${each.x},${each.y}`);
    expect(new Set(corners).size).toBe(nodes.length);
    const passing = arrows.flatMap(arrow => arrow.points.slice(1, -1));
    expect(passing.length).toBeGreaterThan(0);
    for (const { x, y } of passing) {
      const hit = nodes.filter(
        node => x > node.x && x < node.x + NODE.width && Math.abs(node.y + NODE.height / 2 - y) < 1
      );
      expect(hit).toEqual([]);
    }
  });

  it('stays inside its own size', () => {
    const { nodes, width, height } = layoutOf(DIAMOND);
    for (const { x, y } of nodes) {
      expect(x + NODE.width).toBeLessThanOrEqual(width);
      expect(y + NODE.height).toBeLessThanOrEqual(height);
    }
  });

  it('ends on a cycle and leaves out edges to nodes that are not there', () => {
    const graph = lineage(['a', 'b'], ['b', 'a']);
    const dangling = { ...graph, edges: [...graph.edges, { source: 'a', target: 'gone', relation: 'input', seq: 9 }] };
    expect(layoutOf(dangling).nodes).toHaveLength(2);
    expect(layoutOf(dangling).arrows).toHaveLength(2);
  });
});

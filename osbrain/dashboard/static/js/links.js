// The connections of two agents, drawn as one line: what goes over it, which way, and what it is called.

import { perSecond, rate } from './format.js';

export const KINDS = {
  PUB: { id: 'pub', name: 'PUB–SUB' },
  PUSH: { id: 'push', name: 'PUSH–PULL' },
  REQ: { id: 'req', name: 'REQ–REP' },
  ASYNC: { id: 'async', name: 'ASYNC' },
  SYNC: { id: 'sync', name: 'SYNC_PUB' },
  ACK: { id: 'ack', name: 'ACK_PUSH' },
  LOG: { id: 'log', name: 'to loggers' },
  OTHER: { id: 'other', name: 'other' },
};

const FAMILIES = [[/SYNC_(PUB|SUB)/, 'SYNC'], [/ASYNC/, 'ASYNC'], [/ACK/, 'ACK'], [/PUB|SUB/, 'PUB'], [/PUSH|PULL/, 'PUSH'], [/REQ|REP/, 'REQ']];
// How every agent calls its connection to a logger.
const LOGGER = '_logger';

/** The family of an edge: its kind, or that it carries log lines. */
export function familyOf(edge) {
  if (edge.source_alias === LOGGER) return 'LOG';
  const found = FAMILIES.find(([pattern]) => pattern.test(edge.source_kind) || pattern.test(edge.target_kind));
  return found ? found[1] : 'OTHER';
}

/**
 * Edges by pair of agents: [{ id, from, to, there, back, strands, edges, lost }]. A strand is what the two have of one
 * family; *there* and *back* are messages a second from `from` to `to` and the other way.
 */
export function linksOf(edges, agents, hidden = new Set()) {
  const pairs = new Map();
  for (const [id, edge] of Object.entries(edges)) {
    const family = familyOf(edge);
    if (hidden.has(family) || !(edge.source in agents) || !(edge.target in agents) || edge.source === edge.target) continue;
    const [a, b] = [edge.source, edge.target].sort();
    const key = JSON.stringify([a, b]);
    if (!pairs.has(key)) pairs.set(key, { id: key, a, b, edges: [] });
    pairs.get(key).edges.push({ ...edge, id, family });
  }
  return [...pairs.values()].map(directed);
}

// What is published says most about which way messages flow; questions go both ways.
const WEIGHT = { PUB: 3, SYNC: 3, PUSH: 2, ACK: 2, ASYNC: 2, REQ: 1, LOG: 1, OTHER: 1 };

function directed({ id, a, b, edges }) {
  const weight = (source) => edges.filter((edge) => edge.source === source).reduce((sum, edge) => sum + WEIGHT[edge.family], 0);
  const [from, to] = weight(a) >= weight(b) ? [a, b] : [b, a];
  const strands = new Map();
  for (const edge of edges) {
    if (!strands.has(edge.family)) strands.set(edge.family, { family: edge.family, there: 0, back: 0, flowsThere: false, flowsBack: false });
    const strand = strands.get(edge.family);
    const there = edge.source === from;
    strand[there ? 'there' : 'back'] += edge.sent || 0;
    strand[there ? 'back' : 'there'] += edge.returned || 0;
    strand[there ? 'flowsThere' : 'flowsBack'] = true;
  }
  const all = [...strands.values()].sort((x, y) => WEIGHT[y.family] - WEIGHT[x.family] || (x.family < y.family ? -1 : 1));
  const total = (field) => all.reduce((sum, strand) => sum + strand[field], 0);
  const lost = edges.every((edge) => edge.lost);
  return { id, from, to, edges, lost, strands: all, family: all[0].family, there: total('there'), back: total('back') };
}

/** What is written on a line. */
export function labelOf(link, forward) {
  const [right, left] = forward ? [link.there, link.back] : [link.back, link.there];
  if (right && left) return `${rate(left)} ⇄ ${perSecond(right)}`;
  if (!right && !left) return '';
  return perSecond(right || left);
}

/** What a line is called for those who do not see it, and for those who point at it. */
export function describe(link) {
  const lines = link.edges.map((edge) => {
    const back = edge.returned ? `, ${perSecond(edge.returned)} back` : '';
    return `${edge.source} ${edge.source_alias} → ${edge.target} ${edge.target_alias} (${edge.source_kind}–${edge.target_kind}): ${
      edge.lost ? 'lost' : perSecond(edge.sent || 0) + back}`;
  });
  return lines.join('\n');
}

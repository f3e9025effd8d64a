// Where agents stand: in layers from left to right, the way messages flow, after Sugiyama, Tagawa and Toda (1981).
//
// The result depends on who is connected to whom, and on nothing that changes each second: a picture that one has open
// all day stays as it is until somebody comes or goes.

const GAP_X = 116;
const GAP_Y = 18;
const GAP_INSIDE = 30; // between the agents of a block
const LANE = 14; // the height of a connection that passes between agents
const SWEEPS = 10;
const READABLE = 0.7; // the scale down to which everything on a card can be read

/**
 * nodes: [{ id, width, height }]; links: [{ id, from, to }], at most one for each pair; room: { width, height } to be
 * filled.
 * Returns { places: Map(id -> { x, y }) of centres, routes: Map(link id -> { points, forward, busyEnd }), width, height }.
 */
export function layOut(nodes, links, room) {
  const aspect = room.width / room.height;
  const boxes = parts(nodes, links).map((part) => (part.links.length ? layered(part, room) : grid(part.nodes, aspect)));
  return packed(boxes, aspect);
}

// -- Parts that have nothing to do with each other ------------------------------------------------------------------

function parts(nodes, links) {
  const root = new Map(nodes.map((node) => [node.id, node.id]));
  const find = (id) => {
    while (root.get(id) !== id) {
      root.set(id, root.get(root.get(id)));
      id = root.get(id);
    }
    return id;
  };
  for (const link of links) root.set(find(link.from), find(link.to));
  const found = new Map();
  const part = (id) => {
    if (!found.has(id)) found.set(id, { nodes: [], links: [] });
    return found.get(id);
  };
  for (const node of nodes) part(find(node.id)).nodes.push(node);
  for (const link of links) part(find(link.from)).links.push(link);
  const all = [...found.values()];
  const alone = all.filter((one) => !one.links.length).flatMap((one) => one.nodes);
  const connected = all.filter((one) => one.links.length).sort((a, b) => b.nodes.length - a.nodes.length);
  return alone.length ? [...connected, { nodes: alone, links: [] }] : connected;
}

function grid(nodes, aspect) {
  const { width, height } = nodes[0];
  const columns = Math.max(1, Math.ceil(Math.sqrt((nodes.length * aspect * (height + GAP_Y)) / (width + GAP_Y))));
  const places = new Map();
  nodes.forEach((node, index) => {
    const [column, row] = [index % columns, Math.floor(index / columns)];
    places.set(node.id, { x: column * (width + GAP_Y) + width / 2, y: row * (height + GAP_Y) + height / 2 });
  });
  const [across, down] = [Math.min(columns, nodes.length), Math.ceil(nodes.length / columns)];
  return { places, routes: new Map(), width: across * (width + GAP_Y) - GAP_Y, height: down * (height + GAP_Y) - GAP_Y };
}

/** Boxes on shelves, the large ones first. */
function packed(boxes, aspect) {
  const area = boxes.reduce((sum, box) => sum + (box.width + GAP_X) * (box.height + 2 * GAP_Y), 0);
  const limit = Math.max(Math.sqrt(area * aspect), ...boxes.map((box) => box.width));
  const result = { places: new Map(), routes: new Map(), width: 0, height: 0 };
  let [x, y, shelf] = [0, 0, 0];
  for (const box of boxes) {
    if (x > 0 && x + box.width > limit) [x, y, shelf] = [0, y + shelf + 3 * GAP_Y, 0];
    for (const [id, at] of box.places) result.places.set(id, { x: at.x + x, y: at.y + y });
    for (const [id, route] of box.routes) {
      result.routes.set(id, { ...route, points: route.points.map(([px, py]) => [px + x, py + y]) });
    }
    result.width = Math.max(result.width, x + box.width);
    result.height = Math.max(result.height, y + box.height);
    [x, shelf] = [x + box.width + GAP_X, Math.max(shelf, box.height)];
  }
  return result;
}

// -- Layers -----------------------------------------------------------------------------------------------------------

function layered(part, room) {
  const order = greedyOrder(part);
  const edges = part.links.map((link) => {
    const forward = order.get(link.from) < order.get(link.to);
    return { id: link.id, forward, from: forward ? link.from : link.to, to: forward ? link.to : link.from };
  });
  const { columns, chains } = withLanes(part.nodes, edges, rankOf(part.nodes, edges, order));
  uncross(columns);
  // A column of very many becomes a block, as a hundred workers are no tower: the one that is drawn largest, if the
  // columns would be too small to read.
  const tallest = Math.max(...columns.map((column) => column.length));
  const tries = [4, 6, 8, 11, 15, 20, 28, 40, 60].filter((rows) => rows < tallest).concat(tallest);
  const size = (box) => Math.min(READABLE, room.width / box.width, room.height / box.height);
  const boxes = tries.map((rows) => placed(columns, chains, rows));
  return boxes.reduce((best, box) => (size(box) >= size(best) ? box : best));
}

/** An order in which few links go backwards (Eades, Lin and Smyth 1993). */
function greedyOrder({ nodes, links }) {
  const left = new Map(nodes.map((node) => [node.id, { out: new Set(), in: new Set() }]));
  for (const link of links) {
    left.get(link.from).out.add(link.to);
    left.get(link.to).in.add(link.from);
  }
  const [head, tail] = [[], []];
  const take = (id, list) => {
    const { out, in: into } = left.get(id);
    left.delete(id);
    for (const other of out) left.get(other)?.in.delete(id);
    for (const other of into) left.get(other)?.out.delete(id);
    list.push(id);
  };
  while (left.size) {
    const sink = [...left].find(([, { out }]) => !out.size);
    if (sink) {
      take(sink[0], tail);
      continue;
    }
    const source = [...left].find(([, { in: into }]) => !into.size);
    const best = source || [...left].reduce((a, b) => (b[1].out.size - b[1].in.size > a[1].out.size - a[1].in.size ? b : a));
    take(best[0], head);
  }
  return new Map([...head, ...tail.reverse()].map((id, index) => [id, index]));
}

/** How far right each stands: one further than the last that it hears from; who hears nobody, close to its listeners. */
function rankOf(nodes, edges, order) {
  const rank = new Map(nodes.map((node) => [node.id, 0]));
  const inOrder = [...edges].sort((a, b) => order.get(a.from) - order.get(b.from));
  for (const edge of inOrder) rank.set(edge.to, Math.max(rank.get(edge.to), rank.get(edge.from) + 1));
  const hears = new Set(edges.map((edge) => edge.to));
  for (const node of nodes) {
    const targets = edges.filter((edge) => edge.from === node.id).map((edge) => rank.get(edge.to));
    if (!hears.has(node.id) && targets.length) rank.set(node.id, Math.min(...targets) - 1);
  }
  const used = [...new Set(rank.values())].sort((a, b) => a - b);
  for (const [id, at] of rank) rank.set(id, used.indexOf(at));
  return rank;
}

/** Columns of agents and of lanes: a link that passes a column has a lane there, as if it were an agent. */
function withLanes(nodes, edges, layers) {
  const columns = [];
  const items = new Map();
  const add = (column, item) => {
    (columns[column] ??= []).push(item);
    return Object.assign(item, { column, before: [], after: [] });
  };
  for (const node of nodes) items.set(node.id, add(layers.get(node.id), { ...node, y: 0 }));
  const chains = edges.map((edge) => {
    const [first, last] = [items.get(edge.from), items.get(edge.to)];
    const chain = [first];
    for (let column = first.column + 1; column < last.column; column += 1) {
      chain.push(add(column, { lane: true, width: 0, height: LANE, y: 0 }));
    }
    chain.push(last);
    for (let index = 1; index < chain.length; index += 1) {
      chain[index - 1].after.push(chain[index]);
      chain[index].before.push(chain[index - 1]);
    }
    return { edge, chain };
  });
  return { columns, chains };
}

/** Order each column by where its neighbours stand, forth and back, and keep the best. */
function uncross(columns) {
  const number = () => columns.forEach((column) => column.forEach((item, index) => { item.index = index; }));
  number();
  let best = { crossings: crossings(columns), columns: columns.map((column) => [...column]) };
  for (let sweep = 0; sweep < SWEEPS && best.crossings; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const column of forth ? columns : [...columns].reverse()) {
      for (const item of column) {
        const beside = forth ? item.before : item.after;
        item.wish = beside.length ? beside.reduce((sum, one) => sum + one.index, 0) / beside.length : item.index;
      }
      column.sort((a, b) => a.wish - b.wish || a.index - b.index);
      column.forEach((item, index) => { item.index = index; });
    }
    const now = crossings(columns);
    if (now < best.crossings) best = { crossings: now, columns: columns.map((column) => [...column]) };
  }
  best.columns.forEach((column, index) => { columns[index] = column; });
  number();
}

function crossings(columns) {
  let found = 0;
  for (const column of columns) {
    const ends = column.flatMap((item) => item.after.map((next) => next.index).sort((a, b) => a - b));
    for (let a = 0; a < ends.length; a += 1) {
      for (let b = a + 1; b < ends.length; b += 1) if (ends[a] > ends[b]) found += 1;
    }
  }
  return found;
}

// -- Places -----------------------------------------------------------------------------------------------------------

function placed(columns, chains, tallest) {
  const blocks = columns.map((column) => rowsOf(column, tallest));
  for (const rows of blocks) stack(rows, rows.map(() => 0));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const rows of forth ? blocks : [...blocks].reverse()) stack(rows, rows.map((row) => wishOf(row, forth)));
  }
  let x = 0;
  for (const rows of blocks) {
    const width = Math.max(...rows.map(widthOf), LANE);
    for (const row of rows) {
      let left = x + (width - widthOf(row)) / 2;
      for (const item of row.items) {
        Object.assign(item, { x: left + item.width / 2, left: x, right: x + width });
        left += item.width + GAP_INSIDE;
      }
    }
    x += width + GAP_X;
  }
  const all = columns.flat();
  const top = Math.min(...all.map((item) => item.y - item.height / 2));
  for (const item of all) item.y -= top;
  const places = new Map(all.filter((item) => !item.lane).map((item) => [item.id, { x: item.x, y: item.y }]));
  const height = Math.max(...all.map((item) => item.y + item.height / 2));
  return { places, routes: routesOf(chains), width: x - GAP_X, height };
}

const widthOf = (row) => row.items.reduce((sum, item) => sum + item.width + GAP_INSIDE, -GAP_INSIDE);

/** Rows of a column, each of one agent, of one lane, or, if there are more than fit, of several agents. */
function rowsOf(column, tallest) {
  const across = Math.ceil(column.filter((item) => !item.lane).length / tallest);
  const rows = [];
  for (const item of column) {
    const last = rows.at(-1);
    if (last && !item.lane && !last.lane && last.items.length < across) last.items.push(item);
    else rows.push({ items: [item], lane: item.lane, height: item.height });
  }
  return rows;
}

function wishOf(row, forth) {
  const wishes = row.items.map((item) => {
    const sides = [forth ? item.before : item.after, forth ? item.after : item.before];
    const beside = sides[0].length ? sides[0] : sides[1];
    return beside.length ? beside.reduce((sum, one) => sum + one.y, 0) / beside.length : item.y;
  });
  return wishes.reduce((sum, wish) => sum + wish, 0) / wishes.length;
}

/** As close to the wishes as the order and the heights allow: the pool-adjacent-violators algorithm. */
function stack(rows, wishes) {
  const offsets = [];
  let offset = 0;
  rows.forEach((row, index) => {
    if (index) offset += (rows[index - 1].height + row.height) / 2 + (row.lane && rows[index - 1].lane ? 0 : GAP_Y);
    offsets.push(offset);
  });
  const pools = [];
  wishes.forEach((wish, index) => {
    pools.push({ sum: wish - offsets[index], size: 1 });
    while (pools.length > 1) {
      const [above, below] = pools.slice(-2);
      if (above.sum / above.size <= below.sum / below.size) break;
      pools.splice(-2, 2, { sum: above.sum + below.sum, size: above.size + below.size });
    }
  });
  let index = 0;
  for (const pool of pools) {
    for (let taken = 0; taken < pool.size; taken += 1, index += 1) {
      for (const item of rows[index].items) item.y = pool.sum / pool.size + offsets[index];
    }
  }
}

/** Each link leaves and enters at a height of its own, in the order of where it goes. */
function routesOf(chains) {
  const ports = new Map();
  const use = (item, side, chain, next) => {
    if (!ports.has(item)) ports.set(item, { left: [], right: [] });
    ports.get(item)[side].push({ chain, y: next.y });
  };
  for (const { chain } of chains) {
    use(chain[0], 'right', chain, chain[1]);
    use(chain.at(-1), 'left', chain, chain.at(-2));
  }
  const heights = new Map();
  for (const [item, sides] of ports) {
    for (const side of ['left', 'right']) {
      const used = sides[side].sort((a, b) => a.y - b.y);
      const step = Math.min(10, (item.height - 14) / Math.max(1, used.length - 1));
      used.forEach(({ chain }, index) => {
        const y = item.y + (index - (used.length - 1) / 2) * step;
        heights.set(chain, { ...heights.get(chain), [side]: y, [`${side}Rank`]: index });
      });
    }
  }
  return new Map(chains.map(({ edge, chain }) => {
    const [first, last] = [chain[0], chain.at(-1)];
    const { left, right, leftRank, rightRank } = heights.get(chain);
    const points = [[first.x + first.width / 2, right], ...aroundAfter(first, rightRank)];
    for (const lane of chain.slice(1, -1)) points.push([lane.left, lane.y], [lane.right, lane.y]);
    points.push(...aroundBefore(last, leftRank), [last.x - last.width / 2, left]);
    const [here, there] = [ports.get(first).right.length, ports.get(last).left.length];
    return [edge.id, { points, forward: edge.forward, busyEnd: here > there ? 'left' : here < there ? 'right' : null }];
  }));
}

// Who stands inside of a block is reached between its rows, above the others, and left below them.

function aroundBefore(item, rank) {
  const from = item.x - item.width / 2;
  const y = item.y - (item.height + GAP_Y) / 2 + 4 - 2.5 * (rank % 4);
  return from - item.left > GAP_INSIDE ? [[item.left - GAP_INSIDE / 2, y], [from - GAP_INSIDE + 4, y]] : [];
}

function aroundAfter(item, rank) {
  const from = item.x + item.width / 2;
  const y = item.y + (item.height + GAP_Y) / 2 - 4 + 2.5 * (rank % 4);
  return item.right - from > GAP_INSIDE ? [[from + GAP_INSIDE - 4, y], [item.right + GAP_INSIDE / 2, y]] : [];
}

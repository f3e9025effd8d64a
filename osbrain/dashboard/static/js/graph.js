// The graph: cards for agents, lines for connections, and what it takes to walk around in it.

import { byId, el, set, svg, text } from './dom.js';
import { byName, className, perSecond, rate } from './format.js';
import { layOut } from './layout.js';
import { KINDS, describe, labelOf, linksOf } from './links.js';
import { stateOf, why } from './states.js';
import { Viewport } from './viewport.js';

const [WIDTH, HEIGHT] = [172, 50];
// Of a name, from near and from far.
const LETTERS = [19, 13, 9];
// More labels than this are read by nobody: they appear for the agent that is looked at.
const MOST_LABELS = 45;
// Between the lines of two agents that have several kinds of connections.
const STRAND = 3.6;

export class Graph {
  constructor(store, choose) {
    this.store = store;
    this.choose = choose;
    this.root = byId('graph');
    this.hidden = new Set();
    this.cards = new Map();
    this.lines = new Map();
    this.shape = '';
    this.chosen = null;
    this.looked = null;
    this.filter = '';
    const world = svg('g', { class: 'world' });
    this.lineLayer = svg('g', { class: 'lines', 'aria-hidden': 'true' });
    this.labelLayer = svg('g', { class: 'labels', 'aria-hidden': 'true' });
    this.cardLayer = svg('g', { class: 'cards' });
    world.append(this.lineLayer, this.labelLayer, this.cardLayer);
    this.root.append(markers(), world);
    this.viewport = new Viewport(this.root, world);
    this.root.addEventListener('distance', () => this.layout && this.update());
    this.root.addEventListener('keydown', (event) => this.onKey(event));
    this.drawLegend();
  }

  update() {
    const { agents, edges } = this.store;
    const links = linksOf(edges, agents, this.hidden);
    byId('graph-empty').hidden = Object.keys(agents).length > 0;
    const shape = JSON.stringify([Object.keys(agents), links.map((link) => [link.id, link.from]), this.viewport.room]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.layOut(agents, links);
    }
    this.links = links;
    for (const link of links) this.drawLine(link);
    for (const [name, agent] of Object.entries(agents)) this.drawCard(name, agent);
    this.emphasise();
  }

  layOut(agents, links) {
    const nodes = Object.keys(agents).sort(byName).map((id) => ({ id, width: WIDTH, height: HEIGHT }));
    const ordered = [...links].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.layout = nodes.length ? layOut(nodes, ordered, this.viewport.room) : { places: new Map(), routes: new Map(), width: 1, height: 1 };
    keepOnly(this.cards, new Set(Object.keys(agents)));
    keepOnly(this.lines, new Set(links.map((link) => link.id)));
    for (const { id } of nodes) this.cards.get(id) || this.addCard(id);
    for (const link of links) this.lines.get(link.id) || this.addLine(link.id);
    // Tab comes to one card; arrow keys go on from there.
    this.rove(this.cards.has(this.looked) ? this.looked : nodes[0]?.id);
    this.viewport.contain(this.layout.width, this.layout.height);
  }

  // -- Agents ---------------------------------------------------------------------------------------------------------

  addCard(name) {
    const parts = {
      title: svg('title'),
      sign: svg('text', { class: 'sign', x: 15, y: 21 }),
      name: svg('text', { class: 'name', x: 28, y: 21 }),
      kind: svg('text', { class: 'kind', x: 28, y: 38 }),
      rate: svg('text', { class: 'rate', x: WIDTH - 12, y: 38 }),
    };
    const card = svg('g', {
      class: 'card', role: 'button', tabindex: -1, 'data-agent': name,
      onclick: () => this.choose(name),
      onfocus: () => { this.rove(name); this.point(name); },
      onblur: () => this.point(null),
      // Not when the graph has moved below a pointer that stands still.
      onmousemove: ({ movementX, movementY }) => (movementX || movementY) && this.pointed !== name && this.point(name),
      onmouseleave: () => this.point(null),
    }, parts.title, svg('rect', { class: 'body', width: WIDTH, height: HEIGHT, rx: 9 }), parts.sign, parts.name, parts.kind, parts.rate);
    this.cardLayer.append(card);
    this.cards.set(name, { card, ...parts });
  }

  drawCard(name, agent) {
    const { card, title, sign, name: words, kind, rate: speed } = this.cards.get(name);
    const at = this.layout.places.get(name);
    const state = stateOf(agent);
    const trouble = state.tone === 'bad' || state.tone === 'warn';
    set(card, 'transform', `translate(${(at.x - WIDTH / 2).toFixed(1)} ${(at.y - HEIGHT / 2).toFixed(1)})`);
    set(card, 'data-state', agent.state);
    set(card, 'data-tone', state.tone);
    set(card, 'aria-label', [name, className(agent.kind), state.name, agent.reason,
      `${perSecond(agent.received || 0)} in, ${perSecond(agent.sent || 0)} out`].filter(Boolean).join(', '));
    text(sign, state.sign);
    text(words, middle(name, LETTERS[this.viewport.distance || 0]));
    text(kind, trouble ? clipped(`${state.name}${agent.reason ? `: ${agent.reason}` : ''}`, 23) : clipped(className(agent.kind), 12));
    text(speed, trouble || agent.sent === undefined ? '' : `↓${rate(agent.received)} ↑${rate(agent.sent)}`);
    text(title, [name, agent.kind, `${state.name}${why(agent) ? `: ${why(agent)}` : ''}`].filter(Boolean).join('\n'));
  }

  // -- Connections ----------------------------------------------------------------------------------------------------

  addLine(id) {
    const title = svg('title');
    // Easier to point at than the lines themselves.
    const reach = svg('path', { class: 'reach' });
    const line = svg('g', { class: 'link' }, title, reach);
    const label = svg('text', { class: 'label' });
    this.lineLayer.append(line);
    this.labelLayer.append(label);
    this.lines.set(id, { line, reach, title, label, strands: [] });
  }

  drawLine(link) {
    const known = this.lines.get(link.id);
    const { line, reach, title, label, strands } = known;
    const { points, forward, busyEnd } = this.layout.routes.get(link.id);
    const kind = KINDS[link.family].id;
    set(line, 'class', `link ${kind}${link.lost ? ' lost' : ''}`);
    set(line, 'data-from', link.from);
    set(line, 'data-to', link.to);
    set(reach, 'd', curveOf(points));
    while (strands.length < link.strands.length) strands.push(line.appendChild(svg('path')));
    while (strands.length > link.strands.length) strands.pop().remove();
    link.strands.forEach((strand, index) => {
      const aside = (index - (link.strands.length - 1) / 2) * STRAND;
      drawStrand(strands[index], strand, points.map(([x, y]) => [x, y + aside]), forward);
    });
    const [x, y] = placeOf(points, busyEnd);
    set(label, 'x', x.toFixed(1));
    set(label, 'y', (y + 4).toFixed(1));
    set(label, 'class', `label ${kind}`);
    text(label, labelOf(link, forward));
    text(title, describe(link));
  }

  // -- What stands out ------------------------------------------------------------------------------------------------

  select(name) {
    this.chosen = name;
    this.emphasise();
  }

  search(words) {
    this.filter = words;
    this.emphasise();
  }

  point(name) {
    this.pointed = name;
    this.emphasise();
  }

  emphasise() {
    const focus = this.pointed || (this.cards.has(this.chosen) ? this.chosen : null);
    const near = new Set([focus]);
    for (const link of this.links || []) {
      if (link.from === focus) near.add(link.to);
      if (link.to === focus) near.add(link.from);
    }
    const crowded = (this.links || []).length > MOST_LABELS;
    for (const [name, { card }] of this.cards) {
      const found = !this.filter || name.toLowerCase().includes(this.filter)
        || (this.store.agents[name]?.kind || '').toLowerCase().includes(this.filter);
      card.classList.toggle('dim', name !== this.chosen && ((focus !== null && !near.has(name)) || !found));
      card.classList.toggle('chosen', name === this.chosen);
      set(card, 'aria-pressed', name === this.chosen ? 'true' : 'false');
    }
    for (const link of this.links || []) {
      const touches = link.from === focus || link.to === focus;
      const { line, label } = this.lines.get(link.id);
      line.classList.toggle('dim', focus !== null && !touches);
      line.classList.toggle('near', focus !== null && touches);
      label.classList.toggle('off', focus === null ? crowded || link.family === 'LOG' : !touches);
    }
  }

  drawLegend() {
    byId('legend').append(...Object.entries(KINDS).map(([family, { id, name }]) => el('button', {
      type: 'button', class: `kind ${id}`, 'aria-pressed': 'true', 'data-family': family, title: `Show or hide: ${name}`,
      onclick: (event) => {
        const shown = this.hidden.delete(family);
        if (!shown) this.hidden.add(family);
        event.currentTarget.setAttribute('aria-pressed', String(shown));
        this.update();
      },
    }, el('span', { class: 'stroke', 'aria-hidden': 'true' }), name)));
  }

  /** Show only those kinds in the legend that there are. */
  updateLegend(families) {
    for (const button of byId('legend').children) button.hidden = !families.has(button.dataset.family);
  }

  // -- Keys -----------------------------------------------------------------------------------------------------------

  rove(name) {
    this.cards.get(this.looked)?.card.setAttribute('tabindex', '-1');
    this.looked = name;
    this.cards.get(name)?.card.setAttribute('tabindex', '0');
  }

  onKey(event) {
    const name = event.target.dataset?.agent;
    if (!name) return;
    if (event.key === 'Enter' || event.key === ' ') this.choose(name);
    else if (event.key in DIRECTIONS) this.go(name, DIRECTIONS[event.key]);
    else return;
    event.preventDefault();
  }

  /** To the nearest card in a direction: what is aside counts more than what is ahead. */
  go(name, [dx, dy]) {
    const here = this.layout.places.get(name);
    const away = ([, at]) => {
      const ahead = (at.x - here.x) * dx + (at.y - here.y) * dy;
      const aside = Math.abs((at.x - here.x) * dy) + Math.abs((at.y - here.y) * dx);
      return ahead > 1 ? ahead + 2 * aside : Infinity;
    };
    const nearest = [...this.layout.places].map((one) => [away(one), one[0]]).sort((a, b) => a[0] - b[0])[0];
    if (nearest && nearest[0] < Infinity) {
      const { card } = this.cards.get(nearest[1]);
      card.focus();
      this.viewport.reveal(this.layout.places.get(nearest[1]));
    }
  }
}

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function keepOnly(drawn, wanted) {
  for (const [key, { card, line, label }] of drawn) {
    if (wanted.has(key)) continue;
    for (const element of [card, line, label]) element?.remove();
    drawn.delete(key);
  }
}

/** Names of many agents differ at their ends. */
const middle = (name, most) => (name.length > most ? `${name.slice(0, Math.floor(most / 2) - 1)}…${name.slice(-Math.ceil(most / 2))}` : name);

const clipped = (words, most) => (words.length > most ? `${words.slice(0, most - 1)}…` : words);

function curveOf(points) {
  const [[x, y], ...rest] = points;
  let [px, py] = [x, y];
  return `M${x.toFixed(1)} ${y.toFixed(1)}${rest.map(([qx, qy]) => {
    const bend = (qx - px) / 2;
    const piece = `C${(px + bend).toFixed(1)} ${py.toFixed(1)} ${(qx - bend).toFixed(1)} ${qy.toFixed(1)} ${qx.toFixed(1)} ${qy.toFixed(1)}`;
    [px, py] = [qx, qy];
    return piece;
  }).join('')}`;
}

function drawStrand(path, strand, points, forward) {
  const kind = KINDS[strand.family].id;
  const busy = strand.there + strand.back;
  set(path, 'd', curveOf(points));
  set(path, 'class', `line ${kind}${busy ? ' busy' : ''}`);
  set(path, 'stroke-width', (1.1 + Math.min(2.6, Math.log10(1 + busy) * 0.7)).toFixed(2));
  const [ends, begins] = forward ? [strand.flowsThere, strand.flowsBack] : [strand.flowsBack, strand.flowsThere];
  set(path, 'marker-end', ends ? `url(#arrow-${kind})` : null);
  set(path, 'marker-start', begins ? `url(#arrow-${kind})` : null);
}

/** Where a label stands: on a lane, which no other line has, or else towards the end where fewer lines meet. */
function placeOf(points, busyEnd) {
  if (points.length > 2) {
    const middle = 2 * Math.floor((points.length - 2) / 4) + 1;
    const [[ax, ay], [bx]] = points.slice(middle, middle + 2);
    return [(ax + bx) / 2, ay];
  }
  const [[ax, ay], [bx, by]] = points;
  const t = { left: 0.66, right: 0.34 }[busyEnd] || 0.5;
  const bend = (bx - ax) / 2;
  const cubic = (p0, p1, p2, p3) => (1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t ** 2 * p2 + t ** 3 * p3;
  return [cubic(ax, ax + bend, bx - bend, bx), cubic(ay, ay, by, by)];
}

function markers() {
  return svg('defs', {}, ...Object.values(KINDS).map(({ id }) => svg('marker', {
    id: `arrow-${id}`, class: `arrow ${id}`, viewBox: '0 0 8 8', refX: 7.4, refY: 4, markerWidth: 8, markerHeight: 8,
    markerUnits: 'userSpaceOnUse', orient: 'auto-start-reverse',
  }, svg('path', { d: 'M0.5 0.8 7.5 4 0.5 7.2z' }))));
}

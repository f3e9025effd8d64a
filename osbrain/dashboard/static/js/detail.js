// One agent, closely: what it is, what goes through it, how long its handlers take, and what can be done to it.

import { curve, histogram } from './charts.js';
import { byId, el, replace } from './dom.js';
import { ask, callMethod } from './dialogs.js';
import { byName, bytes, className, count, lasted, moment, perSecond, percent, plural, took } from './format.js';
import { familyOf, KINDS } from './links.js';
import { LogView } from './log.js';
import * as server from './server.js';
import { stateOf, why } from './states.js';

const EACH = 2_000;

export class Detail {
  constructor(store, choose) {
    this.store = store;
    this.choose = choose;
    this.root = byId('detail');
    this.name = null;
    this.told = {};
    this.sections = new Map();
    this.timer = 0;
    this.root.addEventListener('keydown', (event) => event.key === 'Escape' && choose(null));
  }

  show(name) {
    clearTimeout(this.timer);
    const opened = name !== null && this.name === null;
    this.name = name;
    this.told = {};
    this.root.hidden = name === null;
    document.body.classList.toggle('with-detail', name !== null);
    if (name === null) return;
    this.build();
    this.update();
    this.fetch();
    if (opened) this.root.scrollTop = 0;
  }

  async fetch() {
    const { name } = this;
    const agent = this.store.agents[name];
    if (agent && !['dead', 'ended'].includes(agent.state) && !document.hidden) {
      try {
        const told = await server.detail(name);
        if (this.name === name) this.told = told;
      } catch (error) {
        if (this.name === name) this.told = { ...this.told, trouble: error.message };
      }
    }
    if (this.name !== name) return;
    this.update();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetch(), EACH);
  }

  build() {
    const act = (verb, title, press) => el('button', { type: 'button', class: `act ${verb}`, 'data-action': verb, title, onclick: press },
      verb[0].toUpperCase() + verb.slice(1) + (verb === 'call' ? '…' : ''));
    this.head = el('div', { class: 'about' });
    this.sections.clear();
    this.headDrawn = '';
    this.log = el('ol', { class: 'log small', tabindex: 0, 'aria-label': `Log lines of ${this.name}` });
    this.lines = new LogView(this.log, { withAgent: false });
    this.actions = el('div', { class: 'actions', role: 'group', 'aria-label': 'What can be done' },
      act('call', 'Call one of its methods', () => callMethod(this.name, this.told.methods || [])),
      act('restart', RESTART, () => this.confirm('restart')),
      act('stop', 'End its loop; its process stays', () => this.confirm('stop')),
      act('kill', 'End its process at once', () => this.confirm('kill')));
    this.root.replaceChildren(
      el('button', { type: 'button', class: 'quiet close', 'aria-label': 'Close the detail', title: 'Close (Esc)', onclick: () => this.choose(null) }, '✕'),
      this.head, this.actions,
      this.section('tiles', null), this.section('endpoints', 'Endpoints'), this.section('links', 'Connections'),
      el('section', { class: 'part' }, el('h3', {}, 'Log'), this.log),
      this.section('timers', 'Timers'), this.section('attributes', 'Attributes'), this.section('methods', 'Methods'));
    this.root.setAttribute('aria-label', `Agent ${this.name}`);
  }

  section(key, title) {
    const body = el('div', { class: key });
    const element = el('section', { class: 'part', hidden: true }, title ? el('h3', {}, title) : null, body);
    this.sections.set(key, { element, body, drawn: '' });
    return element;
  }

  /** Draw a section if what is in it is not what it was. */
  draw(key, value, make) {
    const section = this.sections.get(key);
    const now = JSON.stringify(value);
    if (section.drawn === now) return;
    section.drawn = now;
    const children = make(value);
    section.element.hidden = !children.length;
    section.body.replaceChildren(...children);
  }

  update() {
    if (this.name === null) return;
    const agent = this.store.agents[this.name];
    if (!agent) {
      this.headDrawn = '';
      this.head.replaceChildren(el('h2', {}, this.name), el('p', { class: 'muted' }, 'There is no agent of this name any more.'));
      this.actions.hidden = true;
      return;
    }
    const ended = ['dead', 'ended'].includes(agent.state);
    this.actions.hidden = ended;
    const restart = this.actions.querySelector('.restart');
    restart.disabled = !agent.supervised;
    restart.title = agent.supervised ? RESTART : NOBODY_RESTARTS;
    this.drawHead(agent);
    this.draw('tiles', [agent, ended, this.store.histories.get(this.name)?.at(-1)], () => (ended ? [] : this.tiles(agent)));
    this.draw('endpoints', this.told.endpoints || [], (all) => all.map(endpoint));
    this.draw('links', this.links(), (all) => all.map((one) => this.linkRow(one)));
    this.draw('timers', [this.told.timers || [], this.told.lateness], ([all, lateness]) => timers(all, lateness));
    this.draw('attributes', this.told.attributes || [], attributes);
    this.draw('methods', this.told.methods || [], (all) => this.methods(all));
    this.lines.update(Object.entries(this.store.system.lines || {}).filter(([, line]) => line.agent === this.name));
  }

  drawHead(agent) {
    const state = stateOf(agent);
    const facts = [agent.host, agent.pid && `process ${agent.pid}`,
      agent.ended ? `ended ${moment(agent.ended)}` : agent.since && `for ${lasted(Date.now() / 1000 - agent.since)}`].filter(Boolean);
    const now = JSON.stringify([agent.state, agent.reason, agent.last_death, agent.deaths, agent.kind, this.told.doc, facts]);
    if (this.headDrawn === now) return;
    this.headDrawn = now;
    replace(this.head,
      el('h2', {}, this.name),
      el('p', { class: 'badge', 'data-tone': state.tone }, `${state.sign} ${state.name}`),
      el('p', { class: 'kind', title: agent.kind }, className(agent.kind), this.told.doc ? el('span', { class: 'muted' }, ` – ${this.told.doc}`) : null),
      el('p', { class: 'muted' }, facts.join(' · ')),
      why(agent) ? el('p', { class: 'reason', 'data-tone': agent.reason ? state.tone : 'soft' }, why(agent)) : null,
      agent.deaths ? el('p', { class: 'muted' }, `Died ${plural(agent.deaths, 'time')} since the name server was started.`) : null);
  }

  tiles(agent) {
    const history = this.store.histories.get(this.name) || [];
    const tile = (label, value, sub, field) => el('div', { class: 'tile' }, el('span', { class: 'label' }, label),
      el('span', { class: 'value' }, value || '–'), el('span', { class: 'sub' }, sub || ''), curve(history.map((one) => one[field])));
    const troubles = [['errors', 'error'], ['undecodable', 'undecodable', 'undecodable'], ['overflows', 'overflow'], ['refused', 'refused', 'refused'],
      ['waiting', 'call waiting', 'calls waiting'], ['pending', 'request pending', 'requests pending']];
    const counted = troubles.filter(([field]) => agent[field]).map(([field, one, many]) => el('li', { 'data-field': field }, plural(agent[field], one, many || `${one}s`)));
    return [
      el('div', { class: 'grid' },
        tile('Received', perSecond(agent.received), agent.received_bytes === undefined ? '' : `${bytes(agent.received_bytes)}/s`, 'received'),
        tile('Sent', perSecond(agent.sent), agent.sent_bytes === undefined ? '' : `${bytes(agent.sent_bytes)}/s`, 'sent'),
        tile('Processor', percent(agent.cpu), agent.busy === undefined ? '' : `${percent(agent.busy)} in handlers`, 'cpu'),
        tile('Memory', bytes(agent.memory), this.told.threads ? plural(this.told.threads, 'thread') : '', 'memory')),
      counted.length ? el('ul', { class: 'counted' }, ...counted) : null,
    ].filter(Boolean);
  }

  links() {
    return Object.values(this.store.edges).filter((edge) => edge.source === this.name || edge.target === this.name)
      .map((edge) => ({ ...edge, family: familyOf(edge) }))
      .sort((a, b) => byName(this.places(a).join(), this.places(b).join()));
  }

  /** An edge as this agent has it: its own alias, the other agent, and how that one calls it. */
  places(edge) {
    return edge.source === this.name ? [edge.source_alias, edge.target, edge.target_alias] : [edge.target_alias, edge.source, edge.source_alias];
  }

  linkRow(edge) {
    const out = edge.source === this.name;
    const [mine, other, theirs] = this.places(edge);
    return el('div', { class: `linked ${KINDS[edge.family].id}` },
      el('span', { class: 'way', 'aria-label': out ? 'to' : 'from' }, out ? '→' : '←'),
      el('button', { type: 'button', class: 'name', onclick: () => this.choose(other) }, other),
      el('span', { class: 'muted aliases', title: `${mine} – ${theirs}\n${edge.address}` }, `${mine} – ${theirs}`),
      el('span', { class: 'speed' }, edge.lost ? 'lost' : perSecond(edge.sent) + (edge.returned ? ` ⇄ ${perSecond(edge.returned)}` : '')));
  }

  methods(all) {
    const row = (method) => el('li', {}, el('button', {
      type: 'button', class: 'method', title: 'Call it', onclick: () => callMethod(this.name, this.told.methods, method.name),
    }, method.name), el('code', {}, method.signature), el('span', { class: 'muted' }, method.doc));
    const [own, inherited] = [all.filter((one) => !one.inherited), all.filter((one) => one.inherited)];
    return [own.length ? el('ul', { class: 'methods' }, ...own.map(row)) : null,
      inherited.length ? el('details', {}, el('summary', {}, `${inherited.length} that every agent has`), el('ul', { class: 'methods' }, ...inherited.map(row))) : null].filter(Boolean);
  }

  confirm(action) {
    const { name } = this;
    return ask({
      title: `${action[0].toUpperCase()}${action.slice(1)} ${name}?`,
      text: CONSEQUENCES[action],
      verb: action[0].toUpperCase() + action.slice(1),
      danger: action !== 'restart',
      act: () => server.act(action, { name }),
    });
  }
}

const RESTART = 'End it, so that whoever started it starts it again';
const NOBODY_RESTARTS = 'Nobody would start it again: it was started without restart= and has no supervisor';

const CONSEQUENCES = {
  restart: 'It ends, and whoever started it starts it again, with its addresses and connections. This does not count as a failure.',
  stop: 'Its loop ends after what it is doing now: it handles no messages and runs no timers any more. Its process stays and can still be looked at.',
  kill: 'Its process ends at once, whatever it is doing. What it had received and not handled is lost.',
};

function endpoint(one) {
  const counted = (label, traffic, speed) => (traffic && traffic.messages ? el('span', {}, `${label} `,
    el('b', {}, count(traffic.messages)), ` · ${bytes(traffic.bytes)}`, speed ? el('b', { class: 'now' }, ` ${perSecond(speed)}`) : null) : null);
  const troubles = [['errors', 'error'], ['undecodable', 'undecodable', 'undecodable'], ['overflows', 'overflow'], ['waits', 'wait'], ['pending', 'pending', 'pending']]
    .filter(([field]) => one[field]).map(([field, name, many]) => plural(one[field], name, many || `${name}s`));
  const handlers = (one.handlers || []).map(({ names, topic }) => (topic === null || topic === undefined ? '' : `${topic || '(any)'} → `) + names.join(', '));
  return el('article', { class: 'endpoint' },
    el('h4', {}, one.alias, el('span', { class: 'muted' }, ` ${one.kind}`)),
    el('p', { class: 'muted where', title: one.addresses.join('\n') },
      [one.role === 'server' ? 'bound' : 'connected', one.transport, one.serializer, one.security === 'curve' ? 'encrypted' : null,
        one.subscribers ? plural(one.subscribers, 'subscriber') : null].filter(Boolean).join(' · ')),
    handlers.length ? el('p', { class: 'handlers' }, handlers.slice(0, 8).join('\n') + (handlers.length > 8 ? `\n… ${handlers.length - 8} more` : '')) : null,
    el('p', { class: 'traffic' }, ...[counted('in', one.received, one.received_per_s), counted('out', one.sent, one.sent_per_s)].filter(Boolean)),
    troubles.length ? el('p', { class: 'troubles' }, troubles.join(' · ')) : null,
    one.handling ? handling(one.handling) : null);
}

function handling(times) {
  const picture = histogram(times);
  return picture && el('figure', {}, picture, el('figcaption', {}, `half below ${took(times.half)}, 99 % below ${took(times.most)}, longest ${took(times.longest)}`));
}

function timers(all, lateness) {
  if (!all.length) return [];
  const late = lateness && lateness.longest ? el('p', { class: 'muted' }, `Late by ${took(lateness.half)} half of the time, ${took(lateness.longest)} at most.`) : null;
  const rows = all.map((timer) => el('tr', {}, el('th', { scope: 'row' }, timer.method),
    el('td', {}, timer.period === null ? 'once' : `every ${took(timer.period)}`),
    el('td', { class: 'number' }, timer.due_in < 0 ? `late by ${took(-timer.due_in)}` : `in ${took(timer.due_in)}`)));
  return [el('table', { class: 'plain' }, el('tbody', {}, ...rows)), late].filter(Boolean);
}

function attributes(all) {
  if (!all.length) return [];
  return [el('table', { class: 'plain' }, el('tbody', {}, ...all.map((one) => el('tr', {}, el('th', { scope: 'row' }, one.name),
    el('td', { class: 'value', title: one.type }, one.value || one.type)))))];
}

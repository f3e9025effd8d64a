// The page: what is known goes from the stream into the store, and from there to everything that shows it.

import { Detail } from './detail.js';
import { toast } from './dialogs.js';
import { byId, el, text } from './dom.js';
import { bytes, className, count, lasted, perSecond, percent, plural, rate } from './format.js';
import { Graph } from './graph.js';
import { familyOf, KINDS } from './links.js';
import { atLeast, LogView } from './log.js';
import { divider, tabs } from './panes.js';
import * as server from './server.js';
import { stateOf } from './states.js';
import { Store } from './store.js';
import { Stream } from './stream.js';
import { Table } from './table.js';
import { setUpTheme } from './theme.js';

const store = new Store();
const stream = new Stream(store);
const view = { chosen: null, words: '', lower: 'agents', level: 'INFO' };

const agentColumns = [
  { key: 'name', title: 'Agent', value: (row) => row.name, show: (row) => row.name, opens: true },
  { key: 'state', title: 'State', value: (row) => stateOf(row).rank, show: stateWords, title_of: stateWords, tone: (row) => stateOf(row).tone },
  { key: 'kind', title: 'Class', value: (row) => className(row.kind), show: (row) => className(row.kind), title_of: (row) => row.kind },
  { key: 'received', title: 'In /s', number: true, value: (row) => row.received, show: (row) => rate(row.received), hint: 'Messages received a second' },
  { key: 'sent', title: 'Out /s', number: true, value: (row) => row.sent, show: (row) => rate(row.sent), hint: 'Messages sent a second' },
  { key: 'flow', title: 'Bytes /s', number: true, value: (row) => flow(row), show: (row) => bytes(flow(row)), hint: 'Bytes received and sent a second' },
  { key: 'cpu', title: 'CPU', number: true, value: (row) => row.cpu, show: (row) => percent(row.cpu), hint: 'Share of one processor' },
  { key: 'busy', title: 'Busy', number: true, value: (row) => row.busy, show: (row) => percent(row.busy), hint: 'Share of the time that its handlers took' },
  { key: 'memory', title: 'Memory', number: true, value: (row) => row.memory, show: (row) => bytes(row.memory) },
  { key: 'errors', title: 'Errors', number: true, value: (row) => row.errors, show: (row) => count(row.errors), tone: (row) => (row.errors ? 'bad' : null) },
  { key: 'host', title: 'Host', value: (row) => row.host || '', show: (row) => row.host || '' },
  { key: 'pid', title: 'Process', number: true, value: (row) => row.pid, show: (row) => String(row.pid || '') },
  { key: 'since', title: 'Up', number: true, value: (row) => -row.since, show: (row) => (row.ended ? '' : lasted(row.since && Date.now() / 1000 - row.since)) },
];

function stateWords(row) {
  const { sign, name } = stateOf(row);
  if (row.reason && row.state !== 'silent') return `${sign} ${name}: ${row.reason}`;
  return `${sign} ${name}${row.deaths && row.state !== 'dead' ? `, died ${plural(row.deaths, 'time')}` : ''}`;
}

const flow = (row) => (row.sent_bytes === undefined ? undefined : row.sent_bytes + row.received_bytes);

const edgeColumns = [
  { key: 'source', title: 'From', value: (row) => row.source, show: (row) => row.source, opens: true },
  { key: 'source_alias', title: 'Alias', value: (row) => row.source_alias, show: (row) => row.source_alias },
  { key: 'kinds', title: 'Kind', value: (row) => row.source_kind, show: (row) => `${row.source_kind} → ${row.target_kind}` },
  { key: 'target', title: 'To', value: (row) => row.target, show: (row) => row.target },
  { key: 'target_alias', title: 'Alias', value: (row) => row.target_alias, show: (row) => row.target_alias },
  { key: 'sent', title: 'Messages /s', number: true, value: (row) => row.sent, show: (row) => (row.lost ? 'lost' : rate(row.sent)), tone: (row) => (row.lost ? 'bad' : null) },
  { key: 'returned', title: 'Back /s', number: true, value: (row) => row.returned, show: (row) => (row.returned ? rate(row.returned) : ''), hint: 'Replies and acknowledgements' },
  { key: 'bytes', title: 'Bytes /s', number: true, value: (row) => row.bytes, show: (row) => bytes(row.bytes) },
  { key: 'address', title: 'Address', value: (row) => row.address, show: (row) => row.address, title_of: (row) => row.address },
];

const graph = new Graph(store, choose);
const detail = new Detail(store, choose);
const agents = new Table(byId('agents-table'), agentColumns, { sortBy: 'name', open: (row, name) => choose(name) });
const edges = new Table(byId('connections-table'), edgeColumns, { sortBy: 'source', open: (row) => choose(row.source) });
const log = new LogView(byId('log'), { choose });

function choose(name) {
  const before = view.chosen;
  view.chosen = name === before ? null : name;
  detail.show(view.chosen);
  graph.select(view.chosen);
  wantLogs();
  update();
  // Who closes the detail goes on where they came from.
  if (view.chosen === null && before !== null) byId('agents-table').querySelector(`[data-key="${CSS.escape(before)}"] button`)?.focus({ preventScroll: true });
}

function wantLogs() {
  stream.wantLogs(view.lower === 'log' || view.chosen !== null);
}

// -- What is shown ------------------------------------------------------------------------------------------------------

const has = (...texts) => !view.words || texts.some((one) => one && String(one).toLowerCase().includes(view.words));

function update() {
  const all = Object.entries(store.agents);
  const shown = all.filter(([name, agent]) => has(name, agent.kind, agent.host, stateOf(agent).name, agent.reason, agent.pid));
  agents.update(shown.map(([name, agent]) => [name, { ...agent, name }]), view.chosen);
  if (!byId('panel-connections').hidden) edges.update(Object.entries(store.edges).filter(([, edge]) => has(edge.source, edge.target, edge.source_alias, edge.target_alias, edge.source_kind, edge.target_kind)));
  if (!byId('panel-graph').hidden) graph.update();
  graph.updateLegend(new Set(Object.values(store.edges).map((edge) => familyOf(edge))));
  detail.update();
  updateLog();
  summarise(all.map(([, agent]) => agent));
  text(byId('count'), view.lower === 'log' ? '' : shown.length === all.length ? '' : `${shown.length} of ${all.length}`);
  byId('forget').hidden = view.lower !== 'agents' || !all.some(([, agent]) => agent.state === 'dead' || agent.deaths);
}

function updateLog() {
  if (view.lower !== 'log') return;
  const lines = Object.entries(store.system.lines || {});
  log.update(lines.filter(([, line]) => atLeast(line.level, view.level) && has(line.agent, line.text)));
}

function summarise(all) {
  const bad = all.filter((agent) => stateOf(agent).tone === 'bad').length;
  const silent = all.filter((agent) => agent.state === 'silent').length;
  const living = all.filter((agent) => !['dead', 'ended', 'gone'].includes(agent.state));
  const sum = (field) => living.reduce((total, agent) => total + (agent[field] || 0), 0);
  const facts = [
    [living.length === 1 ? 'agent' : 'agents', count(living.length)],
    bad ? ['dead or stopped', count(bad), 'bad'] : null,
    silent ? ['not answering', count(silent), 'warn'] : null,
    ['sent', perSecond(Math.round(sum('received') * 10) / 10)],
    sum('errors') ? [sum('errors') === 1 ? 'error' : 'errors', count(sum('errors')), 'bad'] : null,
    ['memory', bytes(sum('memory'))],
  ].filter(Boolean);
  const words = JSON.stringify(facts);
  if (summarise.words === words) return;
  summarise.words = words;
  byId('summary').replaceChildren(...facts.map(([name, value, tone]) => el('div', { 'data-tone': tone }, el('dd', {}, value), el('dt', {}, name))));
  document.title = bad ? `(${bad}) osbrain` : 'osbrain';
}

// -- What is said -------------------------------------------------------------------------------------------------------

function announce(moved) {
  const told = moved.filter(([, before, now]) => now && (before || now !== 'running')).slice(0, 5)
    .map(([name, , now]) => `${name}: ${stateOf(store.agents[name]).name}${store.agents[name].reason && now !== 'running' ? `, ${store.agents[name].reason}` : ''}`);
  if (told.length) byId('announcer').textContent = told.join('. ');
}

store.addEventListener('change', ({ detail: { moved } }) => {
  const { address, trouble } = store.system.nameserver;
  text(byId('where'), address || '');
  if (trouble) live('bad', 'the name server does not answer', trouble);
  update();
  announce(moved);
});

stream.addEventListener('state', ({ detail: state }) => {
  if (state === 'live' && !store.system.nameserver.trouble) live('good', 'live');
  if (state === 'lost') live('warn', 'connection lost: trying again');
  if (state === 'refused') live('bad', 'started anew: open the new link', 'osbrain dashboard was started again and has printed another link');
});

function live(tone, words, why_ = '') {
  const element = byId('live');
  element.dataset.tone = tone;
  element.title = why_;
  text(element, words);
  document.body.classList.toggle('stale', tone !== 'good');
}

// -- What is pressed ----------------------------------------------------------------------------------------------------

tabs(['graph', 'connections'], () => {
  byId('legend').hidden = byId('panel-graph').hidden;
  document.querySelector('.tools').hidden = byId('panel-graph').hidden;
  update();
});
tabs(['agents', 'log'], (id) => {
  view.lower = id;
  byId('level-choice').hidden = id !== 'log';
  wantLogs();
  update();
});
divider();
setUpTheme();

byId('level').addEventListener('change', ({ target }) => {
  view.level = target.value;
  updateLog();
});
byId('search').addEventListener('input', ({ target }) => {
  view.words = target.value.trim().toLowerCase();
  graph.search(view.words);
  update();
});
byId('forget').addEventListener('click', async () => {
  try {
    toast((await server.act('forget', {})).done);
  } catch (error) {
    toast(error.message, 'bad');
  }
});
document.addEventListener('keydown', (event) => {
  const typing = event.target.matches('input, textarea, select');
  if (event.key === '/' && !typing) {
    event.preventDefault();
    byId('search').focus();
  } else if (event.key === 'Escape' && event.target === byId('search')) {
    byId('search').value = '';
    byId('search').dispatchEvent(new Event('input'));
  } else if (event.key === 'Escape' && !typing && !byId('dialog').open && view.chosen !== null) choose(null);
});

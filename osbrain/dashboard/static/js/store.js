// What is known of the system: one value that grows by merge patches (RFC 7396), and a short history for the curves.

const KEPT = 120;

export function merge(target, patch) {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete target[key];
    else if (isObject(value)) target[key] = merge(isObject(target[key]) ? target[key] : {}, value);
    else target[key] = value;
  }
  return target;
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

export class Store extends EventTarget {
  constructor() {
    super();
    this.system = emptySystem();
    this.histories = new Map();
    this.isNew = true;
  }

  /** The server tells everything anew: what comes next is the whole. */
  begin() {
    this.isNew = true;
  }

  take(patch) {
    const before = this.states();
    if (this.isNew) this.system = emptySystem();
    merge(this.system, patch);
    this.remember();
    this.dispatchEvent(new CustomEvent('change', { detail: { moved: this.isNew ? [] : this.moved(before) } }));
    this.isNew = false;
  }

  get agents() { return this.system.agents; }

  get edges() { return this.system.edges; }

  states() {
    return new Map(Object.entries(this.system.agents).map(([name, agent]) => [name, agent.state]));
  }

  /** Who is in another state than before: [name, before, now]. */
  moved(before) {
    const now = this.states();
    const names = new Set([...before.keys(), ...now.keys()]);
    return [...names].map((name) => [name, before.get(name), now.get(name)]).filter(([, old, is]) => old !== is);
  }

  remember() {
    for (const [name, agent] of Object.entries(this.system.agents)) {
      if (!this.histories.has(name)) this.histories.set(name, []);
      const history = this.histories.get(name);
      history.push({ received: agent.received, sent: agent.sent, cpu: agent.cpu, memory: agent.memory });
      if (history.length > KEPT) history.shift();
    }
    for (const name of this.histories.keys()) {
      if (!(name in this.system.agents)) this.histories.delete(name);
    }
  }
}

const emptySystem = () => ({ nameserver: {}, agents: {}, edges: {}, lines: {} });

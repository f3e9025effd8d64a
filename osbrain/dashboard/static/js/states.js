// How agents can be: what it is called, how it is drawn, and whether it is trouble.

export const STATES = {
  running: { name: 'running', tone: 'good', sign: '●', rank: 5 },
  starting: { name: 'starting', tone: 'soft', sign: '◐', rank: 4 },
  silent: { name: 'not answering', tone: 'warn', sign: '◌', rank: 1 },
  stopped: { name: 'stopped', tone: 'bad', sign: '■', rank: 2 },
  gone: { name: 'gone', tone: 'bad', sign: '✕', rank: 0 },
  dead: { name: 'dead', tone: 'bad', sign: '✕', rank: 0 },
  ended: { name: 'ended', tone: 'idle', sign: '○', rank: 3 },
};

export const stateOf = (agent) => STATES[agent.state] || { name: agent.state, tone: 'soft', sign: '·', rank: 3 };

/** Why an agent is as it is, in a sentence; empty if there is nothing to say. */
export function why(agent) {
  return agent.reason || (agent.last_death ? `an earlier one died: ${agent.last_death}` : '');
}

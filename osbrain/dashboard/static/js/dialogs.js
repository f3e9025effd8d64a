// What is done to agents is done behind a question; the answer says what came of it.

import { byId, el } from './dom.js';
import * as server from './server.js';

/** Ask whether something is to be done, and do it; true if it was done. */
export function ask({ title, text, verb, danger = false, act }) {
  const button = el('button', { type: 'submit', class: danger ? 'danger' : 'primary', 'data-confirm': '' }, verb);
  const problem = el('p', { class: 'problem', role: 'alert' });
  const form = el('form', { method: 'dialog' },
    el('h2', { id: 'dialog-title' }, title), el('p', {}, text), problem,
    el('div', { class: 'buttons' }, cancel(), button));
  return open(form, async () => {
    const { done } = await busy(button, act);
    toast(done);
    return true;
  }, problem);
}

/** Ask for a method and its arguments, call it, show the result. */
export function callMethod(name, methods, chosen = '') {
  const known = el('datalist', { id: 'known-methods' }, ...methods.map((method) => el('option', { value: method.name }, method.signature)));
  const method = el('input', { id: 'call-method', list: 'known-methods', required: true, autocomplete: 'off', spellcheck: 'false', value: chosen });
  const args = el('textarea', { id: 'call-args', rows: 2, spellcheck: 'false' }, '[]');
  const kwargs = el('textarea', { id: 'call-kwargs', rows: 2, spellcheck: 'false' }, '{}');
  const signature = el('p', { class: 'signature' });
  const describe = () => {
    const found = methods.find((one) => one.name === method.value);
    signature.replaceChildren(...(found ? [el('code', {}, `${found.name}${found.signature}`), el('span', { class: 'muted' }, ` ${found.doc}`)] : []));
  };
  method.addEventListener('input', describe);
  describe();
  const button = el('button', { type: 'submit', class: 'primary', 'data-confirm': '' }, 'Call');
  const [problem, result] = [el('p', { class: 'problem', role: 'alert' }), el('pre', { class: 'result', role: 'status', hidden: true })];
  const form = el('form', { method: 'dialog' },
    el('h2', { id: 'dialog-title' }, `Call a method of ${name}`),
    el('p', { class: 'muted' }, 'It runs in the agent, between two messages, with all that it does.'),
    el('label', { for: 'call-method' }, 'Method'), method, known, signature,
    el('label', { for: 'call-args' }, 'Arguments, a JSON list'), args,
    el('label', { for: 'call-kwargs' }, 'Keyword arguments, a JSON object'), kwargs,
    problem, result, el('div', { class: 'buttons' }, cancel('Close'), button));
  return open(form, async () => {
    result.hidden = true;
    const request = { name, method: method.value.trim(), args: parsed(args, 'list'), kwargs: parsed(kwargs, 'object') };
    const answer = await busy(button, () => server.act('call', request));
    result.textContent = answer.is_json ? JSON.stringify(JSON.parse(answer.result), null, 2) : answer.result;
    result.hidden = false;
    return false;
  }, problem);
}

function parsed(area, kind) {
  try {
    return JSON.parse(area.value.trim() || (kind === 'list' ? '[]' : '{}'));
  } catch (error) {
    area.focus();
    throw new Error(`That is no JSON ${kind}: ${error.message}`, { cause: error });
  }
}

/** Show a form until it is cancelled or *submit* returns true. */
function open(form, submit, problem) {
  const dialog = byId('dialog');
  dialog.replaceChildren(form);
  return new Promise((resolve) => {
    let done = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      problem.textContent = '';
      try {
        done = await submit();
        if (done) dialog.close();
      } catch (error) {
        problem.textContent = error.message;
      }
    });
    dialog.addEventListener('close', () => resolve(done), { once: true });
    dialog.showModal();
  });
}

const cancel = (words = 'Cancel') => el('button', { type: 'button', onclick: () => byId('dialog').close() }, words);

async function busy(button, act) {
  button.disabled = true;
  button.classList.add('busy');
  try {
    return await act();
  } finally {
    button.disabled = false;
    button.classList.remove('busy');
  }
}

export function toast(words, tone = 'good') {
  const element = el('p', { class: 'toast', 'data-tone': tone }, words);
  byId('toasts').append(element);
  setTimeout(() => element.remove(), 6_000);
}

// Log lines as they come; who reads further up is left there.

import { el } from './dom.js';
import { clock, moment } from './format.js';

const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR'];

export class LogView {
  constructor(list, { withAgent = true, choose = null } = {}) {
    Object.assign(this, { list, withAgent, choose });
    this.drawn = new Map();
    this.atEnd = true;
    this.scroller = list.closest('.scroll') || list;
    this.scroller.addEventListener('scroll', () => {
      const { scrollTop, scrollHeight, clientHeight } = this.scroller;
      this.atEnd = scrollHeight - scrollTop - clientHeight < 30;
    });
  }

  /** entries: [[number, line]], those that are to be shown. */
  update(entries) {
    const wanted = new Set(entries.map(([number]) => number));
    for (const [number, element] of this.drawn) {
      if (!wanted.has(number)) {
        element.remove();
        this.drawn.delete(number);
      }
    }
    const missing = entries.filter(([number]) => !this.drawn.has(number)).sort((a, b) => a[0] - b[0]);
    for (const [number, line] of missing) this.add(number, line);
    if (missing.length && this.atEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  add(number, line) {
    const element = el('li', { 'data-level': line.level, value: number },
      el('time', { datetime: new Date(line.when * 1000).toISOString(), title: moment(line.when) }, clock(line.when)),
      this.withAgent ? el('button', { type: 'button', class: 'who', tabindex: -1, onclick: () => this.choose?.(line.agent) }, line.agent) : null,
      el('span', { class: 'level' }, line.level.toLowerCase()),
      el('span', { class: 'text' }, line.text));
    this.drawn.set(number, element);
    // A filter that was taken back brings lines from the middle.
    const after = [...this.list.children].reverse().find((other) => Number(other.value) < Number(number));
    if (after) after.after(element);
    else this.list.prepend(element);
  }
}

export function atLeast(level, least) {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least);
}

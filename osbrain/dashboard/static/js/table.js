// A table that sorts and filters, and whose rows stay the same elements while their numbers change.

import { el, set, text } from './dom.js';
import { byName } from './format.js';

/** columns: [{ key, title, value(row), show(row) -> text, tone(row), number, opens }]. A column that opens has a button. */
export class Table {
  constructor(table, columns, { sortBy, open = null, describe = null }) {
    Object.assign(this, { table, columns, open, describe });
    this.order = { column: columns.find((column) => column.key === sortBy), down: false };
    this.rows = new Map();
    this.heads = new Map(columns.map((column) => [column.key, this.head(column)]));
    this.body = el('tbody');
    table.append(el('thead', {}, el('tr', {}, ...this.heads.values())), this.body);
    this.body.addEventListener('keydown', (event) => this.onKey(event));
    this.markOrder();
  }

  head(column) {
    return el('th', { scope: 'col', class: column.number ? 'number' : null },
      el('button', { type: 'button', title: column.hint, onclick: () => this.sort(column) }, column.title, el('span', { class: 'order', 'aria-hidden': 'true' })));
  }

  sort(column) {
    // Numbers begin with the largest: that is what one looks for.
    const down = column === this.order.column ? !this.order.down : Boolean(column.number);
    this.order = { column, down };
    this.markOrder();
    this.arrange();
  }

  markOrder() {
    for (const [key, head] of this.heads) {
      const current = key === this.order.column.key;
      set(head, 'aria-sort', current ? (this.order.down ? 'descending' : 'ascending') : null);
      text(head.querySelector('.order'), current ? (this.order.down ? '▾' : '▴') : '');
    }
  }

  /** rows: [[key, row]], those that are to be shown. */
  update(rows, chosen = null) {
    const wanted = new Set(rows.map(([key]) => key));
    for (const [key, { element }] of this.rows) {
      if (!wanted.has(key)) {
        element.remove();
        this.rows.delete(key);
      }
    }
    for (const [key, row] of rows) this.draw(key, row, key === chosen);
    this.arrange();
  }

  draw(key, row, chosen) {
    const known = this.rows.get(key) || this.add(key);
    known.row = row;
    this.columns.forEach((column, index) => {
      const { cell, words } = known.cells[index];
      text(words, column.show(row));
      set(cell, 'data-tone', column.tone?.(row));
      if (column.title_of) set(cell, 'title', column.title_of(row));
    });
    set(known.element, 'aria-current', chosen ? 'true' : null);
    set(known.element, 'data-state', row.state);
  }

  add(key) {
    const cells = this.columns.map((column) => {
      const words = column.opens ? el('button', { type: 'button', tabindex: -1 }) : el('span');
      return { words, cell: el(column.opens ? 'th' : 'td', { scope: column.opens ? 'row' : null, class: `${column.key}${column.number ? ' number' : ''}` }, words) };
    });
    const element = el('tr', { 'data-key': key, onclick: () => this.open?.(this.rows.get(key)?.row, key) }, ...cells.map(({ cell }) => cell));
    this.body.append(element);
    const known = { element, cells };
    this.rows.set(key, known);
    return known;
  }

  arrange() {
    const { column, down } = this.order;
    const compare = (a, b) => {
      const [x, y] = [column.value(a.row), column.value(b.row)];
      // What is not known comes last, whichever way.
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
      const found = typeof x === 'string' ? byName(x, y) : x - y;
      return down ? -found : found;
    };
    const sorted = [...this.rows.entries()].sort((a, b) => compare(a[1], b[1]) || byName(a[0], b[0]));
    const focused = document.activeElement;
    sorted.forEach(([, { element }], index) => {
      if (this.body.children[index] !== element) this.body.insertBefore(element, this.body.children[index] || null);
    });
    if (focused !== document.activeElement && this.body.contains(focused)) focused.focus({ preventScroll: true });
    this.rove();
  }

  // -- Keys: Tab comes to one row, arrows go on -----------------------------------------------------------------------

  buttons() {
    return [...this.body.querySelectorAll('button')];
  }

  rove() {
    const buttons = this.buttons();
    const current = buttons.find((button) => button === document.activeElement) || buttons.find((button) => button.tabIndex === 0) || buttons[0];
    for (const button of buttons) if ((button.tabIndex === 0) !== (button === current)) button.tabIndex = button === current ? 0 : -1;
  }

  onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    const buttons = this.buttons();
    const at = buttons.indexOf(event.target);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, at + step))].focus();
    this.rove();
  }
}

// Tabs, and the divider between the graph and what is below it.

import { byId } from './dom.js';

/** Tabs by the ARIA practice: arrow keys go from one to the next, Tab goes on to what it shows. */
export function tabs(ids, onShow) {
  const all = ids.map((id) => ({ id, tab: byId(`tab-${id}`), panel: byId(`panel-${id}`) }));
  const show = (id) => {
    for (const one of all) {
      one.tab.setAttribute('aria-selected', String(one.id === id));
      one.tab.tabIndex = one.id === id ? 0 : -1;
      one.panel.hidden = one.id !== id;
    }
    onShow(id);
  };
  all.forEach(({ id, tab }, index) => {
    tab.addEventListener('click', () => show(id));
    tab.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = all[(index + step + all.length) % all.length];
      show(next.id);
      next.tab.focus();
    });
  });
  show(ids[0]);
  return show;
}

export function divider() {
  const [bar, main] = [byId('divider'), byId('main')];
  const place = (share) => {
    const bounded = Math.min(85, Math.max(15, share));
    main.style.setProperty('--upper', `${bounded}fr`);
    main.style.setProperty('--lower', `${100 - bounded}fr`);
    bar.setAttribute('aria-valuenow', String(Math.round(bounded)));
  };
  bar.addEventListener('pointerdown', (event) => {
    bar.setPointerCapture(event.pointerId);
    const move = ({ clientY }) => {
      const { top, height } = main.getBoundingClientRect();
      place(((clientY - top) / height) * 100);
    };
    bar.addEventListener('pointermove', move);
    bar.addEventListener('lostpointercapture', () => bar.removeEventListener('pointermove', move), { once: true });
  });
  bar.addEventListener('keydown', (event) => {
    const step = { ArrowUp: -5, ArrowDown: 5 }[event.key];
    if (!step) return;
    event.preventDefault();
    place(Number(bar.getAttribute('aria-valuenow')) + step);
  });
  place(58);
}

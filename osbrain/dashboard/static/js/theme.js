// Dark or light: as the system has it, unless somebody has chosen.

import { byId } from './dom.js';

const NEXT = { system: 'light', light: 'dark', dark: 'system' };
const SIGNS = { system: '◐', light: '☀', dark: '☾' };
const KEY = 'osbrain-theme';

export function setUpTheme() {
  const button = byId('theme');
  const apply = (theme) => {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = SIGNS[theme];
    button.title = `Colours: ${theme}`;
    button.setAttribute('aria-label', `Colours: ${theme}. Change to ${NEXT[theme]}`);
    button.onclick = () => {
      localStorage.setItem(KEY, NEXT[theme]);
      apply(NEXT[theme]);
    };
  };
  const known = localStorage.getItem(KEY);
  apply(known in NEXT ? known : 'system');
}

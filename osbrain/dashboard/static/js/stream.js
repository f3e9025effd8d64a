// The stream of changes: open while the page is visible, so that nobody is asked anything for a page that nobody sees.

// The server says something at least every five seconds.
const SILENCE = 12_000;
const AGAIN = 2_000;

export class Stream extends EventTarget {
  constructor(store) {
    super();
    this.store = store;
    this.logs = false;
    this.source = null;
    this.watchdog = 0;
    document.addEventListener('visibilitychange', () => this.turn());
    this.turn();
  }

  /** Have log lines too, or no more. */
  wantLogs(wanted) {
    if (this.logs === wanted) return;
    this.logs = wanted;
    if (this.source) this.open();
  }

  turn() {
    if (document.hidden) this.close();
    else if (!this.source) this.open();
  }

  open() {
    this.close();
    this.source = new EventSource(this.logs ? '/events?logs' : '/events');
    this.store.begin();
    this.source.onmessage = (event) => {
      this.alive();
      const patch = JSON.parse(event.data);
      this.tell('live');
      if (Object.keys(patch).length) this.store.take(patch);
    };
    this.source.onerror = () => this.lost();
    this.alive();
  }

  close() {
    clearTimeout(this.watchdog);
    this.source?.close();
    this.source = null;
  }

  alive() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.lost(), SILENCE);
  }

  async lost() {
    this.close();
    this.tell((await isRefused()) ? 'refused' : 'lost');
    this.watchdog = setTimeout(() => this.turn(), AGAIN);
  }

  tell(state) {
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }
}

// A server that was started again has another token: trying again would help nobody.
async function isRefused() {
  try {
    return (await fetch('/', { method: 'HEAD' })).status === 401;
  } catch {
    return false;
  }
}

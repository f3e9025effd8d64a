// The part of the graph that is seen: it follows the graph until somebody moves or zooms it.

const MARGIN = 28;
const [SMALLEST, LARGEST] = [0.12, 2.5];
// Agents are not drawn larger than this by themselves, however few there are.
const COMFORTABLE = 1.15;
// From which scale on all is written on a card, only the name, and the name in large letters.
const DISTANCES = [0.62, 0.4, 0];

export class Viewport {
  constructor(root, world) {
    this.root = root;
    this.world = world;
    this.size = [1, 1];
    this.follows = true;
    [this.scale, this.x, this.y] = [1, 0, 0];
    new ResizeObserver(() => this.follows && this.fit()).observe(root);
    root.addEventListener('wheel', (event) => this.onWheel(event), { passive: false });
    root.addEventListener('pointerdown', (event) => this.onDown(event));
    root.addEventListener('keydown', (event) => this.onKey(event));
    for (const [id, act] of [['zoom-in', () => this.zoom(1.25)], ['zoom-out', () => this.zoom(0.8)], ['zoom-fit', () => this.fit()]]) {
      document.getElementById(id).addEventListener('click', act);
    }
  }

  /** What there is to be filled, in steps, so that what is drawn there does not jump with each pixel. */
  get room() {
    const steps = (size) => Math.max(2, Math.round((size - 2 * MARGIN) / 100)) * 100;
    return { width: steps(this.root.clientWidth), height: steps(this.root.clientHeight) };
  }

  contain(width, height) {
    this.size = [width, height];
    if (this.follows) this.fit();
  }

  fit() {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (!width || !height) return;
    this.follows = true;
    const [across, down] = this.size;
    this.scale = Math.max(SMALLEST, Math.min(COMFORTABLE, (width - 2 * MARGIN) / across, (height - 2 * MARGIN) / down));
    this.x = (width - across * this.scale) / 2;
    this.y = (height - down * this.scale) / 2;
    this.apply();
  }

  zoom(factor, at = [this.root.clientWidth / 2, this.root.clientHeight / 2]) {
    const scale = Math.min(LARGEST, Math.max(SMALLEST, this.scale * factor));
    this.x = at[0] - ((at[0] - this.x) * scale) / this.scale;
    this.y = at[1] - ((at[1] - this.y) * scale) / this.scale;
    this.scale = scale;
    this.follows = false;
    this.apply();
  }

  move(dx, dy) {
    [this.x, this.y] = [this.x + dx, this.y + dy];
    this.follows = false;
    this.apply();
  }

  /** Move as far as it takes to see a place. */
  reveal(place) {
    const [x, y] = [place.x * this.scale + this.x, place.y * this.scale + this.y];
    const [mx, my] = [110 * this.scale + 10, 40 * this.scale + 10];
    const beyond = (value, margin, size) => (value < margin ? margin - value : value > size - margin ? size - margin - value : 0);
    const [dx, dy] = [beyond(x, mx, this.root.clientWidth), beyond(y, my, this.root.clientHeight)];
    if (dx || dy) this.move(dx, dy);
  }

  apply() {
    this.world.setAttribute('transform', `translate(${this.x.toFixed(2)} ${this.y.toFixed(2)}) scale(${this.scale.toFixed(4)})`);
    const distance = DISTANCES.findIndex((scale) => this.scale >= scale);
    if (distance === this.distance) return;
    this.distance = distance;
    this.root.dataset.distance = distance;
    this.root.dispatchEvent(new Event('distance'));
  }

  onWheel(event) {
    event.preventDefault();
    const { left, top } = this.root.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), [event.clientX - left, event.clientY - top]);
  }

  onDown(event) {
    if (event.button || event.target.closest('.card')) return;
    this.root.setPointerCapture(event.pointerId);
    const move = (moved) => this.move(moved.movementX, moved.movementY);
    this.root.classList.add('moving');
    this.root.addEventListener('pointermove', move);
    this.root.addEventListener('lostpointercapture', () => {
      this.root.classList.remove('moving');
      this.root.removeEventListener('pointermove', move);
    }, { once: true });
  }

  onKey(event) {
    const act = { '+': () => this.zoom(1.25), '=': () => this.zoom(1.25), '-': () => this.zoom(0.8), 0: () => this.fit() }[event.key];
    if (!act || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  }
}

// Small pictures of numbers: a curve of the last two minutes, and how long handling took.

import { svg } from './dom.js';
import { count, took } from './format.js';

const [WIDTH, HEIGHT] = [120, 28];

/** A curve of the latest values, with the area below it; nothing is drawn where there is no value. */
export function curve(values, most = Math.max(...values.filter((value) => value !== undefined), 0)) {
  const steps = Math.max(1, values.length - 1);
  const at = (value, index) => [(index / steps) * WIDTH, HEIGHT - 2 - ((most ? value / most : 0) * (HEIGHT - 6))];
  const runs = [[]];
  values.forEach((value, index) => {
    if (value === undefined) runs.push([]);
    else runs.at(-1).push(at(value, index));
  });
  const long = runs.filter((run) => run.length > 1);
  const line = (run) => run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L');
  return svg('svg', { class: 'curve', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    ...long.map((run) => svg('path', { class: 'area', d: `M${run[0][0].toFixed(1)} ${HEIGHT}L${line(run)}L${run.at(-1)[0].toFixed(1)} ${HEIGHT}z` })),
    ...long.map((run) => svg('path', { class: 'stroke', d: `M${line(run)}` })));
}

/** Bars of how often something took how long; each bar is twice as long a time as the one before. */
export function histogram({ bounds, counts, half, most, longest, mean }) {
  const used = counts.map((number, index) => (number ? index : -1)).filter((index) => index >= 0);
  if (!used.length) return null;
  const [first, last] = [Math.max(0, used[0] - 1), Math.min(counts.length - 1, used.at(-1) + 1)];
  const [bars, width, height] = [last - first + 1, 300, 56];
  const peak = Math.max(...counts);
  const step = width / Math.max(bars, 8);
  const total = counts.reduce((sum, number) => sum + number, 0);
  const parts = [];
  for (let index = first; index <= last; index += 1) {
    // The root shows the rare and slow ones too, which are those one looks for.
    const tall = counts[index] ? Math.max(2, Math.sqrt(counts[index] / peak) * (height - 4)) : 0;
    const [from, to] = [index ? bounds[index - 1] : 0, bounds[index]];
    const range = to === undefined ? `more than ${took(from)}` : `${took(from)} to ${took(to)}`;
    parts.push(svg('g', {}, svg('title', {}, `${range}: ${counts[index].toLocaleString()}`),
      svg('rect', { class: 'reach', x: (index - first) * step, y: 0, width: step, height }),
      svg('rect', { class: 'column', x: (index - first) * step + 1, y: height - tall, width: step - 2, height: tall, rx: 1.5 })));
  }
  const tick = (index, anchor) => svg('text', { x: (index - first) * step, y: height + 12, 'text-anchor': anchor },
    took(index ? bounds[index - 1] : 0));
  const words = `Handling times of ${count(total)}: on average ${took(mean)}, half below ${took(half)}, 99 % below ${took(most)}, the longest ${took(longest)}`;
  return svg('svg', { class: 'histogram', viewBox: `0 0 ${width} ${height + 15}`, role: 'img', 'aria-label': words },
    svg('line', { x1: 0, x2: width, y1: height, y2: height }), ...parts,
    tick(first, 'start'), tick(first + Math.ceil(bars / 2), 'middle'), bars > 3 ? tick(last, 'end') : null);
}

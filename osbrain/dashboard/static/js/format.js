// Numbers as people read them: three digits that matter, and a unit.

const STEPS = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']];

function short(value) {
  for (const [step, letter] of STEPS) {
    if (value >= step * 0.9995) return digits(value / step) + letter;
  }
  return digits(value);
}

function digits(value) {
  if (value >= 99.95 || Number.isInteger(value)) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(value < 0.095 ? 2 : 1).replace(/\.0$/, '');
}

export const count = (value) => (value === undefined ? '' : short(value));

/** Messages a second. */
export function rate(value) {
  if (value === undefined) return '';
  return value === 0 ? '0' : value < 0.01 ? '<0.01' : short(value);
}

export const perSecond = (value) => (value === undefined ? '' : `${rate(value)}/s`);

export function bytes(value) {
  if (value === undefined) return '';
  for (const [step, letter] of [[2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB']]) {
    if (value >= step) return `${digits(value / step)} ${letter}`;
  }
  return `${value.toFixed(0)} B`;
}

export const percent = (share) => (share === undefined ? '' : `${digits(share * 100)} %`);

/** A time that something took, in seconds. */
export function took(seconds) {
  if (seconds === undefined) return '';
  if (seconds < 0.000995) return `${digits(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${digits(seconds * 1e3)} ms`;
  return seconds < 120 ? `${digits(seconds)} s` : lasted(seconds);
}

/** A time for which something has lasted, in seconds. */
export function lasted(seconds) {
  if (seconds === undefined) return '';
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  return hours ? `${hours} h ${minutes} min` : `${minutes} min`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export const clock = (epoch) => CLOCK.format(epoch * 1000);
export const moment = (epoch) => DAY.format(epoch * 1000);

/** The last word of a class's full name. */
export const className = (kind) => (kind || '').split('.').pop();

// Making one for each comparison would take most of the time.
export const byName = new Intl.Collator(undefined, { numeric: true }).compare;

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

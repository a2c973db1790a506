/** Numbers as people read them. Unknown (null) is a dash, never a zero. */

export const UNKNOWN = '—';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Decimal units (IEC 80000-13): 1 kB = 1,000 B. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  let value = bytes;
  let unit = 0;
  // 999.5 would be rounded to four digits.
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 9.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Milliseconds in the unit that shows three significant digits at most. */
export function formatMs(ms: number | null): string {
  if (ms === null) return UNKNOWN;
  if (ms < 0.0095) return ms === 0 ? '0 ms' : `${Math.max(1, Math.round(ms * 1000))} µs`;
  if (ms < 0.095) return `${ms.toFixed(2)} ms`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  const s = ms / 1000;
  if (s < 9.995) return `${s.toFixed(2)} s`;
  if (s < 59.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(s / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const COUNT = new Intl.NumberFormat('en-US');

export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** `1 call`, `2 calls`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** A time on a ruler whose ticks are `step` ms apart: no more digits than tell two ticks apart. */
export function formatTick(ms: number, step: number): string {
  if (step < 1 && ms < 1000) return `${ms.toFixed(step < 0.1 ? 2 : 1)} ms`;
  if (step < 1000 && ms < 1000) return `${Math.round(ms)} ms`;
  const decimals = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : step >= 1 ? 3 : step >= 0.1 ? 4 : 5;
  if (ms < 60_000) return `${(ms / 1000).toFixed(decimals)} s`;
  // Rounded first, so that no 60 seconds are left over.
  const s = Number((ms / 1000).toFixed(decimals));
  const minutes = Math.floor(s / 60);
  const rest = (s - minutes * 60).toFixed(decimals).padStart(decimals === 0 ? 2 : decimals + 3, '0');
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}

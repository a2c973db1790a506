/**
 * Sizes, durations and counts: how every view and the command line write them, and how options are read.
 *
 * Sizes are binary (IEC 80000-13: 1 KiB = 1,024 B). What a user sets is a power of two, as the kernel's buffers
 * are (`--ring-size`) and as the default body limit is, so 65,536 bytes read `64 KiB` wherever they are shown.
 * Options take decimal units too (`1MB`), and each unit means what the standard says: 1 kB = 1,000 B.
 */
import { language, t } from './translate.ts';

/** Shown for unknown values; never a zero. */
export const UNKNOWN = '—';

const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `0 B`, `999 B`, `1.5 KiB`, `64 KiB`, `12 MiB`; a dash for null. */
export function sizeText(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  let value = bytes;
  let unit = 0;
  // 1023.5 would be rounded up to 1,024 of the smaller unit.
  while (value >= (unit === 0 ? 1024 : 1023.5) && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 9.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${SIZE_UNITS[unit]}`;
}

/** `850 µs`, `12.3 ms`, `240 ms`, `1.24 s`, `12.4 s`, `2m 5s`, `1h 0m`; a dash for null. */
export function durationText(ms: number | null): string {
  if (ms === null) return UNKNOWN;
  if (ms === 0) return '0 ms';
  if (ms < 0.9995) return `${Math.max(1, Math.round(ms * 1000))} µs`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  const minutes = Math.round(ms / 60_000);
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}

/** How often {@link elapsedText} changes, at most. */
export const ELAPSED_MS = 100;

/** While running: tenths of a second, so that it can be read while it changes. `0.3 s…`, `2m 5s…`. */
export function elapsedText(ms: number): string {
  const text = ms < 59_950 ? `${(Math.floor(ms / ELAPSED_MS) / 10).toFixed(1)} s` : durationText(ms);
  return `${text}…`;
}

let counts: { readonly language: string; readonly format: Intl.NumberFormat } | null = null;

/** `12,340`; grouped as the language does it. */
export function numberText(count: number): string {
  // Nothing to group. Loading ICU's data takes longer than all else that the command line does.
  if (Number.isInteger(count) && Math.abs(count) < 1_000) return String(count);
  if (counts?.language !== language())
    counts = { language: language(), format: new Intl.NumberFormat(language()) };
  return counts.format.format(count);
}

/**
 * `1 call`, `12,340 calls` in the user's language.
 * @param one text for one, and `many` for all other numbers: `{0}` is the number, the rest are `values`.
 */
export function counted(
  count: number,
  one: string,
  many: string,
  ...values: readonly (string | number)[]
): string {
  return t(count === 1 ? one : many, numberText(count), ...values);
}

/** `1 call`, `12,340 calls`: in English, for the command line. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

const MILLISECONDS: Readonly<Record<string, number>> = {
  us: 0.001,
  µs: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

const QUANTITY = /^(\d{1,15}(?:\.\d{1,6})?)([a-zµ]*)$/i;

/** `50ms`, `1.5s`, `2m` in milliseconds; null when it is not a duration. The unit is required. */
export function parseDuration(text: string): number | null {
  return parseQuantity(text, MILLISECONDS);
}

/** `64KiB`, `1MB`, `4096` in whole bytes; null when it is not a size. */
export function parseSize(text: string): number | null {
  const size = parseQuantity(text, BYTES);
  return size !== null && Number.isSafeInteger(size) ? size : null;
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | null {
  const [, number, unit] = QUANTITY.exec(text) ?? [];
  if (number === undefined || unit === undefined) return null;
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined;
  return factor === undefined ? null : Number(number) * factor;
}

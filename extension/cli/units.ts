/** Durations and sizes as a person writes them. */

const MILLISECONDS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
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

const QUANTITY = /^(\d{1,15}(?:\.\d{1,6})?)([a-z]*)$/i;

/** `50ms`, `1.5s`, `2m` in milliseconds; null when it is no duration. The unit must be there. */
export function parseDuration(text: string): number | null {
  return parseQuantity(text, MILLISECONDS);
}

/** `64KiB`, `1MB`, `4096` in whole bytes; null when it is no size. */
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

/** At most 4 significant characters and a unit: `0.42ms`, `12.3ms`, `4.2s`, `3m05s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 10) return `${milliseconds.toFixed(2)}ms`;
  if (milliseconds < 100) return `${milliseconds.toFixed(1)}ms`;
  if (milliseconds < 999.5) return `${milliseconds.toFixed(0)}ms`;
  if (milliseconds < 9_995) return `${(milliseconds / 1000).toFixed(2)}s`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)}s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
}

/** `0`, `812B`, `1.2K`, `64K`, `3.1M`: powers of 1024. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0';
  if (bytes < 1024) return `${bytes}B`;
  let value = bytes;
  for (const unit of 'KMGT') {
    value /= 1024;
    if (value < 9.95) return `${value.toFixed(1).replace(/\.0$/, '')}${unit}`;
    if (value < 1023.5 || unit === 'T') return `${value.toFixed(0)}${unit}`;
  }
  return `${bytes}B`;
}

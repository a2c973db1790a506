/** Label of a ruler tick, for ticks `step` ms apart, with enough digits to tell adjacent ticks apart. */
export function tickText(ms: number, step: number): string {
  if (step < 1 && ms > 0 && ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (step < 1 && ms < 1000) return `${ms.toFixed(step < 0.1 ? 2 : 1)} ms`;
  if (step < 1000 && ms < 1000) return `${Math.round(ms)} ms`;
  const decimals = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : step >= 1 ? 3 : step >= 0.1 ? 4 : 5;
  if (ms < 60_000) return `${(ms / 1000).toFixed(decimals)} s`;
  // Rounded first, so that seconds never become 60.
  const s = Number((ms / 1000).toFixed(decimals));
  const minutes = Math.floor(s / 60);
  const rest = (s - minutes * 60).toFixed(decimals).padStart(decimals === 0 ? 2 : decimals + 3, '0');
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}

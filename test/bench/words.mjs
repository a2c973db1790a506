// Figures of the benchmark as text.

const MIB = 2 ** 20;

export const HEADS = ['way', 'rate', 'ratio', 'p50', 'p99', 'CPU of each call', 'records lost', 'memory'];

/** One way of one scenario, for both tables. */
export function cells({ way, rate, ratio, p50, p99, cpuUs, kernelUs, lost, memory }) {
  const parts = Object.entries({ ...cpuUs, ...(kernelUs > 0 ? { 'of it kernel programs': kernelUs } : {}) });
  return [
    way,
    rate.toLocaleString('en', { maximumFractionDigits: rate < 10_000 ? 1 : 0 }),
    ratio.toFixed(2),
    time(p50),
    time(p99),
    parts.map(([part, us]) => `${part} ${us < 10 ? us.toFixed(1) : us.toFixed(0)} µs`).join(', '),
    lost === null ? '' : share(lost),
    memory.helper === null ? '' : `${size(memory.helper)} + ${size(memory.engine)}`,
  ];
}

export function share(value) {
  if (value === 0) return 'none';
  const percent = value * 100;
  return `${percent < 1 ? percent.toFixed(2) : percent.toFixed(0)} %`;
}

function time(ms) {
  if (ms === null) return '';
  return ms < 1 ? `${(ms * 1000).toFixed(0)} µs` : `${ms.toFixed(1)} ms`;
}

function size(bytes) {
  return `${(bytes / MIB).toFixed(0)} MiB`;
}

/** For a terminal. */
export function textTable({ id, name, unit, noise, results }) {
  const rows = [HEADS, ...results.map(cells)];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
  return [`${name} (${id}), ${unit}; noise ${share(noise)}`, ...lines].join('\n');
}

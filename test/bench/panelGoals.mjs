// The panel's performance goals (the design's "Scale"), beside what bench:panel has measured.
import { median } from './median.mjs';

/** A frame at 60 a second, with what its clock jitters, in milliseconds. */
const FRAME = 1_000 / 60;
const LATE = 1.5 * FRAME;

const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const mib = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
const spread = (values) =>
  values.length === 0
    ? 'nothing was seen'
    : `${ms(median(values))} (${ms(Math.min(...values))} to ${ms(Math.max(...values))})`;

function framesText(frames) {
  const late = frames.filter((frame) => frame > LATE).length;
  return `${spread(frames)}; ${((100 * late) / frames.length).toFixed(1)} % late`;
}

/** @returns {{ what: string, wanted: string, reached: string }[]} */
export function panelGoals({ starts, latencies, live, scroll, filters, memory, rows }) {
  const [cold = Number.NaN, ...warm] = starts;
  const { before, held, panel } = memory;
  const goal = (what, wanted, reached) => ({ what, wanted, reached });
  const count = rows.toLocaleString('en');
  return [
    goal('start of the first trace to the first row', '1 s', ms(cold)),
    goal('start of the next ones to the first row', '1 s', spread(warm)),
    goal('system call to the row on the screen', '50 ms', spread(latencies)),
    goal(
      `a frame while ${Math.round(live.perSecond).toLocaleString('en')} calls/s come`,
      '16.7 ms, none late',
      framesText(live.frames),
    ),
    goal(
      `a frame while scrolling ${scroll.rows.toLocaleString('en')} rows`,
      '16.7 ms, none late',
      framesText(scroll.frames),
    ),
    goal(`filter over ${count} rows (80 ms of it wait for the next letter)`, '100 + 80 ms', spread(filters)),
    goal(`memory for ${count} calls: the extension host's growth`, '400 MiB', mib(held.host - before.host)),
    goal(
      'the extension host as a whole, helper, heap of the panel',
      '',
      `${mib(held.host)}, ${mib(held.helper)}, ${mib(panel)}`,
    ),
  ];
}

import { WHOLE } from './tier.mjs';

/**
 * How many runs a property test makes: `whole` of them in `npm run test:all`, a tenth in `npm test`, where each run of the
 * suite draws other cases. HTTP_TRACE_RUNS is another factor: 100, to search for long by hand.
 * @param whole at least 1
 * @returns at least 10, or `whole` if that is less
 */
export function runs(whole: number): number {
  const factor = Number(process.env['HTTP_TRACE_RUNS'] ?? (WHOLE ? 1 : 0.1));
  if (!(factor > 0)) throw new RangeError('HTTP_TRACE_RUNS is not a positive number.');
  return Math.max(Math.min(10, whole), Math.ceil(whole * factor));
}

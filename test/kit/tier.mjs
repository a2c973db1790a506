// Which tests run: what every change has to pass (`npm test`), or all there is (`npm run test:all`, for releases).

/** HTTP_TRACE_TESTS=all: every variant, at full size. */
export const WHOLE = process.env.HTTP_TRACE_TESTS === 'all';

/**
 * The variants of one test that run: all, or in the short run `count` of them, from index `first` on, so that similar
 * tests can take different ones.
 * @template T
 * @param {readonly T[]} all
 * @param {number} [first] modulo the number of variants
 * @param {number} [count]
 * @returns {readonly T[]} in their order
 */
export function variants(all, first = 0, count = 1) {
  if (WHOLE) return all;
  return all.filter((_, at) => (at - (first % all.length) + all.length) % all.length < count);
}

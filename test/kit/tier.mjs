// Which tests run: what every change has to pass (`npm test`), or all there is (`npm run test:all`, for releases).

/** HTTP_TRACE_TESTS=all: every variant, at full size. */
export const WHOLE = process.env.HTTP_TRACE_TESTS === 'all';

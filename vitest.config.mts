import { defineConfig } from 'vitest/config';
import { WHOLE } from './test/kit/tier.mjs';

/** Counts frames: with the machine to itself. */
const SPEED = 'test/webview/speed.test.ts';
/** Measure the memory of their process, so that each has one of its own. */
const MEMORY = [
  'extension/engine/hostile.test.ts',
  'extension/engine/http2/hostile.test.ts',
  'extension/engine/openExchanges.test.ts',
  'extension/engine/tls/wire.test.ts',
];
/** Boots another kernel: in the long run only. */
const EMULATED = 'test/kernel/emulated.test.ts';
const BROWSER = 'test/webview/harness/browser.ts';

/** `unit` and `memory` need nothing but Node; `kernel`, `trust`, `bursts` and `soak` need root and a kernel with BTF; `webview` and `speed` need a Chromium. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'extension/**/*.test.ts',
            'helper/**/*.test.ts',
            'test/unit/**/*.test.ts',
            'test/kit/**/*.test.ts',
          ],
          exclude: MEMORY,
          // To start a process for each file costs more than most files' tests do.
          isolate: false,
          // Also what must not take quadratic time is caught by it: tests assert no times, as machines are busy.
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
      { test: { name: 'memory', include: MEMORY, testTimeout: 240_000 } },
      {
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          exclude: WHOLE ? [] : [EMULATED],
          setupFiles: ['test/kernel/setup.ts'],
          // As with `unit`: a process and its modules cost as much as a trace.
          isolate: false,
          // Most of their time they wait for programs that start and end.
          maxWorkers: 2,
          testTimeout: 240_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'trust',
          include: ['test/trust/**/*.test.ts'],
          setupFiles: ['test/kernel/setup.ts'],
          isolate: false,
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'bursts',
          include: ['test/bursts/bursts.test.ts'],
          setupFiles: ['test/kernel/setup.ts'],
          fileParallelism: false,
          testTimeout: 400_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'soak',
          include: ['test/bursts/soak.test.ts'],
          setupFiles: ['test/kernel/setup.ts'],
          testTimeout: 1_200_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'webview',
          include: ['test/webview/**/*.test.ts'],
          exclude: [SPEED],
          globalSetup: BROWSER,
          // The files share what they have open in the browser, one after the other.
          isolate: false,
          fileParallelism: false,
          // A busy machine takes its time; the default is a second.
          expect: { poll: { timeout: 20_000 } },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'speed',
          include: [SPEED],
          globalSetup: BROWSER,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});

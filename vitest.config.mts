import { defineConfig } from 'vitest/config';

/** `unit` needs nothing but Node; `kernel` needs root and a kernel with BTF; `webview` needs a Chromium. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['extension/**/*.test.ts', 'helper/**/*.test.ts', 'test/unit/**/*.test.ts'],
          // A property test makes hundreds of cases, and a machine may be busy with others.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts', 'test/trust/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'webview',
          include: ['test/webview/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});

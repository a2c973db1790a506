import { afterEach, describe, expect, it, vi } from 'vitest';

async function variantsIn(tests: string | undefined): Promise<typeof import('./tier.mjs').variants> {
  vi.stubEnv('HTTP_TRACE_TESTS', tests);
  vi.resetModules();
  return (await import('./tier.mjs')).variants;
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

describe('variants', () => {
  it('are all of them for a release', async () => {
    const variants = await variantsIn('all');
    expect(variants(['a', 'b', 'c'], 1)).toEqual(['a', 'b', 'c']);
  });

  it('are as many as asked for in the short run, from any of them on', async () => {
    const variants = await variantsIn(undefined);
    expect(variants(['a', 'b', 'c'])).toEqual(['a']);
    expect(variants(['a', 'b', 'c'], 5)).toEqual(['c']);
    expect(variants(['a', 'b', 'c'], 2, 2)).toEqual(['a', 'c']);
    expect(variants(['a'], 0, 3)).toEqual(['a']);
  });
});

import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { expect, it } from 'vitest';
import { MAX_LINE } from './findings.ts';
import { MAX_A_SECOND, openPipe } from './pipe.ts';

async function received(write: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  let onEnd = () => {};
  const ended = new Promise<void>((resolve) => {
    onEnd = resolve;
  });
  const pipe = await openPipe((line) => {
    lines.push(line);
    if (line === 'end') onEnd();
  });
  const writer = createWriteStream(pipe.path);
  for (const text of write) writer.write(text);
  writer.end();
  await finished(writer);
  // In another second than the rest, so that it is taken; again, if this process read both in the same one.
  const last = createWriteStream(pipe.path);
  const timer = setInterval(() => last.write('\nend\n'), 1_100);
  try {
    await ended;
  } finally {
    clearInterval(timer);
    last.end();
  }
  await finished(last);
  pipe.dispose();
  return lines.filter((line) => line !== '' && line !== 'end');
}

it('takes lines that were written in pieces, and none that is longer than a hook writes', async () => {
  expect(await received(['on', 'e\ntwo\n', 'x'.repeat(20 * MAX_LINE), '\nthree\n'])).toEqual(
    expect.arrayContaining(['one', 'two', 'three']),
  );
});

it('reads some thousand lines a second from a program that writes endlessly', async () => {
  const before = performance.now();
  const lines = await received(Array.from({ length: 100 }, () => 'a\n'.repeat(1_000)));
  const seconds = Math.ceil((performance.now() - before) / 1_000) + 1;
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThanOrEqual(Math.min(seconds * MAX_A_SECOND, 50_000));
});

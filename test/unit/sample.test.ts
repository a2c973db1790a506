import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { freePort } from '../../scripts/freePort.mjs';

const folder = join(import.meta.dirname, '../fixtures/sample');
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill();
});

/** Starts a program of the sample. Resolves with the first line it writes that has these words, or how it ended. */
function says(script: string, port: number, words: string): Promise<string> {
  const child = spawn(process.execPath, [join(folder, script)], {
    env: { ...process.env, PORT: String(port), NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  return new Promise((resolve) => {
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const line = text.split('\n').find((one) => one.includes(words));
      if (line !== undefined) resolve(line);
    });
    child.once('exit', (code) => resolve(`ended with ${code}`));
  });
}

it('has a customer who may come before the shop opens', async () => {
  const port = await freePort();
  const customer = says('customer.js', port, 'A round of 11 calls');
  expect(await says('customer.js', port, 'does not answer')).toContain('ECONNREFUSED');
  expect(await says('shop.js', port, 'open')).toContain(String(port));
  expect(await customer).toBe('A round of 11 calls: 200 200 200 200 201 204 200 301 404 500 200');
});

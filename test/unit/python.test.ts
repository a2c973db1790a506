import { tmpdir } from 'node:os';
import { afterAll, expect, it } from 'vitest';
import { Python } from './python.ts';

const python = new Python(tmpdir());
afterAll(() => python.end());

it('runs each program by itself', async () => {
  expect(String(await python.run("one = 'ü'\nprint(one)"))).toBe('ü\n');
  await expect(python.run('print(one)')).rejects.toThrow("NameError: name 'one' is not defined");
});

it('says how a program failed', async () => {
  await expect(python.run('print(')).rejects.toThrow('SyntaxError');
  await expect(python.run('import sys\nsys.exit(3)')).rejects.toThrow('SystemExit: 3');
  await expect(python.run('import os\nos.kill(os.getpid(), 9)')).rejects.toThrow('ended with -9');
  expect(String(await python.run('print(input() if False else 1)'))).toBe('1\n');
});

import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Child, endAll } from './process.ts';

afterEach(async () => {
  await endAll();
});

describe('Child', () => {
  it('hands out the lines of its standard output one by one, and keeps them all', async () => {
    const child = Child.of(['sh', '-c', 'echo one; echo two; read -r line; echo "$line"']);
    expect([await child.line(), await child.line()]).toEqual(['one', 'two']);
    child.endInput('three\n');
    expect(await child.line()).toBe('three');
    expect(child.lines).toEqual(['one', 'two', 'three']);
    expect(await child.ended).toEqual({ code: 0, signal: null, stdout: 'one\ntwo\nthree\n', stderr: '' });
    expect(child.hasEnded).toBe(true);
  });

  it('keeps each byte of the output as a character', async () => {
    const { stdout } = await Child.of(['printf', '\\xff\\x80\\x00']).ended;
    expect(Buffer.from(stdout, 'latin1')).toEqual(Buffer.from([0xff, 0x80, 0x00]));
  });

  it('reports the exit code, or else the signal', async () => {
    expect(await Child.of(['sh', '-c', 'exit 3']).status).toBe(3);
    expect(await Child.of(['sh', '-c', 'kill -TERM $$']).status).toBe('SIGTERM');
  });

  it('an error says what was waited for and quotes the standard error', async () => {
    const child = Child.of(['sh', '-c', 'echo trouble >&2; exit 1']);
    await expect(child.line()).rejects.toThrow('sh ended (exit code 1) before a line: trouble');
    await expect(child.untilStderr('more')).rejects.toThrow('sh ended (exit code 1) before "more"');
    const silent = Child.of(['sleep', '60']);
    await expect(silent.until(() => false, 'port', 50)).rejects.toThrow(/no port within 0.05 s/);
  });

  it('a program that does not exist is an error at once', async () => {
    const child = Child.of(['/no/such/program']);
    await expect(child.line()).rejects.toThrow('ENOENT');
    await expect(child.ended).rejects.toThrow('ENOENT');
  });

  it('is killed after its time, and not before', async () => {
    const slow = Child.of(['sleep', '60']);
    slow.killAfter(50);
    expect(await slow.status).toBe('SIGKILL');
    const quick = Child.of(['true']);
    quick.killAfter(60_000);
    expect(await quick.status).toBe(0);
  });
});

describe('endAll', () => {
  it('ends what still runs', async () => {
    const child = Child.of(['sleep', '60']);
    const { pid } = child;
    expect(await endAll(60_000)).toEqual([]);
    expect((await child.ended).signal).toBe('SIGKILL');
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('returns those whose pipes something else still holds', async () => {
    const child = Child.of(['sh', '-c', 'sleep 3 & echo started; wait']);
    await child.line();
    expect(await endAll(100)).toEqual([child]);
    await child.ended;
  });

  it('has ended although a descendant lives on that holds its pipes', { timeout: 30_000 }, async () => {
    const child = Child.of(['sh', '-c', 'sleep 300 & echo $!']);
    const sleeper = Number(await child.line());
    const { code, stderr } = await child.ended;
    process.kill(sleeper);
    expect([code, stderr]).toEqual([0, '\n(A descendant that lives on holds the pipes.)']);
  });
});

/** A hostile user's program (attacker.c) instead of the helper, as `nobody`. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Installed, NOBODY, Requester } from './rig.ts';

export function compile(source: string, output: string, ...options: string[]): void {
  const { status, stderr } = spawnSync('gcc', ['-O1', '-Wall', '-o', output, source, ...options], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

/** Characters of all steps of one attack, somewhat less than a path may have. */
export const MOST_STEPS = 3_900;

export class Attacker {
  readonly program: string;
  readonly #installed: Installed;
  readonly #requesters: Requester[] = [];

  constructor(installed: Installed) {
    this.#installed = installed;
    this.program = join(installed.directory, 'attacker');
    compile('test/trust/attacker.c', this.program);
  }

  /**
   * Its reports on its steps.
   * @param onLine called with each line as it comes
   */
  async run(
    steps: readonly string[],
    way: 'multi' | 'perf' | 'auto' = 'auto',
    onLine?: (line: string) => void,
  ): Promise<string[]> {
    const installed = this.#installed;
    const requester = await Requester.listen(installed, installed.socketDirectory(NOBODY), NOBODY);
    this.#requesters.push(requester);
    // The loader takes any path for the helper's, and gives it to the program as its first argument.
    const script = `/${steps.join(';')}`;
    expect(script.length).toBeLessThan(MOST_STEPS + 100);
    const loader = spawn(
      installed.loader,
      ['--socket', requester.socket, '--node', this.program, '--helper', script, '--tls-attach', way],
      { env: { SUDO_UID: String(NOBODY) }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const lines: string[] = [];
    let rest = '';
    loader.stderr?.on('data', (piece: Buffer) => {
      const parts = `${rest}${piece}`.split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        onLine?.(line);
      }
    });
    await new Promise((done) => loader.once('close', done));
    return lines;
  }

  /** Its reports when it runs outside of a trace. */
  beside(steps: readonly string[]): string[] {
    const options = { uid: NOBODY, gid: NOBODY, encoding: 'utf8' } as const;
    return spawnSync(this.program, [steps.join(';')], options)
      .stderr.trim()
      .split('\n');
  }

  close(): void {
    for (const requester of this.#requesters) requester.process.kill();
  }
}

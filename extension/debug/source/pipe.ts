/**
 * The channel from hooks in debugged programs to the extension: a named pipe in a private folder. It needs no network,
 * buffers at most 64 KB, and keeps what a program wrote even if it ends at once.
 */
import { execFile } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MAX_LINE } from './findings.ts';

/** Maximum lines a second; a program that sends more has not made so many calls. */
export const MAX_A_SECOND = 5_000;

export interface FindingsPipe {
  readonly path: string;
  dispose(): void;
}

/** @throws where no pipe can be made. */
export async function openPipe(take: (line: string) => void): Promise<FindingsPipe> {
  // mkdtemp creates it with mode 0700: no other user can write or read.
  const folder = await mkdtemp(join(tmpdir(), 'http-trace-source-'));
  const path = join(folder, 'findings');
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await promisify(execFile)('mkfifo', ['-m', '600', path]);
    // Opened for writing too: otherwise the reader gets EOF whenever the last writer closes the pipe.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const socket = new Socket({ fd, readable: true, writable: false });
    let rest = '';
    let second = 0;
    let taken = 0;
    socket.setEncoding('utf8');
    socket.on('data', (data: string) => {
      const lines = (rest + data).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE) rest = '';
      const now = Math.floor(performance.now() / 1_000);
      if (now !== second) [second, taken] = [now, 0];
      for (const line of lines.slice(0, MAX_A_SECOND - taken)) take(line);
      taken = Math.min(MAX_A_SECOND, taken + lines.length);
    });
    socket.on('error', () => {});
    return {
      path,
      dispose: () => {
        socket.destroy();
        void remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

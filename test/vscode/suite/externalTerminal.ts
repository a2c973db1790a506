/** The terminal beside VS Code in which debuggers start programs: xterm, on an invisible display. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/**
 * Opens the display, and has VS Code use xterm on it: by the environment of this process, which starts the terminals, as
 * the setting for it is one of the desktop alone.
 * @returns what takes both back: the terminals close with their display.
 */
export async function openExternalTerminals(): Promise<() => void> {
  // It takes a number that is free, and says which.
  const options = ['-displayfd', '3', '-screen', '0', '640x480x24', '-nolisten', 'tcp'];
  const display = spawn('Xvfb', options, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const number = await firstLine(display);
  // By this name VS Code looks for a terminal on Debian; which one it means may have been chosen otherwise.
  const commands = mkdtempSync(join(tmpdir(), 'http-trace-terminal-'));
  symlinkSync('/usr/bin/xterm', join(commands, 'x-terminal-emulator'));
  const { PATH, DISPLAY } = process.env;
  Object.assign(process.env, { PATH: `${commands}:${PATH}`, DISPLAY: `:${number}` });
  return () => {
    Object.assign(process.env, { PATH });
    if (DISPLAY === undefined) delete process.env['DISPLAY'];
    else Object.assign(process.env, { DISPLAY });
    display.kill();
    rmSync(commands, { recursive: true });
  };
}

async function firstLine(display: ChildProcess): Promise<string> {
  const said = once(display.stdio[3] as Readable, 'data').then(([chunk]) => String(chunk).trim());
  const ended = once(display, 'exit').then(([code]) => code);
  const first = await Promise.race([said, ended]);
  assert(typeof first === 'string', `Xvfb has ended with status ${first}`);
  return first;
}

/** Handles signals: passes them on to a command, or takes them as a request to stop. */
import { readFileSync } from 'node:fs';

import { statAfterName } from '../../helper/procStat.ts';

const FORWARDED = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;
const FROM_KEYBOARD: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/** Passes signals on until the returned function is called. */
export function forwardSignals(to: (signal: NodeJS.Signals) => void): () => void {
  const forward = (signal: NodeJS.Signals): void => {
    // A key press already signals every process of the terminal's foreground group, so it is not passed on.
    if (FROM_KEYBOARD.has(signal) && inForeground()) return;
    to(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
  };
}

const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Calls the next function at each Ctrl+C, SIGTERM or SIGHUP; once all were called, a further signal has its default
 * effect.
 */
export function whenAskedToStop(...steps: readonly (() => void)[]): void {
  const left = [...steps];
  const take = (): void => {
    left.shift()?.();
    if (left.length === 0) for (const signal of STOPPING) process.off(signal, take);
  };
  for (const signal of STOPPING) process.on(signal, take);
}

/**
 * Until the returned function is called, a signal that ends this program calls `cleanUp` first, then has its default
 * effect.
 */
export function cleanUpWhenStopped(cleanUp: (signal: NodeJS.Signals) => void): () => void {
  const restore = (): void => {
    for (const signal of STOPPING) process.off(signal, take);
  };
  const take = (signal: NodeJS.Signals): void => {
    cleanUp(signal);
    restore();
    process.kill(process.pid, signal);
  };
  for (const signal of STOPPING) process.on(signal, take);
  return restore;
}

/** Whether this process is in the foreground group of its terminal (proc_pid_stat(5): pgrp, tpgid). */
function inForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = statAfterName(stat).split(' ');
    return fields[5] !== '-1' && fields[2] === fields[5];
  } catch {
    return false;
  }
}

/** The gate (helper/loader/gate.c): the process of a command, which waits until the trace has attached to it. */
import { type ChildProcess, type IOType, spawn } from 'node:child_process';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { TraceError } from '../capture/trace.ts';

/** The descriptor between the gate and its parent. */
const GATE_DESCRIPTOR = 3;
const NOT_STARTED = 'The program that starts the command (gate) could not be started.';

/** @param stdio of the command: its input, output and errors; a number is a descriptor of this process */
export function spawnGate(
  nativePath: string,
  command: readonly [string, ...string[]],
  stdio: readonly [IOType | number, IOType | number, IOType | number],
): ChildProcess {
  return spawn(join(nativePath, 'gate'), command, { stdio: [...stdio, 'pipe'] });
}

/**
 * Attaches to the gate, then lets it execute its command.
 * @throws TraceError when it could not be started or has ended, and what `attach` throws; the command is not executed then
 */
export async function openGate(
  child: ChildProcess,
  attach: (pid: number) => Promise<unknown>,
): Promise<void> {
  const gate = child.stdio[GATE_DESCRIPTOR];
  if (child.pid === undefined || !(gate instanceof Duplex)) throw new TraceError('helper', NOT_STARTED);
  // The command may end, or be ended, before it reads its byte.
  gate.on('error', () => {});
  try {
    await waits(gate);
    await attach(child.pid);
  } catch (error) {
    gate.destroy();
    throw error;
  }
  gate.end('\n');
}

/** Until the gate's byte arrives, its own execve may still run, and /proc lacks its command. */
function waits(gate: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    gate.once('data', () => resolve());
    gate.once('close', () => reject(new TraceError('helper', NOT_STARTED)));
  });
}

/** A program that is traced for long: memory is bounded however many calls there were, and none of them is lost. */

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeTraced, ROOT, temporaryFolder } from '../kernel/support/environment.ts';
import { WindowTrace } from '../kit/windowTrace.ts';
import { Client, nginx } from './programs.ts';
import { expectCounters } from './rows.ts';

const SECONDS = Number(process.env['HTTP_TRACE_SOAK_SECONDS'] ?? 600);
const CONNECTIONS = 10;
/** Calls a second of each connection. */
const PACE = 100;
const SIZE = 1024;

const MIB = 2 ** 20;
/** Of the helper without Node's executable, and of the engine with 100,000 calls: design/load.md. */
const HELPER_BYTES = 60 * MIB;
const ENGINE_BYTES = 300 * MIB;

const folder = temporaryFolder();

describeTraced('a soak', () => {
  it(`${SECONDS} s at ${CONNECTIONS * PACE} calls a second`, async () => {
    const server = await nginx(folder, SIZE);
    const trace = await WindowTrace.start(join(ROOT, 'dist'), folder, server.pids, {
      rows: false,
      held: true,
    });
    const load = ['--h1', '-c', CONNECTIONS, '-D', SECONDS, `--rps=${PACE}`].map(String);
    const client = new Client(['h2load', ...load, `http://127.0.0.1:${server.port}/`]);
    const said = await client.go(SECONDS * 1000);
    const { count, status, memory } = await trace.stop();
    expectCounters(status);
    const succeeded = Number(/ (\d+) succeeded/.exec(said)?.[1]);
    expect(succeeded).toBeGreaterThan(CONNECTIONS);
    expect(status.counters.droppedData + status.counters.droppedStructure).toBe(0);
    // What is in flight when the client stops is a call as well.
    expect(count).toBeGreaterThanOrEqual(succeeded);
    expect(count).toBeLessThanOrEqual(succeeded + 2 * CONNECTIONS);
    const mib = Object.entries(memory).map(([name, bytes]) => `${name} ${Math.round((bytes ?? 0) / MIB)}`);
    console.log(`${count} calls; MiB: ${mib.join(', ')}`);
    expect(memory.engineHeld).toBeLessThanOrEqual(ENGINE_BYTES);
    expect(memory.helperOwn).toBeLessThanOrEqual(HELPER_BYTES);
  });
});

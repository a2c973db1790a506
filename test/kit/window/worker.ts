/**
 * The engine's thread of the extension (extension/capture/worker.ts), with what no view needs: another ring size, and
 * the helper's last counters. Its settings are JSON in the environment, because the extension's code starts it.
 */
import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { type Capture, type CaptureOptions, startCapture } from '../../../extension/capture/capture.ts';
import { Priority } from '../../../extension/capture/priority.ts';
import { packed } from '../../../extension/capture/rowMessage.ts';
import { FLUSH_INTERVAL, TraceWorker } from '../../../extension/capture/traceWorker.ts';
import type { ToWorker } from '../../../extension/capture/workerProtocol.ts';
import { FrameType } from '../../../helper/protocol.ts';
import { assert } from '../check.ts';
import { readSettings, type WindowHeld } from './settings.ts';

const port = parentPort;
if (port === null) throw new Error('This runs as a worker thread only.');
const settings = readSettings();

async function start(options: CaptureOptions): Promise<Capture> {
  const capture = await startCapture({
    ...options,
    nativePath: join(settings.dist, 'native'),
    helperPath: join(settings.dist, 'helper.js'),
    ...(settings.ringSize === null ? {} : { ringSize: settings.ringSize }),
  });
  const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  writeFileSync(settings.facts, JSON.stringify({ helper: capture.hello.helperPid, thread }));
  return {
    hello: capture.hello,
    ended: capture.ended,
    attach: (pid, children) => capture.attach(pid, children),
    seed: (pid) => capture.seed(pid),
    turnIntoSeed: (pid) => capture.turnIntoSeed(pid),
    detach: (pid) => capture.detach(pid),
    setBreak: (what) => capture.setBreak(what),
    onBreak: (listener) => capture.onBreak(listener),
    stop: () => capture.stop(),
    cutShort: () => capture.cutShort(),
    // Events before the first listener are kept for it, so this wraps that listener.
    onEvent: (listener) =>
      capture.onEvent((event, frame) => {
        if (event.type === FrameType.Status && event.status.final) {
          writeFileSync(settings.status, JSON.stringify(event.status));
          if (settings.held !== null) writeFileSync(settings.held, JSON.stringify(held()));
        }
        listener(event, frame);
      }),
  };
}

function held(): WindowHeld {
  assert(globalThis.gc !== undefined, 'This process has no gc: --expose-gc.');
  globalThis.gc();
  const { heapUsed: heap, arrayBuffers: buffers } = process.memoryUsage();
  return { heap, buffers };
}

const worker = new TraceWorker((message) => port.postMessage(packed(message)), start, new Priority());
port.on('message', (message: ToWorker) => worker.take(message));
setInterval(() => worker.flush(), FLUSH_INTERVAL);

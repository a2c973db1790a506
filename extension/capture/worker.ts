/** Entry of the engine's thread: see traceWorker.ts. */
import { parentPort } from 'node:worker_threads';
import { startCapture } from './capture.ts';
import { Priority } from './priority.ts';
import { packed } from './rowMessage.ts';
import { FLUSH_INTERVAL, TraceWorker } from './traceWorker.ts';
import type { ToWorker } from './workerProtocol.ts';

const port = parentPort;
if (port === null) throw new Error('worker.js runs as a worker thread only.');
const worker = new TraceWorker((message) => port.postMessage(packed(message)), startCapture, new Priority());
port.on('message', (message: ToWorker) => worker.take(message));
setInterval(() => worker.flush(), FLUSH_INTERVAL);

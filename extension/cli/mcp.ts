/** `http-trace mcp`: the tools for language models over a recording, running processes, or a command. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { type HelperEvent, readEvent } from '../../helper/events.ts';
import { FrameType } from '../../helper/protocol.ts';
import { type Capture, startCapture } from '../capture/capture.ts';
import { RecordingReader } from '../capture/recording.ts';
import { DEFAULT_BODY_LIMIT } from '../engine/limits.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import type { McpTraced, TraceOptions } from './arguments.ts';
import { HELPER_PATH, NATIVE_PATH } from './bundlePaths.ts';
import { EXIT_FAILED, EXIT_OK } from './exitStatus.ts';
import { openGate, spawnGate } from './gate.ts';
import { HeldCalls } from './heldCalls.ts';
import { actAsInvoker, becomeInvoker } from './invoker.ts';
import { McpServer } from './mcpServer.ts';
import { openProtos } from './protos.ts';
import { troubleOf } from './replay.ts';
import { say } from './say.ts';
import { whenAskedToStop } from './signals.ts';

const PIECE = 1024 * 1024;
/** Milliseconds that the command has to end after SIGTERM. */
const END_PATIENCE_MS = 5_000;

/** Resolves with the exit status. @throws TraceError, Exit */
export async function mcp(
  traced: McpTraced,
  options: TraceOptions,
  ownLimit: boolean,
  version: string,
): Promise<number> {
  const protos = await openProtos(options.proto);
  if (traced.kind === 'recording') return serveRecording(traced.file, options, ownLimit, protos, version);
  const lent = traced.kind === 'processes' && actAsInvoker(traced.pids);
  const calls = new HeldCalls(options.bodyLimit, protos);
  const capture = await start(options).finally(() => lent && becomeInvoker());
  capture.onEvent((event) => calls.take(event));
  capture.ended.then(({ fault }) => calls.end(fault ?? 'The trace has ended.'));
  let child: ChildProcess | null = null;
  try {
    if (traced.kind === 'command') child = await release(capture, traced.command, options.children);
    else for (const pid of traced.pids) await capture.attach(pid, options.children);
    await served(new McpServer(calls, version));
  } finally {
    if (child !== null) await endChild(child);
    await capture.stop();
  }
  return EXIT_OK;
}

async function serveRecording(
  file: string,
  options: TraceOptions,
  ownLimit: boolean,
  protos: ProtoSchema | null,
  version: string,
): Promise<number> {
  const name = JSON.stringify(file);
  const recording = new RecordingReader();
  let calls: HeldCalls | null = null;
  try {
    for await (const piece of createReadStream(file, { highWaterMark: PIECE })) {
      for (const frame of recording.push(piece)) {
        const event: HelperEvent = readEvent(frame);
        const own = event.type === FrameType.Hello ? event.hello.bodyLimit : DEFAULT_BODY_LIMIT;
        calls ??= new HeldCalls(ownLimit ? options.bodyLimit : own, protos);
        calls.take(event);
      }
    }
    if (recording.finish().kind === 'cut') say(`${name} is truncated; the tools see what is there.`);
  } catch (error) {
    say(troubleOf(name, error));
    if (calls === null) return EXIT_FAILED;
  }
  calls ??= new HeldCalls(options.bodyLimit, protos);
  calls.end('The recording holds no calls.');
  await served(new McpServer(calls, version));
  return EXIT_OK;
}

function start(options: TraceOptions): Promise<Capture> {
  return startCapture({
    nativePath: NATIVE_PATH,
    helperPath: HELPER_PATH,
    bodyLimit: options.bodyLimit,
    backend: options.backend,
    ...(options.ringSize === null ? {} : { ringSize: options.ringSize }),
    ...(options.backlog === null ? {} : { backlog: options.backlog }),
    verbose: options.verbose,
    tls: options.tls,
  });
}

/** Serves until the input is closed, or a signal asks to stop. */
function served(server: McpServer): Promise<void> {
  const asked = new Promise<void>((resolve) => whenAskedToStop(resolve));
  return Promise.race([server.serve(process.stdin, process.stdout), asked]);
}

/** Starts the command once it is traced. Standard input and output belong to the protocol. @throws TraceError */
async function release(
  capture: Capture,
  command: readonly [string, ...string[]],
  children: boolean,
): Promise<ChildProcess> {
  const child = spawnGate(NATIVE_PATH, command, ['ignore', 2, 2]);
  child.on('error', () => {}); // openGate reports it.
  await openGate(child, (pid) => capture.attach(pid, children));
  return child;
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_PATIENCE_MS);
  await ended;
  clearTimeout(timer);
}

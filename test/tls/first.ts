/** The first call is never missed: programs that make one call and end, started by `run` many times. */
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { candidatePaths } from '../../helper/tls/candidates.ts';
import { assert, same } from '../kit/check.ts';
import { untilIdle } from '../kit/holding.ts';
import { descendantsOf, helperOf } from '../kit/kernel.ts';
import { newId, PYTHON } from '../kit/peers.ts';
import { PATIENCE_MS } from '../kit/process.ts';
import type { Report } from '../kit/report.ts';
import { Tracing } from '../kit/tracing.ts';
import type { TlsContext } from './context.ts';
import { PlannedServer } from './counterpart.ts';
import { expectTruth } from './expect.ts';
import type { Library } from './peers.ts';
import { lineOf, makeStep, type Step } from './plan.ts';

const TIMES = 20;
/** With perf: ending a trace takes seconds then, as the kernel waits for each probe separately. */
const TIMES_FEW = 5;
/** In the sample of `npm test`, and in each emulated kernel. */
const TIMES_SAMPLED = 1;

function timesOf({ slow, few, sampled }: TlsContext): number {
  if (slow || sampled !== null) return TIMES_SAMPLED;
  return few ? TIMES_FEW : TIMES;
}

interface Program {
  readonly name: string;
  readonly library: Library;
  /** It waits before its call until this releases it. */
  readonly waits?: (
    context: TlsContext,
    step: Step,
    tracing: Tracing,
    answered: Promise<unknown>,
  ) => Promise<void>;
  command(context: TlsContext, url: string, step: Step): string[];
}

function curlWords(context: TlsContext, url: string, { id }: Step): string[] {
  return [
    'curl',
    '-sS4',
    '--noproxy',
    '*',
    '--cacert',
    `${context.certificates}/ca.pem`,
    '-H',
    `X-Trace-Id: ${id}`,
    url,
  ];
}

/** Repetitions for programs that wait: few, as their result does not depend on timing. */
const TIMES_WAITING = 3;

/** Milliseconds after which a helper has begun to inspect a program, and on an idle machine has done so. */
const LOOKING_AHEAD = 1_000;
/** With perf, each of its files may wait while the kernel removes probes of the traces before (docs/tls.md). */
const LOOKING_AHEAD_PERF = 5_000;
const LOOKING_AHEAD_SLOW = 20_000;

/** Marks that it runs, and loads what its call needs once it may go on. */
function heldText(marks: Marks): string {
  return `import os, time
open('${marks.running}', 'w').close()
while not os.path.exists('${marks.go}'): time.sleep(0.01)
`;
}

/** Files by which a held program and its test signal their progress to each other. */
interface Marks {
  readonly running: string;
  readonly go: string;
}

function marksOf({ folder }: TlsContext, { id }: Step): Marks {
  return { running: join(folder, `${id}.running`), go: join(folder, `${id}.go`) };
}

function pythonText({ certificates }: TlsContext, url: string, { id }: Step): string {
  return `import ssl, urllib.request as u
request = u.Request('${url}', headers={'X-Trace-Id': '${id}'})
u.urlopen(request, context=ssl.create_default_context(cafile='${certificates}/ca.pem')).read()`;
}

const PROGRAMS: readonly Program[] = [
  { name: 'curl', library: 'openssl', command: curlWords },
  {
    name: 'a short Python script',
    library: 'openssl',
    command: (context, url, step) => [PYTHON, '-c', pythonText(context, url, step)],
  },
  {
    name: 'a shell script that starts curl',
    library: 'openssl',
    command: (context, url, step) => {
      const file = join(context.folder, `${step.id}.sh`);
      const words = curlWords(context, url, step).map((word) => `'${word}'`);
      writeFileSync(file, `#!/bin/sh\n${words.join(' ')} | cat\n`, { mode: 0o755 });
      return [file];
    },
  },
  {
    // The program is not the command of `run` itself, and its libraries are not the system's.
    name: 'a shell script that starts Python with an OpenSSL of its own',
    library: 'openssl',
    waits: withoutHelper,
    command: (context, url, step) => {
      const script = join(context.folder, `${step.id}.sh`);
      const file = join(context.folder, `${step.id}.py`);
      writeFileSync(file, heldText(marksOf(context, step)) + pythonText(context, url, step));
      const command = `LD_LIBRARY_PATH='${context.programs}/own' ${PYTHON} '${file}'`;
      writeFileSync(script, `#!/bin/sh\n${command}\nexit $?\n`, { mode: 0o755 });
      return [script];
    },
  },
  {
    name: 'Python in a container with an OpenSSL of its own',
    library: 'openssl',
    waits: withoutHelper,
    command: (context, url, step) => {
      const file = join(context.folder, `${step.id}.py`);
      writeFileSync(file, heldText(marksOf(context, step)) + pythonText(context, url, step));
      const mounts = readdirSync(join(context.programs, 'own')).map((name) => {
        const system = candidatePaths().find((path) => basename(path) === name);
        return `mount --bind '${context.programs}/own/${name}' '${system}'`;
      });
      return ['unshare', '-m', 'sh', '-c', [...mounts, `exec ${PYTHON} '${file}'`].join(' && ')];
    },
  },
  {
    // It lives for less time than finding its probes takes.
    name: 'a short Go client that a shell starts',
    library: 'go',
    command: ({ programs, certificates }, url, { id }) => [
      ...['sh', '-c', `'${programs}/short' '${url}' '${certificates}/ca.pem' ${id}; exit $?`],
    ],
  },
  {
    name: 'a short Go client, a new file each time, that a script of a script starts',
    library: 'go',
    command: (context, url, { id }) => {
      const [program, inner, outer] = ['go', 'py', 'sh'].map((kind) => join(context.folder, `${id}.${kind}`));
      copyFileSync(join(context.programs, 'short'), program ?? '');
      const words = JSON.stringify([program, url, `${context.certificates}/ca.pem`, id]);
      const text = `#!${PYTHON}\nimport subprocess\nexit(subprocess.run(${words}).returncode)\n`;
      writeFileSync(inner ?? '', text, { mode: 0o755 });
      writeFileSync(outer ?? '', `#!/bin/sh\n'${inner}'\nexit $?\n`, { mode: 0o755 });
      return [outer ?? ''];
    },
  },
  {
    name: 'C, OpenSSL by RUNPATH, that a shell starts',
    library: 'openssl',
    waits: atOnce,
    command: ({ programs, certificates }, url) => [
      ...[
        'sh',
        '-c',
        `'${programs}/openssl-runpath' client ${new URL(url).port} '${certificates}' 1.3; exit $?`,
      ],
    ],
  },
  {
    name: 'C, OpenSSL loaded late',
    library: 'openssl',
    waits: atOnce,
    command: ({ programs, certificates }, url) => [
      ...[join(programs, 'late'), 'client', new URL(url).port, certificates, '1.3'],
    ],
  },
  {
    name: 'Python in a virtual environment that a shell activates',
    library: 'openssl',
    command: (context, url, step) => {
      const file = join(context.folder, `${step.id}.py`);
      writeFileSync(file, pythonText(context, url, step));
      return ['sh', '-c', `. '${context.programs}/venv/bin/activate'; python '${file}'; exit $?`];
    },
  },
  {
    name: 'C, OpenSSL, in another root folder',
    library: 'openssl',
    waits: withLibraries,
    command: ({ programs }, url) => [
      ...['chroot', join(programs, 'jail'), '/openssl', 'client', new URL(url).port, '/certificates', '1.3'],
    ],
  },
  {
    name: 'wget',
    library: 'gnutls',
    command: ({ certificates }, url, { id }) => [
      ...['wget', '--no-config', '-q4', '--no-proxy', '--no-hsts', '-O', '-'],
      ...[`--ca-certificate=${certificates}/ca.pem`, `--header=X-Trace-Id: ${id}`, url],
    ],
  },
  {
    name: 'Node',
    library: 'openssl',
    command: ({ nodes, certificates }, url, { id }) => [
      ...['env', `NODE_EXTRA_CA_CERTS=${certificates}/ca.pem`, nodes['24'] ?? 'node', '-e'],
      `require('https').get('${url}', { family: 4, headers: { 'X-Trace-Id': '${id}' } }, (r) => r.resume())`,
    ],
  },
];

export async function runFirst(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const usual = timesOf(context);
  for (const program of PROGRAMS) {
    const held = program.waits !== undefined && program.waits !== atOnce;
    const times = held ? Math.min(usual, TIMES_WAITING) : usual;
    const scenario = `the only call of ${program.name}, ${times === 1 ? 'once' : `${times} times`}`;
    if (!only.test(scenario)) continue;
    const troubles: string[] = [];
    for (let i = 0; i < times; i++) {
      await once(context, program).catch((error: Error) => troubles.push(error.message));
    }
    const detail = troubles.length === 0 ? '' : `${troubles.length} of ${times}: ${troubles[0]}`;
    report({ scenario, outcome: troubles.length === 0 ? 'passed' : 'failed', detail });
  }
}

async function once(context: TlsContext, program: Program): Promise<void> {
  // The trace begins, and is looked ahead, before the program asks.
  const server = new PlannedServer(context.certificates, { version: '1.3', patience: 4 * PATIENCE_MS });
  try {
    const port = await server.listen();
    const step = makeStep(context.folder, {
      method: 'GET',
      path: `/only/${newId()}`,
      framing: 'length',
      body: null,
      answer: { status: 200, size: 1234, framing: 'length' },
    });
    server.expect([step]);
    const command = program.command(context, `https://localhost:${port}${step.path}`, step);
    const tracing = Tracing.run(context, command);
    tracing.process.killAfter(PATIENCE_MS);
    const answered = server.answered(step);
    // One that fails meanwhile is reported when it is awaited.
    answered.catch(() => {});
    const waited = program.waits?.(context, step, tracing, answered);
    const [truth, trace] = await Promise.all([answered, tracing.result(), waited]);
    expectTruth(trace.exchanges, truth, {
      side: 'client',
      pids: null,
      library: program.library,
      late: false,
    });
    same('other calls', trace.exchanges.length, 1);
  } finally {
    server.close();
  }
}

/**
 * It waits before it loads anything, and the helper is stopped from then until its call has ended: only what was
 * attached beforehand can see the call.
 */
async function withoutHelper(
  context: TlsContext,
  step: Step,
  tracing: Tracing,
  answered: Promise<unknown>,
): Promise<void> {
  const { running, go } = marksOf(context, step);
  await looked(context, tracing, () => existsSync(running));
  const helper = helperOf(tracing.process.pid);
  process.kill(helper, 'SIGSTOP');
  try {
    writeFileSync(go, '');
    // If the program fails, its helper must be continued all the same.
    await Promise.race([answered, tracing.process.ended]);
  } finally {
    process.kill(helper, 'SIGCONT');
  }
}

/** It learns at once what its call is. */
async function atOnce(_context: TlsContext, step: Step, tracing: Tracing): Promise<void> {
  tracing.process.write(lineOf(step));
  tracing.process.endInput();
}

/** It has its libraries in memory, and makes its call when it has read what that is to be. */
async function withLibraries(context: TlsContext, step: Step, tracing: Tracing): Promise<void> {
  const { pid } = tracing.process;
  await looked(context, tracing, () => descendantsOf(pid).some((one) => commandOf(one) === 'openssl'));
  tracing.process.write(lineOf(step));
  tracing.process.endInput();
}

/** Waits until the program runs and the helper has had time to inspect it. @throws when it does not start */
async function looked(context: TlsContext, tracing: Tracing, runs: () => boolean): Promise<void> {
  const limit = performance.now() + PATIENCE_MS;
  while (!runs()) {
    assert(performance.now() < limit, `it does not run; ${tracing.process.stderr.slice(-300)}`);
    await sleep(10);
  }
  const usual = context.tls === 'perf' ? LOOKING_AHEAD_PERF : LOOKING_AHEAD;
  await sleep(context.slow ? LOOKING_AHEAD_SLOW : usual);
  await untilIdle(helperOf(tracing.process.pid), PATIENCE_MS);
}

/** Empty when the process has ended. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trimEnd();
  } catch {
    return '';
  }
}

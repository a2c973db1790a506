/** No first call is lost: programs that make one call and end, started by `run`, again and again. */
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { candidatePaths } from '../../helper/tls/candidates.ts';
import { same } from '../matrix/check.ts';
import type { Report } from '../matrix/context.ts';
import { Tracing } from '../matrix/trace.ts';
import type { TlsContext } from './context.ts';
import { PlannedServer } from './counterpart.ts';
import { patience } from './drive.ts';
import { expectTruth } from './expect.ts';
import type { Library } from './peers.ts';
import { makeStep, newId, type Step } from './plan.ts';

const TIMES = 20;
/** Where a kernel is emulated. */
const TIMES_SLOW = 2;
/** By the broker: to end a trace takes seconds then, as the kernel waits for each probe by itself. */
const TIMES_FEW = 5;

interface Program {
  readonly name: string;
  readonly library: Library;
  /** Not on an emulated machine, where reading the folders that it needs takes longer than its call. */
  readonly native?: boolean;
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

const PYTHON = '/usr/bin/python3';

/**
 * Between a program's start and its loading of a library that it alone has: what it will load is read from its file
 * meanwhile, and a busy machine may need longer for that than Python for its first call. Once it has the library in
 * memory, there are but milliseconds: nothing that only then begins to look would be in time.
 */
const BEFORE_ITS_OWN = 'import time; time.sleep(0.5)\n';

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
    // Neither is the program the command of `run`, nor are the libraries the system's own.
    name: 'a shell script that starts Python with an OpenSSL of its own',
    library: 'openssl',
    command: (context, url, step) => {
      const script = join(context.folder, `${step.id}.sh`);
      const file = join(context.folder, `${step.id}.py`);
      writeFileSync(file, BEFORE_ITS_OWN + pythonText(context, url, step));
      const command = `LD_LIBRARY_PATH='${context.programs}/own' ${PYTHON} '${file}'`;
      writeFileSync(script, `#!/bin/sh\n${command}\nexit $?\n`, { mode: 0o755 });
      return [script];
    },
  },
  {
    name: 'Python in a container with an OpenSSL of its own',
    library: 'openssl',
    native: true,
    command: (context, url, step) => {
      const file = join(context.folder, `${step.id}.py`);
      writeFileSync(file, BEFORE_ITS_OWN + pythonText(context, url, step));
      const mounts = readdirSync(join(context.programs, 'own')).map((name) => {
        const system = candidatePaths().find((path) => basename(path) === name);
        return `mount --bind '${context.programs}/own/${name}' '${system}'`;
      });
      return ['unshare', '-m', 'sh', '-c', [...mounts, `exec ${PYTHON} '${file}'`].join(' && ')];
    },
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
  const times = context.slow ? TIMES_SLOW : context.few ? TIMES_FEW : TIMES;
  for (const program of PROGRAMS) {
    const scenario = `the only call of ${program.name}, ${times} times`;
    if (!only.test(scenario) || (context.slow && program.native === true)) continue;
    const troubles: string[] = [];
    for (let i = 0; i < times; i++) {
      await once(context, program).catch((error: Error) => troubles.push(error.message));
    }
    const detail = troubles.length === 0 ? '' : `${troubles.length} of ${times}: ${troubles[0]}`;
    report({ scenario, outcome: troubles.length === 0 ? 'passed' : 'failed', detail });
  }
}

async function once(context: TlsContext, program: Program): Promise<void> {
  const server = new PlannedServer(context.certificates, { version: '1.3' });
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
    const tracing = new Tracing(context, 'run', ['--', ...command]);
    const timer = setTimeout(() => tracing.process.process.kill('SIGKILL'), patience(context));
    const [truth, trace] = await Promise.all([server.answered(step), tracing.result()]);
    clearTimeout(timer);
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

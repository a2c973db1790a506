/** Source lines of C, C++ and Rust programs, without a debugger or a hook in the program. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { makeCertificate } from './support/certificate.mjs';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const SOURCE = join(PEERS, 'nativelines');
const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
const C_LIBRARIES = ['-l:libcurl.so.4', '-lssl', '-lcrypto', '-lpthread'];

const servers: Server[] = [];
let ports: string[];

beforeAll(async () => {
  makeCertificate(key, certificate);
  const tls = { key: readFileSync(key), cert: readFileSync(certificate) };
  const answer: RequestListener = (_request, response) =>
    void response.writeHead(200, { 'content-length': 0 }).end();
  const http2 = createSecureServer(tls, (_request, response) => void response.writeHead(200).end());
  servers.push(createServer(answer), createTlsServer(tls, answer), http2 as unknown as Server);
  for (const server of servers) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  ports = servers.map((server) => String((server.address() as AddressInfo).port));
});

afterAll(() => {
  for (const server of servers) server.close();
});

/** The line that the call was made on, as the program itself has put it into the path. */
function lineInUrl({ url }: ExchangeJson): number {
  return Number(new URL(url ?? '').pathname.split('/').at(-1));
}

function kindOf({ url }: ExchangeJson): string {
  return new URL(url ?? '').pathname.split('/')[1] ?? '';
}

function build(
  compiler: string,
  flags: readonly string[],
  source: string,
  libraries: readonly string[] = [],
): string {
  const program = join(folder, `${compiler}${source}${flags.join('')}`.replaceAll(/[^\w-]/g, ''));
  if (existsSync(program)) return program;
  execFileSync(compiler, [...flags, source, '-o', program, ...libraries], { cwd: SOURCE, stdio: 'pipe' });
  return program;
}

/** Calls of the trace, each of which must have its own line. @param but kinds that have none */
async function checked(
  program: string,
  source: string,
  but: readonly string[] = [],
): Promise<ExchangeJson[]> {
  const trace = await CallTracing.run(context, [program, ...ports]).result();
  return check(trace, source, but);
}

function check(
  trace: { exchanges: readonly ExchangeJson[]; ended: { stdout: string } },
  source: string,
  but: readonly string[],
): ExchangeJson[] {
  const calls = trace.exchanges.filter(({ side, method }) => side === 'client' && method !== null);
  expect(calls.length).toBe(Number(trace.ended.stdout.trim().split('\n').at(-1)));
  const shown = calls.map((call) => ({ url: call.url, line: call.debug?.source?.line }));
  expect(shown).toEqual(
    calls.map((call) => ({ url: call.url, line: but.includes(kindOf(call)) ? undefined : lineInUrl(call) })),
  );
  for (const call of calls) {
    if (but.includes(kindOf(call))) continue;
    expect(call.debug?.source?.path).toBe(join(SOURCE, source));
    expect(call.debug).toMatchObject({ session: null, source: { column: null } });
  }
  return calls;
}

const C_KINDS = [
  'send',
  'write',
  'inlined',
  'writev',
  'sendmsg',
  'fflush',
  'large',
  'thread',
  'openssl',
  'curl',
  'curls',
  'curl2',
  'child',
];
const BUILDS = [
  ['gcc', ['-g', '-O0']],
  ['gcc', ['-g', '-O2']],
  ['gcc', ['-gdwarf-4', '-O2', '-fomit-frame-pointer', '-no-pie', '-gz']],
  ['clang', ['-g', '-O2']],
  // Without call frames there is only the frame pointer.
  ['gcc', ['-g', '-O1', '-fno-omit-frame-pointer', '-fno-asynchronous-unwind-tables', '-fno-unwind-tables']],
] as const;

describeTraced('source lines of native programs', () => {
  it.each(variants(BUILDS, 2, 2))(
    'C: every call has the line that made it: %s %s',
    async (compiler, flags) => {
      const calls = await checked(build(compiler, flags, 'lines.c', C_LIBRARIES), 'lines.c');
      expect(new Set(calls.map(kindOf))).toEqual(new Set(C_KINDS));
      const stack = calls
        .find((call) => kindOf(call) === 'curls')
        ?.debug?.source?.stack.map(({ function: of }) => of);
      expect(stack).toEqual(['by_curl_deeper', 'by_curl', 'main']);
      const inlined = calls.find((call) => kindOf(call) === 'inlined')?.debug?.source;
      expect(inlined?.stack.map(({ function: of }) => of)).toEqual(['inlined', 'main']);
    },
  );

  it.each(
    variants(
      [
        ['g++', ['-g', '-O0']],
        ['g++', ['-g', '-O2']],
        ['clang++', ['-g', '-O2']],
      ] as const,
      1,
    ),
  )('C++: %s %s', async (compiler, flags) => {
    const calls = await checked(build(compiler, flags, 'lines.cpp'), 'lines.cpp');
    expect(new Set(calls.map(kindOf))).toEqual(new Set(['each', 'thrown', 'function', 'thread']));
  });

  it.each(variants([[['-g']], [['-g', '-Copt-level=2']]], 1))('Rust: %s', async (flags) => {
    const calls = await checked(build('rustc', flags, 'lines.rs'), 'lines.rs');
    expect(new Set(calls.map(kindOf))).toEqual(new Set(['method', 'parts', 'buffered', 'each', 'thread']));
  });

  it('a program that was running before has lines too', async () => {
    const program = build('gcc', ['-g', '-O2'], 'lines.c', C_LIBRARIES);
    const child = new Child(program, [...ports, 'wait']);
    await child.untilStdout('ready');
    const tracing = await CallTracing.attach(context, [child.pid]);
    child.write('\n');
    const ended = await child.ended;
    check({ ...(await tracing.result()), ended }, 'lines.c', []);
  });

  it('a stripped program whose debug information is beside it has lines', async () => {
    const program = build('gcc', ['-g', '-O1'], 'lines.c', C_LIBRARIES);
    const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: folder });
    run('objcopy', '--only-keep-debug', program, `${program}.debug`);
    run('strip', program);
    run('objcopy', `--add-gnu-debuglink=${program}.debug`, program);
    await checked(program, 'lines.c');
  });

  it('a static program has lines', async () => {
    await checked(build('g++', ['-g', '-O2', '-static'], 'lines.cpp'), 'lines.cpp');
  });

  it('a program without debug information has calls, and no lines', async () => {
    const program = build('gcc', ['-O2'], 'lines.c', C_LIBRARIES);
    const calls = await checked(program, 'lines.c', C_KINDS);
    expect(calls.length).toBeGreaterThan(10);
  });
});

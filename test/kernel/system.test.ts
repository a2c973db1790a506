/**
 * Systems that lack something, for real: one sentence, the documented exit status, the command not run, and
 * nothing left behind. Each case runs a copy of the product, so that its processes can be distinguished from others.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { bpfObjects } from '../kit/kernel.ts';
import { Child, type Ended } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { Installed, NOBODY } from '../trust/rig.ts';
import { describeTraced, ROOT } from './support/environment.ts';

/** Standard error of a refused command: one line, one whole sentence, no output of libbpf. */
const ONE_SENTENCE = /^http-trace: [A-Z][^\n]*\.\n$/;
const LIBBPF = /libbpf|BPF program load failed|processed \d+ insns|bpf\(BPF_MAP_CREATE\)/;

let installed: Installed;
let environment: NodeJS.ProcessEnv;

interface Report {
  readonly possible: boolean;
  readonly checks: readonly {
    readonly id: string;
    readonly status: string;
    readonly detail: string;
    readonly remedy: string | null;
  }[];
}

/** `wrap`: words before the command line, for instance of setpriv; must end by executing the rest. */
async function execute(wrap: readonly string[], args: readonly string[], env = environment): Promise<Ended> {
  const words = [...wrap, installed.node, join(installed.directory, 'http-trace'), ...args];
  const child = new Child('/usr/bin/timeout', ['--kill-after=5', '50', ...words], { env, cwd: '/' });
  child.endInput();
  return child.ended;
}

async function run(
  wrap: readonly string[],
  options: readonly string[] = [],
  env = environment,
): Promise<Ended> {
  return execute(wrap, ['run', ...options, '--', 'echo', 'the command ran'], env);
}

async function doctor(wrap: readonly string[], env = environment): Promise<Report & { code: number | null }> {
  const { code, stdout, stderr } = await execute(wrap, ['doctor', '--format', 'json'], env);
  expect(stderr).toBe('');
  const report: Report = JSON.parse(stdout);
  return { ...report, code };
}

/** The failed checks; each says what to do. */
function missing({ checks }: Report): string[] {
  const found = checks.filter(({ status }) => status === 'missing');
  for (const { remedy } of found) expect(remedy).toMatch(/\w{3}.*\.$/);
  return found.map(({ id }) => id);
}

/** The command is not run, status 125, one sentence. With --verbose, the kernel's or libbpf's message comes first. */
async function expectRefused(
  sentence: RegExp,
  wrap: readonly string[],
  options: readonly string[] = [],
  env = environment,
): Promise<void> {
  const quiet = await run(wrap, options, env);
  expect(quiet).toMatchObject({ code: 125, stdout: '' });
  expect(quiet.stderr).toMatch(ONE_SENTENCE);
  expect(quiet.stderr).toMatch(sentence);
  expect(quiet.stderr).not.toMatch(LIBBPF);
}

async function expectWordsWithVerbose(
  wrap: readonly string[],
  options: readonly string[] = [],
): Promise<void> {
  const verbose = await run(wrap, ['--verbose', ...options]);
  expect(verbose).toMatchObject({ code: 125, stdout: '' });
  expect(verbose.stderr).toMatch(LIBBPF);
  // The sentence is still the last line.
  expect(verbose.stderr).toMatch(/\nhttp-trace: [A-Z][^\n]*\.\n$/);
}

/** Programs of HTTP Trace that the kernel has, from all traces of this machine. */
function programs(): number[] {
  return bpfObjects('prog')
    .filter(({ name }) => name?.startsWith('trace_http_'))
    .map(({ id }) => id);
}

/** Those that no process holds. */
function orphans(): number[] {
  const all = programs();
  const held = new Set<number>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      for (const descriptor of readdirSync(`/proc/${pid}/fdinfo`)) {
        const text = readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'latin1');
        for (const [, id] of text.matchAll(/^prog_id:\s*(\d+)$/gm)) held.add(Number(id));
      }
    } catch {} // Ended meanwhile.
  }
  return all.filter((id) => !held.has(id));
}

/** Those that are still orphans later: other traces of this machine start and end meanwhile. */
function stillOrphans(before: readonly number[]): number[] {
  if (before.length === 0) return [];
  const now = new Set(orphans());
  return before.filter((id) => now.has(id));
}

/** Processes of the copy that this file runs. */
function left(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((command) => command.includes(installed.directory));
}

/** A wrapper that prepares something as a shell script and then becomes what follows. */
function prepared(script: string): string[] {
  return ['sh', '-c', `${script} && exec "$@"`, 'sh'];
}

const WITHOUT_BTF = ['unshare', '--mount', ...prepared('mount -t tmpfs none /sys/kernel/btf')];
const WITHOUT_CAPABILITIES = ['setpriv', '--bounding-set', '-all'];
const AS_NOBODY = ['/usr/bin/setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];

describeTraced('a system that lacks something', () => {
  beforeAll(() => {
    installed = new Installed();
    for (const name of ['http-trace', 'native/gate']) {
      copyFileSync(join(ROOT, 'dist', name), join(installed.directory, name));
      chmodSync(join(installed.directory, name), 0o755);
    }
    const { SUDO_UID: _, PKEXEC_UID: __, ...own } = process.env;
    environment = own;
  });
  afterAll(() => installed.remove());
  afterEach(async () => {
    const limit = Date.now() + 10_000;
    let programs = orphans();
    for (;;) {
      programs = stillOrphans(programs);
      const rest = { processes: left(), programs };
      if (rest.processes.length + rest.programs.length === 0) return;
      if (Date.now() > limit) expect(rest).toEqual({ processes: [], programs: [] });
      await sleep(200);
    }
  });

  it('nothing: the copy works, and what is looked for afterwards is there before', async () => {
    const words = [
      join(installed.directory, 'http-trace'),
      'run',
      '--',
      'sh',
      '-c',
      'echo ready; read -r line',
    ];
    const child = new Child(installed.node, words, { env: environment, cwd: '/' });
    expect(await child.line()).toBe('ready');
    expect(left().some((command) => command.includes('helper.js'))).toBe(true);
    expect(programs().length).toBeGreaterThan(0);
    child.endInput('\n');
    expect((await child.ended).code).toBe(0);
    const report = await doctor([]);
    expect(missing(report)).toEqual([]);
    expect(report).toMatchObject({ possible: true, code: 0 });
  });

  it('type information of the kernel', async () => {
    await expectRefused(
      /no type information \(\/sys\/kernel\/btf\/vmlinux\).*CONFIG_DEBUG_INFO_BTF/,
      WITHOUT_BTF,
    );
    const report = await doctor(WITHOUT_BTF);
    expect(report).toMatchObject({ possible: false, code: 1 });
    expect(missing(report)).toEqual(['btf', 'trial']);
  });

  it.each([
    ['all capabilities', WITHOUT_CAPABILITIES],
    ['CAP_BPF and CAP_SYS_ADMIN', ['setpriv', '--bounding-set', '-bpf,-sys_admin']],
  ])('root without %s', async (_, wrap) => {
    await expectRefused(/^http-trace: The kernel refused to load the programs: .*container/, wrap);
    await expectWordsWithVerbose(wrap);
    const report = await doctor(wrap);
    expect(report).toMatchObject({ possible: false, code: 1 });
    expect(missing(report)).toEqual(['rights']);
    expect(report.checks.find(({ id }) => id === 'rights')).toMatchObject({
      detail: 'root, but without the capabilities',
      remedy: expect.stringContaining('--cap-add BPF'),
    });
  });

  it('rights outside its user namespace: root only there', async () => {
    const wrap = ['unshare', '--user', '--map-root-user'];
    await expectRefused(/^http-trace: The kernel refused to load the programs/, wrap);
    const report = await doctor(wrap);
    expect(report).toMatchObject({ possible: false, code: 1 });
    expect(missing(report)).toContain('rights');
    expect(report.checks.find(({ id }) => id === 'rights')?.detail).toBe(
      'root, but only in a user namespace',
    );
  });

  it('a user without sudo', async () => {
    const env = { PATH: '/nonexistent', XDG_RUNTIME_DIR: installed.socketDirectory(NOBODY) };
    await expectRefused(/rights that you do not have here\. An administrator/, AS_NOBODY, [], env);
    const report = await doctor(AS_NOBODY, env);
    expect(report).toMatchObject({ possible: false, code: 1 });
    expect(missing(report)).toEqual(['rights']);
    expect(report.checks.find(({ id }) => id === 'rights')?.detail).toBe(
      `user ${NOBODY}, no sudo, no pkexec`,
    );
    expect(readdirSync(env.XDG_RUNTIME_DIR)).toEqual([]);
  });

  it('a user whom sudo does not let in, with no terminal to ask', async ({ skip }) => {
    if (!existsSync('/usr/bin/sudo')) skip('no sudo here');
    const env = { PATH: '/usr/bin:/bin', XDG_RUNTIME_DIR: installed.socketDirectory(NOBODY) };
    await expectRefused(/In a terminal, http-trace asks for the password of sudo/, AS_NOBODY, [], env);
    expect(readdirSync(env.XDG_RUNTIME_DIR)).toEqual([]);
    // Whether sudo would permit it is not known without the password, so doctor does not promise anything.
    const report = await doctor(AS_NOBODY, env);
    expect(report).toMatchObject({ possible: false, code: 1 });
    expect(report.checks.find(({ id }) => id === 'rights')?.status).toBe('unknown');
  });

  it('a user with no_new_privs, which makes sudo useless', async () => {
    const env = { PATH: '/usr/bin:/bin', XDG_RUNTIME_DIR: installed.socketDirectory(NOBODY) };
    const wrap = [...AS_NOBODY, '--no-new-privs'];
    await expectRefused(/rights that you do not have here/, wrap, [], env);
    const report = await doctor(wrap, env);
    expect(report).toMatchObject({ possible: false, code: 1 });
    expect(missing(report)).toEqual(['rights']);
    expect(report.checks.find(({ id }) => id === 'rights')?.detail).toContain('no_new_privs');
  });

  it('a part of HTTP Trace', async () => {
    const loader = join(installed.directory, 'native/loader');
    const bytes = readFileSync(loader);
    try {
      spawnSync('rm', [loader], { timeout: 60_000 });
      await expectRefused(/The loader is missing or not executable: build or install/, []);
      const report = await doctor([]);
      expect(report).toMatchObject({ possible: false, code: 1 });
      expect(missing(report)).toEqual(['parts']);
    } finally {
      writeFileSync(loader, bytes, { mode: 0o755 });
    }
  });

  it('a backend: if a forced one is refused by this kernel, no other is used', async () => {
    const { checks } = await doctor([]);
    const trial = checks.find(({ id }) => id === 'trial')?.detail ?? '';
    for (const backend of ['fentry', 'kprobe', 'tracepoint']) {
      const works = !trial.includes(`not ${backend}: `);
      const outcome = await run([], ['--backend', backend, '--format', 'json']);
      if (works) {
        expect(outcome).toMatchObject({ code: 0, stdout: expect.stringContaining(`"backend":"${backend}"`) });
        continue;
      }
      // A kernel without kprobes gives no message; with kprobes, --verbose shows its message.
      const tried = !trial.includes(`not ${backend}: this kernel was built without`);
      const end = tried ? ' Run with --verbose to see the kernel.s messages\\.' : '';
      await expectRefused(
        new RegExp(`^http-trace: This kernel does not accept the ${backend} backend: [^.]*\\.${end}\\n$`),
        [],
        ['--backend', backend],
      );
      if (tried) await expectWordsWithVerbose([], ['--backend', backend]);
    }
  });

  it.each(variants(['1', '65537', '3MiB', '1GiB', '-1', 'much'], 1, 3))(
    'a ring of %s is refused at once',
    async (size) => {
      const { code, stdout, stderr } = await run([], [`--ring-size=${size}`]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toBe(
        `http-trace: --ring-size takes a power of two from 64KiB to 512MiB, not "${size}".\n`,
      );
    },
  );

  it('memory for the ring', async ({ skip }) => {
    const group = memoryGroup() ?? skip('no memory controller here');
    try {
      limitLoader(group);
      expect(await run([])).toMatchObject({ code: 0 });
      await expectRefused(
        /no memory for the programs' maps: choose a smaller ring/,
        [],
        ['--ring-size=512MiB'],
      );
    } finally {
      renameSync(`${installed.loader}.own`, installed.loader);
      await removeGroup(group);
    }
  });

  it('optional parts of the programs: doctor says what each of them is missing for', async () => {
    const refuse = join(installed.directory, 'refuse');
    const made = spawnSync('gcc', ['-O1', '-o', refuse, join(import.meta.dirname, '../kit/refuse.c')]);
    expect(made.stderr.toString()).toBe('');
    const { code, possible, checks } = await doctor([refuse, 'load:trace_http_tls,map:stack_policies']);
    expect({ code, possible }).toEqual({ code: 0, possible: true });
    const trial = checks.find(({ id }) => id === 'trial');
    const refused = 'the kernel does not load its programs: Operation not permitted';
    expect(trial?.status).toBe('ok');
    expect(trial?.detail).toContain(`TLS is not decrypted: ${refused}`);
    expect(trial?.detail).toContain(`Source lines of C, C++ and Rust programs are not known: ${refused}`);
    expect(trial?.detail).not.toContain('Go programs');
  });

  it('the state of lockdown is read, not guessed', async () => {
    const path = '/sys/kernel/security/lockdown';
    const said = existsSync(path) ? /\[(\w+)\]/.exec(readFileSync(path, 'latin1'))?.[1] : undefined;
    const { checks } = await doctor([]);
    expect(checks.find(({ id }) => id === 'lockdown')).toMatchObject(
      said === undefined
        ? { status: 'unknown', detail: 'the kernel does not report it', remedy: null }
        : { status: said === 'confidentiality' ? 'missing' : 'ok', detail: said },
    );
    // Another kernel's answer, mounted over that file.
    for (const [mode, status] of variants(
      [
        ['none [integrity] confidentiality', 'ok'],
        ['none integrity [confidentiality]', 'missing'],
      ] as const,
      1,
    )) {
      const report = await doctor([
        'unshare',
        '--mount',
        ...prepared(`mount -t tmpfs none /sys/kernel/security && echo '${mode}' > ${path}`),
      ]);
      expect(report.checks.find(({ id }) => id === 'lockdown')?.status).toBe(status);
      expect(report.possible).toBe(status === 'ok');
    }
  });
});

/** Enough for the program and the usual ring, not for the largest; null where there is no memory controller to use. */
function memoryGroup(): string | null {
  const limit = String(384 << 20);
  const [parent, file] = existsSync('/sys/fs/cgroup/memory')
    ? ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes']
    : ['/sys/fs/cgroup', 'memory.max'];
  const group = join(parent, `http-trace-test-${process.pid}`);
  try {
    mkdirSync(group);
    writeFileSync(join(group, file), limit);
    // A process that needs memory while the ring takes all of it waits until that has failed. In version 2 of cgroups
    // it may be killed.
    if (existsSync(join(group, 'memory.oom_control'))) writeFileSync(join(group, 'memory.oom_control'), '1');
    return group;
  } catch {
    return null;
  }
}

/**
 * The loader alone starts in the group: where memory ends, the kernel would else kill the process that happens to ask for
 * some, which may be http-trace itself.
 */
function limitLoader(group: string): void {
  const own = `${installed.loader}.own`;
  renameSync(installed.loader, own);
  writeFileSync(installed.loader, `#!/bin/sh\necho $$ > ${group}/cgroup.procs && exec ${own} "$@"\n`, {
    mode: 0o755,
  });
}

async function removeGroup(group: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return rmdirSync(group);
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(100);
    }
  }
}

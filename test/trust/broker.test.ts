/** What the broker permits and refuses to a hostile program that runs in place of the helper, or beside it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, copyFileSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { encodeFrame, encodeJson } from '../../helper/frames.ts';
import { FrameType } from '../../helper/protocol.ts';
import { candidatePaths } from '../../helper/tls/candidates.ts';
import catalogue from '../../helper/tls/catalogue.json';
import { ElfFile } from '../../helper/tls/elf.ts';
import { TlsFinder } from '../../helper/tls/finder.ts';
import { childrenOf, exists, heldBy, openFiles } from '../kit/kernel.ts';
import { variants } from '../kit/tier.mjs';
import { Attacker, compile, MOST_STEPS } from './attack.ts';
import { Installed, NOBODY, Requester, runLoader, type Said, statusOf, TLS_WAYS, whySkipped } from './rig.ts';

/** With perf the kernel takes a tenth of a second to remove a probe, on a busy machine seconds; there are about a hundred. */
const BUSY = { timeout: 900_000 };

const reason = whySkipped();
if (reason !== null) console.warn(`skipped: the broker's tests ${reason}`);

const KIND = { entry: 0, 'return-instruction': 1, uretprobe: 2 } as const;

describe.skipIf(reason !== null)('broker', () => {
  let installed: Installed;
  let attacker: Attacker;
  const started: Requester[] = [];

  beforeAll(() => {
    installed = new Installed();
    attacker = new Attacker(installed);
  });
  afterAll(() => {
    attacker.close();
    for (const requester of started) requester.process.kill();
    installed.remove();
  });

  async function listen(): Promise<Requester> {
    const requester = await Requester.listen(installed, installed.socketDirectory(NOBODY), NOBODY);
    started.push(requester);
    return requester;
  }

  const attack = (steps: readonly string[], way?: (typeof TLS_WAYS)[number]): Promise<string[]> =>
    attacker.run(steps, way);

  const SSL =
    candidatePaths().find((path) => /x86_64.*libssl\.so\.3$|aarch64.*libssl\.so\.3$/.test(path)) ?? '';

  function offsetOf(path: string, symbol: string): number {
    const descriptor = openSync(path, 'r');
    const elf = ElfFile.read(descriptor);
    const found = elf.functions(new Set([symbol]), [symbol]).get(symbol);
    const offset = elf.fileOffset(found?.address ?? -1, true);
    closeSync(descriptor);
    if (offset === null) throw new Error(`${path} has no ${symbol}`);
    return offset;
  }

  it('hands nothing over to a helper that other processes could inspect', async () => {
    expect(await attack(['take'])).toEqual(['take: EPERM 0']);
    const [first, second] = await attack(['close', 'take', 'take']);
    expect(first).toMatch(/^take: done [1-9]\d$/);
    expect(second).toBe('take: EINVAL 0');
  });

  it.each(['main', 'thread'])('hands nothing over while a debugger has the helper: its %s', async (which) => {
    const said = await attack([`traced ${which}`, 'close', 'take', 'untraced', 'take']);
    expect(said).toEqual(['take: EPERM 0', expect.stringMatching(/^take: done [1-9]\d$/)]);
  });

  it('a helper’s open descriptors hold no program, and lead to none', async () => {
    const free = offsetOf(SSL, 'SSL_free');
    const said = await attack(['close', 'take', `map ${SSL} x`, `attach SSL_free 0 ${free}`, 'programs']);
    expect(said.at(-2)).toMatch(/^attach: done/);
    expect(said.at(-1)).toMatch(/^programs: 0 held, 0 gained of [1-9]\d* links \(EPERM\)$/);
  });

  it.each(variants(TLS_WAYS))('every function of the catalogue, by %s', BUSY, async (way) => {
    const functions = Object.entries(catalogue)
      .flatMap(([library, list]) => (library === 'go' || library === 'goCallers' ? [] : list))
      .filter((entry) => !('calledBy' in entry));
    const source = join(installed.directory, 'all.c');
    const library = join(installed.directory, `all-${way}.so`);
    writeFileSync(source, functions.map(({ symbol }) => `int ${symbol}(int a) { return a + 1; }`).join('\n'));
    compile(source, library, '-shared', '-fPIC', '-fno-builtin', '-nostdlib');
    const steps = functions.map(({ symbol }) => `attach ${symbol} 0 ${offsetOf(library, symbol)}`);
    const said = await attack(['close', 'take', `map ${library} x`, ...steps], way);
    expect(said.slice(1).map((line) => line.trim())).toEqual(functions.map(() => 'attach: done'));
  });

  it('every place that the helper finds in the libraries of this system and in Node', async () => {
    const finder = await TlsFinder.create();
    let places = 0;
    // Several files in one trace: as many as fit into the attacker's steps.
    let steps = ['close'];
    const send = async (): Promise<void> => {
      const attached = steps.filter((step) => step.startsWith('attach'));
      const said = await attack(steps);
      expect(said.map((line, at) => `${attached[at]}: ${line.trim()}`)).toEqual(
        attached.map((step) => `${step}: attach: done`),
      );
      places += attached.length;
      steps = ['close'];
    };
    for (const path of [...candidatePaths(), installed.node]) {
      const file = finder.lookAt(path);
      if (file === null || file.probes.length === 0) continue;
      const own = file.probes.map(
        ({ symbol, kind, place }) => `attach ${symbol} ${KIND[kind]} ${place.offset}`,
      );
      if ([...steps, ...own, path].join(';').length > MOST_STEPS) await send();
      steps.push(`map ${path} x`, ...own);
    }
    await send();
    finder.close();
    expect(places).toBeGreaterThan(20);
  });

  it('refuses places that are not the start of an instruction', async () => {
    const read = offsetOf(SSL, 'SSL_read');
    const finder = await TlsFinder.create();
    const found = finder.lookAt(SSL)?.probes ?? [];
    finder.close();
    const good = new Set(found.map(({ place }) => place.offset));
    const instructions = boundaries(SSL, 'SSL_read');
    expect(instructions.size).toBeGreaterThan(3);
    const end = Math.max(...instructions);
    const within = Array.from({ length: end - read }, (_, at) => read + at).filter(
      (offset) => !instructions.has(offset) && !good.has(offset),
    );
    const steps = within
      .slice(0, 60)
      .flatMap((offset) => [`attach SSL_read 0 ${offset}`, `attach SSL_read 1 ${offset}`]);
    const said = await attack(['close', `map ${SSL} x`, ...steps]);
    expect(said).toHaveLength(steps.length);
    for (const line of said)
      expect(line).toMatch(/^attach: EPERM 0x[0-9a-f]+ is not a probe point of SSL_read in this file$/);
  });

  it.runIf(process.arch === 'x64')(
    'a return probe: at a return and at the check of the stack protector before it, at no other jump',
    async () => {
      const jumps: readonly (readonly [name: string, permitted: boolean, code: string])[] = [
        ['check', true, 'sub %fs:0x28, %rax; @: jne 9f; add $8, %rsp; pop %rbx; ret; 9:'],
        ['compared', true, 'cmp %fs:0x28, %rax; @: jne 9f; ret; 9:'],
        ['any', false, 'test %rax, %rax; @: jne 9f; pop %rbx; ret; 9:'],
        ['other_word', false, 'sub %fs:0x30, %rax; @: jne 9f; pop %rbx; ret; 9:'],
        ['not_thread', false, 'sub 0x28(%rdi), %rax; @: jne 9f; pop %rbx; ret; 9:'],
        ['not_next', false, 'sub %fs:0x28, %rax; nop; @: jne 9f; pop %rbx; ret; 9:'],
        ['loop', false, 'sub %fs:0x28, %rax; @: jne 9f; call SSL_free; pop %rbx; ret; 9:'],
        ['no_return', false, 'sub %fs:0x28, %rax; @: jne 9f; jmp 9f; ret; 9:'],
        ['bypassed', false, 'jmp 8f; sub %fs:0x28, %rax; @: jne 9f; pop %rbx; 8: ret; 9:'],
        ['far', false, 'sub %fs:0x28, %rax; @: jne 9f; .rept 20; nop; .endr; ret; 9:'],
        ['far_return', false, '@: lretq'],
        ['nearest', true, '@: ret $8'],
      ];
      const source = join(installed.directory, 'jumps.s');
      const library = join(installed.directory, 'jumps.so');
      const body = jumps.map(([name, , code]) =>
        code.replace('@', `.globl at_${name}; .type at_${name}, %function; at_${name}`),
      );
      const lines = ['.globl SSL_read, SSL_free', '.type SSL_read, @function', '.type SSL_free, @function'];
      lines.push('SSL_read: push %rbx', ...body, 'hlt', '.size SSL_read, . - SSL_read');
      lines.push('SSL_free: ret', '.size SSL_free, . - SSL_free', '.section .note.GNU-stack, "", @progbits');
      writeFileSync(source, `${lines.join('\n').replaceAll('; ', '\n')}\n`);
      compile(source, library, '-shared', '-nostdlib', '-Wl,-Bsymbolic');
      const steps = jumps.map(([name]) => `attach SSL_read 1 ${offsetOf(library, `at_${name}`)}`);
      const said = await attack(['close', `map ${library} x`, ...steps]);
      expect(said.map((line, index) => [jumps[index]?.[0], line.split(' ')[1]])).toEqual(
        jumps.map(([name, permitted]) => [name, permitted ? 'done' : 'EPERM']),
      );
    },
  );

  it('a function without a name: where it is called, and nowhere else', async () => {
    const finder = await TlsFinder.create();
    const found = (finder.lookAt(SSL)?.probes ?? []).filter(({ symbol }) => symbol === 'ssl_read_internal');
    finder.close();
    const [call = 0, after = 0] = found.map(({ place }) => place.offset);
    expect(after - call).toBe(5);
    const places: [kind: number, offset: number, done: boolean][] = [
      [0, call, true],
      [1, after, true],
      // Within the instruction, the other place, the functions' beginnings, another function that is called there.
      ...[call + 1, call + 4, after, call - 1, offsetOf(SSL, 'SSL_read'), offsetOf(SSL, 'SSL_read_ex')].map(
        (offset): [number, number, boolean] => [0, offset, false],
      ),
      ...[call, after + 1, offsetOf(SSL, 'SSL_free')].map((offset): [number, number, boolean] => [
        1,
        offset,
        false,
      ]),
      [2, call, false],
      [0, 2 ** 40, false],
    ];
    const steps = places.map(([kind, offset]) => `attach ssl_read_internal ${kind} ${offset}`);
    const said = await attack(['close', `map ${SSL} x`, ...steps, `attach ssl_write_internal 0 ${call}`]);
    const expected = [...places.map(([, , done]) => done), false];
    expect(said.map((line) => line.trim() === 'attach: done')).toEqual(expected);
  });

  it('refuses unknown functions, others’ places, foreign processes, other files', async () => {
    const read = offsetOf(SSL, 'SSL_read');
    const foreign = spawn('sleep', ['60']);
    const said = await attack([
      'close',
      `map ${SSL} x`,
      `attach SSL_read 0 ${read}`,
      `attach SSL_CTX_new 0 ${offsetOf(SSL, 'SSL_CTX_new')}`,
      `attach SSL_read 0 ${offsetOf(SSL, 'SSL_write')}`,
      `attach SSL_read 1 ${read}`,
      `attach SSL_free 2 ${offsetOf(SSL, 'SSL_free')}`,
      `attach SSL_read 0 ${2 ** 40}`,
      `attach SSL_read 7 ${read}`,
      'of 1',
      `attach SSL_read 0 ${read}`,
      `of ${foreign.pid}`,
      `attach SSL_read 0 ${read}`,
      'of 4194303',
      `attach SSL_read 0 ${read}`,
    ]);
    foreign.kill();
    expect(said[0]).toMatch(/^attach: done/);
    expect(said.slice(1).map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      ...Array(5).fill('attach: EPERM'),
      'attach: EINVAL',
      'attach: EPERM',
      'attach: EPERM',
      'attach: EINVAL',
    ]);
    expect(said[7]).toContain('not yours');
    // Mapped for reading only, or not a library at all.
    const others = await attack([
      'close',
      `map ${SSL} r`,
      `attach SSL_read 0 ${read}`,
      'map /etc/passwd x',
      'attach SSL_read 0 0',
      `file ${SSL}`,
      'attach SSL_read 0 0',
    ]);
    expect(others).toEqual([
      'attach: EPERM the process does not execute that file',
      'attach: EPERM the file is not a readable ELF file',
      'attach: EPERM the process does not execute that file',
    ]);
  });

  it('refuses the same place twice in a request, and a file again and again', async () => {
    const read = offsetOf(SSL, 'SSL_read');
    const said = await attack([
      'close',
      `map ${SSL} x`,
      `twice SSL_read ${read}`,
      `again SSL_read ${read} 1100`,
    ]);
    expect(said).toEqual([
      'twice: EINVAL the request is malformed',
      'again: 1024 its probes were attached too often',
    ]);
  });

  it('the trace’s own programs: attached again once until the next pause, and not before the helper has its descriptors', async () => {
    const said = await attack([
      'resume',
      'pause',
      'close',
      'take',
      'drop',
      'resume',
      'resume',
      'part',
      'resume',
      'pause',
      'pause',
      'resume',
    ]);
    const [early, earlier, taken, ...rest] = said;
    expect([early, earlier]).toEqual([
      'resume: EINVAL the request is malformed',
      'pause: EINVAL the request is malformed',
    ]);
    expect(taken).toMatch(/^take: done/);
    const cannot = 'the trace cannot be begun again';
    if (rest[0]?.includes(cannot)) return; // the backend kprobe
    expect(rest).toEqual([
      'resume: done ',
      'resume: EINVAL the trace runs already',
      'part: some are left',
      'resume: EINVAL the trace runs already',
      'pause: done ',
      'pause: done ',
      'resume: done ',
    ]);
  });

  it.each(variants(TLS_WAYS, 1))(
    'between two traces holds no more rights than in them: by %s',
    BUSY,
    async (way) => {
      const { requester, pid, broker, hello } = await trace(way);
      if (hello.json?.['keepable'] !== true) return; // the backend kprobe
      const rights = (one: number): (string | undefined)[] =>
        [
          'Uid',
          'Gid',
          'Groups',
          'CapPrm',
          'CapEff',
          'CapBnd',
          'CapInh',
          'CapAmb',
          'NoNewPrivs',
          'Seccomp',
        ].map((name) => statusOf(one).get(name));
      // Files and folders are left out: meanwhile the helper reads the system's libraries again.
      const kinds = (one: number): Set<string> =>
        new Set(
          openFiles(one)
            .filter((target) => !target.startsWith('/'))
            .map((target) => target.replace(/:\[\d+\]$/, '')),
        );
      const before = [pid, broker].map((one) => ({ rights: rights(one), kinds: kinds(one) }));
      requester.write(encodeJson(FrameType.Pause, { forMs: 60_000 }));
      await requester.frame(({ type, json }) => type === FrameType.Status && json?.['final'] === true);
      const links = (): number[] => [pid, broker].flatMap((one) => heldBy(one).links);
      while (links().length > 0) await new Promise((soon) => setTimeout(soon, 20));
      for (const [index, one] of [pid, broker].entries()) {
        expect(rights(one)).toEqual(before[index]?.rights);
        expect([...kinds(one)].filter((kind) => !before[index]?.kinds.has(kind))).toEqual([]);
      }
      requester.frames.length = 0;
      requester.write(encodeFrame(FrameType.Resume, new Uint8Array()));
      const again = await requester.frame(({ type }) => type === FrameType.Hello);
      expect(again.json?.['helperPid']).toBe(pid);
      await requester.frame(({ type }) => type === FrameType.TlsFile);
      expect(heldBy(broker).links.length).toBeGreaterThan(5);
      for (const [index, one] of [pid, broker].entries()) expect(rights(one)).toEqual(before[index]?.rights);
      // Between two traces a process is not attached, and an invalid frame ends the helper.
      requester.frames.length = 0;
      requester.write(encodeJson(FrameType.Pause, { forMs: 60_000 }));
      await requester.frame(({ type, json }) => type === FrameType.Status && json?.['final'] === true);
      requester.write(encodeJson(FrameType.Attach, { request: 1, pid, children: true }));
      requester.write(Buffer.alloc(64, 0xff));
      await requester.ended;
      expect(requester.frames.filter(({ type }) => type === FrameType.Process)).toEqual([]);
      while ([pid, broker].some(exists)) await new Promise((soon) => setTimeout(soon, 20));
    },
  );

  it('refuses malformed requests, and goes on', async () => {
    const said = await attack(['odd', 'close', 'take']);
    expect(said[0]).toMatch(/^odd: [1-9]\d+ refused, 0 not$/);
    expect(said[1]).toMatch(/^take: done/);
  });

  async function trace(
    way: (typeof TLS_WAYS)[number] | 'auto',
  ): Promise<{ requester: Requester; pid: number; broker: number; hello: Said }> {
    const requester = await listen();
    runLoader(installed, requester.socket, { SUDO_UID: String(NOBODY) }, ['--tls-attach', way]);
    const hello = await requester.frame(({ type }) => type === FrameType.Hello);
    // When it reports what it has attached, it has finished attaching.
    await requester.frame(({ type }) => type === FrameType.TlsFile);
    const pid = hello.json?.['helperPid'] as number;
    const [broker] = childrenOf(pid);
    if (broker === undefined) throw new Error('the helper has no broker');
    return { requester, pid, broker, hello };
  }

  it.each(variants(TLS_WAYS))('keeps only few rights and descriptors: by %s', BUSY, async (way) => {
    // CAP_SYS_PTRACE (19), with perf also CAP_SYS_ADMIN (21)
    const capabilities = 2n ** 19n + (way === 'perf' ? 2n ** 21n : 0n);
    const { requester, pid, broker, hello } = await trace(way);
    const status = statusOf(broker);
    expect(status.get('Uid')).toBe(Array(4).fill(NOBODY).join('\t'));
    expect(status.get('Groups')?.trim()).toBe('');
    for (const set of ['CapPrm', 'CapEff']) expect(BigInt(`0x${status.get(set)}`)).toBe(capabilities);
    for (const set of ['CapInh', 'CapBnd', 'CapAmb'])
      expect([set, status.get(set)]).toEqual([set, '0'.repeat(16)]);
    expect(status.get('NoNewPrivs')).toBe('1');
    expect(status.get('Seccomp')).toBe('2');
    // What bounds the probes that it may still have to remove; both, as its user could raise the soft limit (prlimit).
    const [, soft, hard] =
      /^Max open files +(\d+) +(\d+)/m.exec(readFileSync(`/proc/${broker}/limits`, 'utf8')) ?? [];
    for (const limit of [soft, hard]) expect(Number(limit)).toBeLessThanOrEqual(8192);
    const held = openFiles(broker);
    const kinds = new Set(held.map((target) => target.replace(/:\[\d+\]$/, '')));
    // Its socket, the helper's pidfd, programs, links and their events, and the file by which brokers take turns; for a further
    // trace the maps that it empties.
    const kept = hello.json?.['keepable'] === true;
    expect([...kinds].sort()).toEqual(
      ['/dev/null', 'anon_inode:[pidfd]', 'anon_inode:bpf-prog', 'anon_inode:bpf_link', 'socket']
        .concat(way === 'perf' ? ['anon_inode:[perf_event]', '/sys/devices/uprobe/type'] : [])
        .concat(kept ? ['anon_inode:bpf-map'] : [])
        .sort(),
    );
    // Three for probes, and for a further trace those that the helper has the links of.
    const links = heldBy(pid).links.length - (way === 'multi' ? heldBy(broker).links.length : 0);
    expect(held.filter((target) => target === 'anon_inode:bpf-prog')).toHaveLength(3 + (kept ? links : 0));
    requester.process.kill('SIGKILL');
  });

  // end_with_helper() of broker.c looks once, 0.3 s after the helper's end, whether a request is being served, which may never end.
  it.skipIf(spawnSync('strace', ['-V']).status !== 0)(
    'a request is not begun when the helper has ended, however late the broker gets to it',
    async () => {
      let strace: ChildProcess | undefined;
      const said = await attacker.run(['close', 'take', 'outlive'], 'auto', (line) => {
        const helper = Number(/^outlive: (\d+)$/.exec(line)?.[1] ?? 0);
        const [broker] = childrenOf(helper);
        if (helper === 0 || broker === undefined) return;
        // The thread that serves alone: with -f it would be the other one, too.
        const calls = '?poll,ppoll,restart_syscall';
        strace = spawn('strace', ['-p', `${broker}`, '-e', calls, '-e', `inject=${calls}:delay_exit=2s`], {
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        strace.stderr?.on('data', (piece: Buffer) => {
          if (`${piece}`.includes('attached')) process.kill(helper, 'SIGCONT');
        });
      });
      expect(said.at(-1)).toBe('outlive: gone');
      expect(strace).toBeDefined();
    },
  );

  it('any user can keep the lock by which brokers take turns: events stay for a while, but no program', async () => {
    const file = '/sys/bus/event_source/devices/uprobe/type';
    const keeper = spawn('sh', ['-c', `exec 9<${file}; flock 9; echo; exec sleep 600`], {
      uid: NOBODY,
      gid: NOBODY,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void keeper.kill());
    await new Promise((locked) => keeper.stdout.once('data', locked));
    const read = offsetOf(SSL, 'SSL_read');
    const left: Record<string, unknown>[] = [];
    const steps = ['close', 'take', `map ${SSL} x`, `again SSL_read ${read} 1`];
    // Now the broker waits for its turn to remove what was detached.
    await attacker.run([...steps, `attach SSL_read 0 ${read}`, 'outlive'], 'perf', async (line) => {
      const helper = Number(/^outlive: (\d+)$/.exec(line)?.[1] ?? 0);
      const [broker = 0] = childrenOf(helper);
      if (helper === 0) return;
      // The link of the probe that was detached is closed a moment later.
      const detached = performance.now() + 60_000;
      while (performance.now() < detached && heldBy(broker).links.length > 1)
        await new Promise((soon) => setTimeout(soon, 20));
      left.push({ links: heldBy(broker).links.length, exists: exists(broker) });
      process.kill(helper, 'SIGKILL');
      const end = performance.now() + 20_000;
      while (performance.now() < end && heldBy(broker).links.length > 0)
        await new Promise((soon) => setTimeout(soon, 20));
      left.push({ links: heldBy(broker).links.length, exists: exists(broker) });
      keeper.kill();
      while (exists(broker)) await new Promise((soon) => setTimeout(soon, 20));
      left.push({ exists: false });
    });
    while (left.length < 3) await new Promise((soon) => setTimeout(soon, 20));
    expect(left).toEqual([{ links: 1, exists: true }, { links: 0, exists: true }, { exists: false }]);
  });

  it('an installed loader with the file capabilities that it needs, run by an ordinary user', async () => {
    const loader = join(installed.directory, 'capable');
    copyFileSync(installed.loader, loader);
    chmodSync(loader, 0o755);
    const way = TLS_WAYS[0] ?? 'perf';
    const needed = `cap_bpf,cap_perfmon,cap_sys_ptrace${way === 'perf' ? ',cap_sys_admin' : ''}+ep`;
    expect(spawnSync('setcap', [needed, loader]).status).toBe(0);
    const requester = await listen();
    spawn(
      loader,
      [
        '--socket',
        requester.socket,
        '--node',
        installed.node,
        '--helper',
        installed.helper,
        '--tls-attach',
        way,
      ],
      { uid: NOBODY, gid: NOBODY, env: {}, stdio: 'ignore' },
    );
    const hello = await requester.frame(({ type }) => type === FrameType.Hello);
    await requester.frame(({ type }) => type === FrameType.TlsFile);
    const pid = hello.json?.['helperPid'] as number;
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
      expect([set, statusOf(pid).get(set)]).toEqual([set, '0'.repeat(16)]);
    requester.process.kill('SIGKILL');
  });

  it('its memory and descriptors, and the helper’s, cannot be reached by another process of the same user', async () => {
    const { requester, pid, broker } = await trace('auto');
    const bystander = spawn('sleep', ['60'], { uid: NOBODY, gid: NOBODY });
    const reach = (target: number | undefined): string[] => attacker.beside([`reach ${target}`]);
    // What is possible with a process that does not protect itself.
    expect(reach(bystander.pid)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^mem: done/), expect.stringMatching(/^maps: done/)]),
    );
    bystander.kill();
    for (const target of [pid, broker]) {
      const said = reach(target);
      expect(said).toHaveLength(8);
      for (const line of said) expect(line).toMatch(/: (?:EPERM|EACCES)$/);
    }
    for (const target of [pid, broker]) {
      expect(statusOf(target).get('Seccomp')).toBe('2');
      expect(statusOf(target).get('NoNewPrivs')).toBe('1');
    }
    requester.process.kill('SIGKILL');
  });
});

/** Offsets in the file of a function's instructions, by objdump. */
function boundaries(path: string, symbol: string): Set<number> {
  const descriptor = openSync(path, 'r');
  const elf = ElfFile.read(descriptor);
  const found = elf.functions(new Set([symbol]), [symbol]).get(symbol);
  const { address = 0, size = 0 } = found ?? {};
  const { stdout } = spawnSync(
    'objdump',
    ['-d', `--start-address=${address}`, `--stop-address=${address + size}`, path],
    { encoding: 'utf8' },
  );
  const offsets = [...stdout.matchAll(/^ *([0-9a-f]+):\t/gm)].map(([, at = '']) =>
    elf.fileOffset(Number.parseInt(at, 16), true),
  );
  closeSync(descriptor);
  return new Set(offsets.filter((offset) => offset !== null));
}

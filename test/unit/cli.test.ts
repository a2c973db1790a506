/** The command as a process, where no privilege is needed: usage, help, schema, replay of files. */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RecordingEncoder } from '../../extension/capture/recording.ts';
import schema from '../../extension/cli/exchange.schema.json';
import { RECORD_LAYOUT } from '../../extension/engine/recordLayout.ts';
import { ADDRESSES, ciphertext, SOCKET } from '../../extension/engine/testing/handshakes.ts';
import { conversation, type RecordSpec, recordBatch, START } from '../../extension/engine/testing/records.ts';
import { FrameType, PROTOCOL_VERSION, type Status } from '../../helper/protocol.ts';
import { NO_BACKLOG } from '../../helper/testing/messages.ts';

const folder = mkdtempSync(join(tmpdir(), 'http-trace-cli-'));
const program = join(folder, 'http-trace.cjs');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  await build({
    entryPoints: ['extension/cli/main.ts'],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
  });
});

function httpTrace(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  // It is started a hundred times: what Node has compiled of it is kept.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') };
  return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', timeout: 120_000, env });
}

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const hello = {
  protocol: PROTOCOL_VERSION,
  layout: RECORD_LAYOUT,
  backend: 'tracepoint',
  refused: { fentry: '', kprobe: '', tracepoint: '' },
  missing: {},
  kernel: '6.1.0',
  byteOrder: 'little',
  bodyLimit: 65_536,
  ringSize: 8_388_608,
  owner: 0,
  tlsOff: null,
  helperPid: 5,
};
const final: Status = {
  counters: {
    produced: 0,
    droppedData: 0,
    droppedStructure: 0,
    seenBytes: 0,
    copiedBytes: 0,
    omittedBytes: 0,
    droppedBytes: 0,
    unseenBytes: 0,
    otherBytes: 12,
    connectionsUntracked: 0,
    callsUntracked: 0,
    filteredBytes: 0,
  },
  backlog: NO_BACKLOG,
  sent: 0,
  upTo: '1000',
  targets: 0,
  final: true,
};

function recording(name: string, frames: readonly (readonly [FrameType, Uint8Array])[], end = true): string {
  const encoder = new RecordingEncoder();
  const parts = [encoder.header('little')];
  for (const [type, payload] of frames) parts.push(encoder.frame(type, payload), payload);
  if (end) parts.push(encoder.end());
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

const empty: (readonly [FrameType, Uint8Array])[] = [
  [FrameType.Hello, json(hello)],
  [FrameType.Clock, json({ offset: '1700000000000000000', bootTime: '500' })],
  [FrameType.Status, json(final)],
];

describe('usage', () => {
  it.each([
    [[], 'No command given.'],
    [['run', '--formt', 'json', '--', 'true'], 'Did you mean --format?'],
    [['attach', 'me'], '"me" is not a process id.'],
    [['replay', '/no/such/file'], 'cannot be read: the file or its folder does not exist.'],
    [['replay', '/'], 'cannot be read: it is a folder.'],
    [['replay', '-', '--proto', '/no/such/folder'], '--proto "/no/such/folder" cannot be read'],
    [['replay', '-', '--proto', folder], 'has no .proto files.'],
  ])('%j: status 2 and one clear line', (args, message) => {
    const { status, stdout, stderr } = httpTrace(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^http-trace: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });

  it('help, version and schema', () => {
    expect(httpTrace('--help')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('run [options]'),
    });
    for (const topic of ['run', 'attach', 'replay', 'doctor', 'schema']) {
      const { status, stdout } = httpTrace(topic, '--help');
      expect({ status, begin: stdout.slice(0, 12 + topic.length) }).toMatchObject({
        status: 0,
        begin: expect.stringContaining(topic),
      });
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    }
    expect(httpTrace('--version').stdout).toMatch(/^http-trace \d+\.\d+\.\d+\n$/);
    expect(JSON.parse(httpTrace('schema').stdout)).toEqual(schema);
  });
});

describe('--proto', () => {
  it('reports files that cannot be parsed, and goes on', () => {
    const protos = join(folder, 'protos');
    mkdirSync(join(protos, 'below'), { recursive: true });
    writeFileSync(join(protos, 'below', 'broken.proto'), 'message {');
    writeFileSync(join(protos, 'good.proto'), 'syntax = "proto3"; message A { int32 x = 1; }');
    const { status, stderr } = httpTrace('replay', recording('proto', empty), '--proto', protos);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^http-trace: [^\n]*broken\.proto: [^\n]+\n$/);
  });
});

describe('replay', () => {
  it('of a trace in which nothing happened', () => {
    const { status, stdout, stderr } = httpTrace('replay', recording('empty', empty), '--format', 'json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        summary: {
          produced: 0,
          delivered: 0,
          dropped: 0,
          exchanges: 0,
          encrypted: 0,
          connections: 0,
          bytes: { seen: 0, copied: 0, omitted: 0, fromFiles: 0, shed: 0, dropped: 0, unseen: 0, other: 12 },
          backend: 'tracepoint',
          behindMs: 0,
          note: null,
        },
      },
    ]);
  });

  it('of TLS: calls with what was agreed on, connections without plaintext with the reason', () => {
    const at = (specs: readonly RecordSpec[], index: number): bigint => specs[index]?.time ?? START;
    const socket = ciphertext('tls13', { rest: [{ close: true }] });
    const session = conversation(
      [
        { out: 'GET /orders HTTP/1.1\r\nHost: api.example\r\n\r\n' },
        { in: 'HTTP/1.1 204 No Content\r\n\r\n' },
      ],
      {
        connection: 7n,
        session: { socket: SOCKET, binding: 'call', alpn: 'http/1.1' },
        start: at(socket, 4),
      },
    );
    const sealed = ciphertext('curl', { connection: 2n, pid: 77, rest: [{ close: true }] });
    const failed = ciphertext('curl-unknown-ca', { connection: 3n, pid: 77 });
    const records = [socket, session, sealed, failed]
      .flat()
      .sort((a, b) => Number((a.time ?? START) - (b.time ?? START)));
    const library = {
      path: '/lib/x',
      inExecutable: false,
      attached: true,
      returns: 'instructions',
      reason: null,
    };
    const rustls = {
      ...library,
      kind: 'rustls',
      version: null,
      attached: false,
      returns: null,
      reason: 'rustls is not supported',
    };
    const path = recording('tls', [
      [FrameType.Hello, json(hello)],
      [FrameType.Clock, json({ offset: '0', bootTime: START.toString() })],
      [FrameType.Tls, json({ pid: 4242, libraries: [{ ...library, kind: 'openssl', version: '3.5.8' }] })],
      [FrameType.Tls, json({ pid: 77, libraries: [rustls] })],
      [FrameType.Records, recordBatch(records)],
      [
        FrameType.Status,
        json({
          ...final,
          counters: { ...final.counters, produced: records.length },
          upTo: (START * 2n).toString(),
        }),
      ],
    ]);
    const { status, stdout, stderr } = httpTrace('replay', path, '--format', 'json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const validate = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true }).compile(schema);
    for (const line of lines) expect(validate(line), JSON.stringify(validate.errors)).toBe(true);
    const summary = lines.pop();
    expect(summary.summary).toMatchObject({ exchanges: 2, encrypted: 1, connections: 3 });
    expect(lines.sort((a, b) => Number(a.connection.id) - Number(b.connection.id))).toMatchObject([
      {
        process: { pid: 77 },
        method: null,
        encrypted: { reason: 'rustls is not supported', sent: 517 + 80 + 103 + 24 },
        tls: { serverName: 'api.example', version: 'TLSv1.3', library: null },
        completeness: ['encrypted'],
      },
      {
        process: { pid: 77 },
        encrypted: { reason: 'TLS handshake failed: unknown_ca (alert 48) sent by the client' },
        tls: { alert: { name: 'unknown_ca', code: 48, sentBy: 'client' } },
        completeness: ['handshake-failed'],
      },
      {
        url: 'https://api.example/orders',
        connection: ADDRESSES,
        timings: { tlsMs: 2 },
        tls: {
          library: 'openssl',
          libraryVersion: '3.5.8',
          alpn: 'http/1.1',
          serverName: 'api.example',
          binding: 'call',
        },
        encrypted: null,
        completeness: ['complete'],
      },
    ]);
    for (const [filter, shown] of [
      ['https://api.example/ header:host=api.example', ['https://api.example/orders']],
      ['status:2xx or is:failed', [null, 'https://api.example/orders']],
      ['-/ORDERS$/ body:tea', []],
    ] as const) {
      const filtered = httpTrace('replay', path, '--format', 'json', '--filter', filter).stdout.trim();
      const urls = filtered.split('\n').map((line) => JSON.parse(line).url);
      expect(urls.slice(0, -1), filter).toEqual(shown);
    }
    const table = httpTrace('replay', path).stdout;
    expect(table).toContain('https://api.example/orders\n');
    const { log } = JSON.parse(httpTrace('export', path).stdout);
    expect(log).toMatchObject({
      version: '1.2',
      creator: { name: 'HTTP Trace' },
      comment: 'Secrets are masked. 2 without an HTTP request with a URL are left out.',
      entries: [{ request: { url: 'https://api.example/orders' } }],
    });
    expect(JSON.parse(httpTrace('replay', path, '--format', 'har').stdout)).toEqual({ log });
    expect(table).toContain('api.example:8443 (rustls is not supported) [encrypted]\n');
    expect(table).toContain('2 exchanges and 1 encrypted on 3 connections;');
  });

  it('of one that was cut: status 1 and what is known', () => {
    const { status, stdout, stderr } = httpTrace(
      'replay',
      recording('cut', empty.slice(0, 2), false),
      '--format',
      'json',
    );
    expect(status).toBe(1);
    expect(stderr).toContain('is truncated: it ends after 2 complete frames.');
    expect(JSON.parse(stdout).summary).toMatchObject({
      produced: null,
      note: expect.stringContaining('is truncated'),
    });
  });

  it.each([
    ['a text', 'GET / HTTP/1.1\r\n'],
    ['an executable', '\x7fELF\x02\x01\x01'],
  ])('of %s: status 2, and nothing else is written', (_, content) => {
    const path = join(folder, 'foreign');
    writeFileSync(path, content);
    const output = join(folder, 'never');
    const { status, stdout, stderr } = httpTrace('replay', path, '--format', 'json', '--output', output);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('is not a recording of HTTP Trace.');
    expect(() => statSync(output)).toThrow();
  });

  it.each<[string, [FrameType, Uint8Array]]>([
    ['records that are not valid', [FrameType.Records, Uint8Array.from({ length: 64 }, (_, i) => i)]],
    ['a status of nonsense', [FrameType.Status, json({ final: 'yes' })]],
    ['malformed JSON', [FrameType.Clock, new TextEncoder().encode('{')]],
  ])('of one with %s: status 1, and a clear message', (_, frame) => {
    const path = recording('damaged', [...empty.slice(0, 2), frame]);
    const { status, stderr, stdout } = httpTrace('replay', path, '--format', 'json');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^http-trace: "[^"]+" is damaged: [^\n]+\n$/);
    expect(JSON.parse(stdout).summary.note).toContain('is damaged');
  });

  it('writes a private file', () => {
    const output = join(folder, 'out.jsonl');
    writeFileSync(output, 'older', { mode: 0o644 });
    expect(httpTrace('replay', recording('empty2', empty), '--output', output).status).toBe(0);
    expect(statSync(output).mode & 0o777).toBe(0o600);
  });

  it('does not follow a link, nor write anything then', () => {
    const output = join(folder, 'link.jsonl');
    const target = join(folder, 'precious');
    writeFileSync(target, 'precious');
    symlinkSync(target, output);
    const { status, stderr } = httpTrace('replay', recording('empty4', empty), '--output', output);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `http-trace: ${JSON.stringify(output)} cannot be written: it is a link, and links are not followed.\n`,
    });
    expect(readFileSync(target, 'utf8')).toBe('precious');
    expect(existsSync(`${output}.partial`)).toBe(false);
  });

  it('writes to devices, descriptors and pipes as they are', () => {
    const path = recording('empty5', empty);
    for (const name of ['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1']) {
      const { status, stdout } = httpTrace('replay', path, '--output', name);
      expect([name, status, stdout]).toEqual([name, 0, httpTrace('replay', path).stdout]);
    }
    expect(httpTrace('replay', path, '--output', '/dev/null')).toMatchObject({ status: 0, stderr: '' });
    const shell = (script: string): string =>
      spawnSync('bash', ['-c', script], {
        encoding: 'utf8',
        env: { ...process.env, NODE: process.execPath, TRACE: program, FILE: path },
      }).stdout;
    expect(shell('"$NODE" "$TRACE" replay "$FILE" --output >(cat); wait $!')).toContain('0 exchanges');
    const file = join(folder, 'appended');
    expect(
      shell(`{ echo before; "$NODE" "$TRACE" replay "$FILE" --output /dev/stdout; } > ${file}; cat ${file}`),
    ).toMatch(/^before\n0 exchanges/);
  });

  it('of a full disk: says so and leaves no half file', () => {
    const { status, stderr } = httpTrace('replay', recording('empty6', empty), '--output', '/dev/full');
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'http-trace: "/dev/full" cannot be written: the disk is full.\n',
    });
  });

  it.runIf(process.getuid?.() === 0)('of a disk that fills up: says so, and what was there stays', () => {
    const many = recording('many', [
      ...empty.slice(0, 2),
      ...Array.from({ length: 400 }, (_, i): [FrameType, Uint8Array] => [
        FrameType.Records,
        recordBatch(
          conversation(
            [
              { out: `GET /${i}?x=${'y'.repeat(1_000)} HTTP/1.1\r\nHost: a\r\n\r\n` },
              { in: 'HTTP/1.1 204 No Content\r\n\r\n' },
            ],
            { connection: BigInt(i + 1) },
          ),
        ),
      ]),
      ...empty.slice(2),
    ]);
    const script = `
      set -e
      mount -t tmpfs -o size=64k,mode=700 none "$DISK"
      echo older > "$DISK/out"
      set +e
      "$NODE" "$TRACE" replay "$FILE" --format json --output "$DISK/out"
      echo "status $?"; cat "$DISK/out"; ls -A "$DISK"`;
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const { stdout, stderr } = spawnSync('unshare', ['-m', 'bash', '-c', script], {
      encoding: 'utf8',
      env: { ...process.env, NODE: process.execPath, TRACE: program, FILE: many, DISK: disk },
    });
    expect(stderr).toBe(
      `http-trace: ${JSON.stringify(join(disk, 'out'))} cannot be written: the disk is full.\n`,
    );
    expect(stdout).toBe('status 1\nolder\nout\n');
  });

  it('ends quietly when nobody reads', async () => {
    const path = recording('empty3', empty);
    const line = `'${process.execPath}' '${program}' replay '${path}' --format json | true; echo "\${PIPESTATUS[0]}"`;
    const child = spawn('bash', ['-c', line], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (piece) => {
      out += piece;
    });
    child.stderr.on('data', (piece) => {
      err += piece;
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect({ out, err }).toEqual({ out: '0\n', err: '' });
  });
});

describe('without the parts that trace', () => {
  it('doctor says so', () => {
    const { status, stdout } = httpTrace('doctor', '--format', 'json');
    const report = JSON.parse(stdout);
    expect(status).toBe(1);
    expect(report.possible).toBe(false);
    expect(report.checks).toContainEqual(expect.objectContaining({ id: 'parts', status: 'missing' }));
  });

  it('run starts nothing and ends with 125', () => {
    const mark = join(folder, 'mark');
    const { status, stderr } = httpTrace('run', '--', 'touch', mark);
    expect(status).toBe(125);
    expect(stderr).toMatch(/^http-trace: [^\n]+\n$/);
    expect(() => statSync(mark)).toThrow();
  });
});

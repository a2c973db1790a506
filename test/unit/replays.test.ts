/**
 * Copies of a request, run by the programs they are for: a real curl, Node and Python send them to a real server,
 * which gets what was captured; and no value, however hostile, is read as anything but a value.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp2 } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../extension/engine/engine.ts';
import { conversation, recordBatch, START } from '../../extension/engine/testing/records.ts';
import { COPY_FORMATS, type CopyFormat } from '../../extension/export/copyAs.ts';
import { javascriptString, pythonBytes, pythonString, shellWord } from '../../extension/export/literals.ts';
import { MASKED, type Replay, replayOf } from '../../extension/export/replay.ts';
import { runs } from '../kit/runs.ts';
import { Python } from './python.ts';

const folder = mkdtempSync(join(tmpdir(), 'http-trace-replays-'));
const python = new Python(folder);
afterAll(async () => {
  await python.end();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program with a text as its standard input, in an empty folder. */
function run(program: string, args: readonly string[], input: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { cwd: folder, encoding: 'buffer', maxBuffer: 1 << 28, timeout: 120_000 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${program}: ${String(stderr).slice(0, 2_000)}\n${input.slice(0, 2_000)}`));
      },
    );
    child.stdin?.end(input);
  });
}

const RUNNERS: Readonly<Record<'curl' | 'fetch' | 'python', (text: string) => Promise<Buffer>>> = {
  curl: (text) => run('bash', ['-s'], text.replace('curl ', 'curl -sS ')),
  fetch: (text) => run(process.execPath, ['-'], text),
  python: (text) => python.run(text),
};

interface Message {
  readonly startLine: string;
  readonly fields: readonly string[];
  readonly body: Buffer;
}

/** Reads one HTTP/1 request as it is on the wire. */
function parse(bytes: Buffer): Message | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [startLine = '', ...fields] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const value = (name: string) =>
    fields.find((line) => line.toLowerCase().startsWith(`${name}:`))?.replace(/^[^:]*:\s*/, '');
  const rest = bytes.subarray(end + 4);
  if (value('transfer-encoding') === undefined) {
    const length = Number(value('content-length') ?? 0);
    return rest.length < length ? null : { startLine, fields, body: rest };
  }
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = rest.indexOf('\r\n', at);
    if (line < 0) return null;
    const size = Number.parseInt(rest.subarray(at, line).toString(), 16);
    if (rest.length < line + 4 + size) return null;
    if (size === 0) return { startLine, fields, body: Buffer.concat(chunks) };
    chunks.push(rest.subarray(line + 2, line + 2 + size));
    at = line + 4 + size;
  }
}

let server: Server;
let port = 0;
let received: Buffer[] = [];
beforeAll(async () => {
  server = createServer((socket) => {
    let bytes: Buffer = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      bytes = Buffer.concat([bytes, piece]);
      if (parse(bytes) === null) {
        if (
          /\r\nexpect: 100-continue\r\n/i.test(bytes.toString('latin1')) &&
          bytes.toString('latin1').endsWith('\r\n\r\n')
        )
          socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        return;
      }
      received.push(bytes);
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

/** The request as the engine has it after it was captured. */
function captured(request: Buffer, reveal: boolean): Replay {
  const engine = new Engine({ bodyLimit: null });
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(
    recordBatch(conversation([{ out: request }, { in: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' }])),
  );
  const revealed = engine.json(1, { reveal: true });
  const shown = engine.json(1, { reveal });
  if (revealed === undefined || shown === undefined) throw new Error('no call');
  const replay = replayOf({ shown, revealed, body: engine.body(1, 'request') });
  if (typeof replay === 'string') throw new Error(replay);
  return replay;
}

async function sent(format: keyof typeof RUNNERS, replay: Replay): Promise<Message> {
  received = [];
  await RUNNERS[format](COPY_FORMATS[format].write(replay));
  expect(received).toHaveLength(1);
  return parse(received[0] as Buffer) as Message;
}

function request(head: readonly string[], body: Uint8Array | string = ''): Buffer {
  const lines = head.map((line) => line.replaceAll('PORT', String(port)));
  return Buffer.concat([
    Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
    Buffer.from(body as Uint8Array),
  ]);
}

const HOST = 'Host: 127.0.0.1:PORT';
const gzipped = gzipSync('{"id":"a7","text":"ü"}');
const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const hostile = `'; touch broken-out #\\'"$(touch broken-out)\`touch broken-out\`!!%s\\x41\${HOME}`;

const REQUESTS: Readonly<Record<string, () => Buffer>> = {
  'a GET': () => request(['GET /a?b=c&d HTTP/1.1', HOST, 'User-Agent: x/1', 'Accept: */*']),
  'without what programs add': () => request(['GET / HTTP/1.1', HOST]),
  'fields in their case and order, twice, empty': () =>
    request(['GET / HTTP/1.1', HOST, 'x-B: 2', 'X-a: 1', 'x-B: 1', 'X-Empty: ', 'Cookie: a=b; c=d']),
  'a path with dots, brackets and quotes': () =>
    request([`GET /a/../b/./c%2F{x}[1-3]?q='"&r=[]{}|^ HTTP/1.1`.replace('^ ', '^ '), HOST]),
  'a target in UTF-8': () => request([Buffer.from('GET /ü?ü#x HTTP/1.1').toString('latin1'), HOST]),
  'OPTIONS *': () => request(['OPTIONS * HTTP/1.1', HOST]),
  'a HEAD': () => request(['HEAD /x HTTP/1.1', HOST, 'Accept-Encoding: gzip, br']),
  'another method': () => request(['PURGE /x HTTP/1.1', HOST]),
  'another name than the address': () => request(['GET /x HTTP/1.1', 'Host: localhost:PORT']),
  'JSON with quotes and line ends': () => {
    const body = `{"a":"it's \\"x\\"",\r\n\t"b":"ü €\u202e \u{1f600}","c":"${hostile.replaceAll(/["\\]/g, '')}"}\n`;
    return request(
      [
        'POST /x HTTP/1.1',
        HOST,
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(body)}`,
      ],
      body,
    );
  },
  'a body that begins with @': () =>
    request(['POST /x HTTP/1.1', HOST, 'Content-Type: text/plain', 'Content-Length: 11'], '@/etc/hosts'),
  'a body without a type': () => request(['POST /x HTTP/1.1', HOST, 'Content-Length: 5'], 'a=b&c'),
  'an empty POST': () => request(['POST /x HTTP/1.1', HOST, 'Content-Length: 0']),
  'a DELETE with a body': () => request(['DELETE /x HTTP/1.1', HOST, 'Content-Length: 2'], '{}'),
  'a gzip body': () =>
    request(
      [
        'PUT /x HTTP/1.1',
        HOST,
        'Content-Type: application/json',
        'Content-Encoding: gzip',
        `Content-Length: ${gzipped.length}`,
      ],
      gzipped,
    ),
  'every byte': () => request(['POST /x HTTP/1.1', HOST, 'Content-Length: 256'], binary),
  'a chunked body': () =>
    request(
      ['POST /x HTTP/1.1', HOST, 'Content-Type: text/plain', 'Transfer-Encoding: chunked'],
      '5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\n\r\n',
    ),
  'a large body': () =>
    request(['POST /x HTTP/1.1', HOST, 'Content-Length: 1000000'], "it's ".repeat(200_000)),
  'hostile fields': () =>
    request([
      'GET /x HTTP/1.1',
      HOST,
      `X-A: ${hostile}`,
      `X-B: @${hostile}`,
      'X-C: =x',
      'X-D: a\tb\xe4\xff;',
    ]),
  'HTTP/1.0': () => request(['GET /x HTTP/1.0', 'User-Agent: old']),
};

/** About the connection: fetch and requests decide on them. */
const OF_CONNECTION = /^(?:connection|content-length|transfer-encoding|keep-alive|host):/i;

describe('a copied command sends what was captured', () => {
  it.each(Object.keys(REQUESTS))('curl: %s', async (name) => {
    const original = (REQUESTS[name] as () => Buffer)();
    const before = parse(original) as Message;
    // Without an authority there is no URL.
    const replay =
      name === 'HTTP/1.0'
        ? { ...captured(original, true), authority: `127.0.0.1:${port}` }
        : captured(original, true);
    const after = await sent('curl', replay);
    expect(after.startLine).toBe(before.startLine);
    const order = (fields: readonly string[]) => [...fields.map((line) => line.replace(/: +$/, ':'))];
    expect(order(after.fields).sort()).toEqual(order(before.fields).sort());
    expect(order(after.fields).filter((line) => !OF_CONNECTION.test(line))).toEqual(
      order(before.fields).filter((line) => !OF_CONNECTION.test(line)),
    );
    expect(after.body.equals(before.body)).toBe(true);
  });

  const bodies = Object.keys(REQUESTS).filter(
    (name) =>
      !['OPTIONS *', 'HTTP/1.0', 'a target in UTF-8', 'a path with dots, brackets and quotes'].includes(name),
  );
  it.each(bodies.flatMap((name) => (['fetch', 'python'] as const).map((format) => [format, name] as const)))(
    '%s: %s',
    async (format, name) => {
      const original = (REQUESTS[name] as () => Buffer)();
      const before = parse(original) as Message;
      const after = await sent(format, captured(original, true));
      expect(after.startLine).toBe(before.startLine);
      const values = valuesOf(after.fields);
      for (const [field, value] of valuesOf(before.fields)) {
        if (!OF_CONNECTION.test(`${field}:`)) expect(values.get(field), field).toBe(value);
      }
      expect(after.body.equals(before.body)).toBe(true);
    },
  );

  it('curl: HTTP/2', async () => {
    const seen: { headers: Record<string, unknown>; body: Buffer }[] = [];
    const http2 = createHttp2();
    http2.on('stream', (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        seen.push({ headers: Object.fromEntries(Object.entries(headers)), body: Buffer.concat(chunks) });
        stream.respond({ ':status': 204 });
        stream.end();
      });
    });
    await new Promise<void>((done) => http2.listen(0, '127.0.0.1', done));
    try {
      const authority = `127.0.0.1:${(http2.address() as AddressInfo).port}`;
      const replay: Replay = {
        method: 'POST',
        scheme: 'http',
        authority,
        target: '/a/../b?x=1',
        version: '2',
        fields: [
          ['content-type', 'application/grpc'],
          ['te', 'trailers'],
          ['x-hostile', hostile],
        ],
        body: binary,
        masked: [],
        notes: [],
      };
      await RUNNERS.curl(COPY_FORMATS.curl.write(replay));
      expect(seen).toHaveLength(1);
      expect(seen[0]?.headers).toEqual({
        ':method': 'POST',
        ':scheme': 'http',
        ':authority': authority,
        ':path': '/a/../b?x=1',
        'content-type': 'application/grpc',
        te: 'trailers',
        'x-hostile': hostile,
        'content-length': '256',
      });
      expect(seen[0]?.body.equals(binary)).toBe(true);
    } finally {
      http2.close();
    }
  });
});

/** Values of one name as one list, names in lower case. */
function valuesOf(lines: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]*):\s*(.*?)\s*$/s.exec(line) ?? [];
    const lower = name.toLowerCase();
    const known = values.get(lower);
    values.set(lower, known === undefined ? value : `${known}, ${value}`);
  }
  return values;
}

describe('secrets', () => {
  const secret = () =>
    request(
      [
        'POST /x?token=abcdefgh HTTP/1.1',
        HOST,
        'Authorization: Bearer abcdefgh12345678',
        'Content-Type: application/json',
        'Content-Encoding: gzip',
        'Content-Length: 54',
      ].map((line) => line.replace('54', String(secretBody.length))),
      secretBody,
    );
  const secretBody = gzipSync('{"password":"hunter2hunter2","name":"x"}');

  it.each(Object.keys(COPY_FORMATS) as CopyFormat[])('are masked by default, and %s says so', (format) => {
    const text = COPY_FORMATS[format].write(captured(secret(), false));
    expect(text).not.toMatch(/abcdefgh|hunter2/);
    expect(text.split('\n')[0]).toContain(
      `HTTP Trace masked secrets (URL, Authorization, body): fill them in where it says ${MASKED}.`,
    );
    const open = COPY_FORMATS[format].write(captured(secret(), true));
    expect(open).toContain('abcdefgh12345678');
    expect(open).not.toContain(MASKED);
  });

  it('leave a request that can be sent', async () => {
    for (const format of ['curl', 'fetch', 'python'] as const) {
      const { startLine, fields, body } = await sent(format, captured(secret(), false));
      expect(startLine).toBe('POST /x?token=MASKED HTTP/1.1');
      expect(fields).toContain('Authorization: Bearer MASKED');
      expect(fields.some((line) => /content-encoding/i.test(line))).toBe(false);
      expect(String(body)).toBe('{"password":"MASKED","name":"x"}');
    }
  });
});

describe('what cannot be replayed says so', () => {
  it('a truncated body', () => {
    const engine = new Engine({ bodyLimit: 4 });
    engine.setClock({ offset: 0n, bootTime: START });
    const original = request(['POST / HTTP/1.1', 'Host: a', 'Content-Length: 10'], '0123456789');
    engine.push(
      recordBatch(conversation([{ out: original }, { in: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' }])),
    );
    const shown = engine.json(1, { reveal: true });
    if (shown === undefined) throw new Error('no call');
    const replay = replayOf({ shown, revealed: shown, body: engine.body(1, 'request') }) as Replay;
    expect(replay.notes).toEqual(['Only the first 4 of 10 bytes of its body were captured.']);
    expect(COPY_FORMATS.curl.write(replay)).toContain(
      `: 'Only the first 4 of 10 bytes of its body were captured.'\n`,
    );
  });

  it('a host that is not valid', () => {
    for (const host of ['a@b', 'a b', '-o/tmp/x', 'a/../..', "a'b", 'a\\b']) {
      const engine = new Engine();
      engine.setClock({ offset: 0n, bootTime: START });
      engine.push(
        recordBatch(
          conversation([
            { out: `GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n` },
            { in: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' },
          ]),
        ),
      );
      const shown = engine.json(1, { reveal: true });
      if (shown === undefined) throw new Error('no call');
      const replay = replayOf({ shown, revealed: shown, body: null });
      if (host === '-o/tmp/x' || host === 'a/../..') {
        // Its path begins there, as in every URL.
        if (typeof replay !== 'string') expect(replay.target).toMatch(/^\//);
      } else expect(replay, host).toBe('The URL of this call names no server.');
    }
  });
});

const bytesWithoutNul = fc
  .array(fc.integer({ min: 1, max: 255 }), { maxLength: 40 })
  .map((codes) => Uint8Array.from(codes));
const shellText = fc
  .array(
    fc.constantFrom(
      "'",
      '"',
      '\\',
      '$',
      '`',
      '!',
      '\n',
      '\r',
      ';',
      '&',
      '|',
      '(',
      ')',
      '{',
      '#',
      '~',
      '*',
      '-',
      ' ',
      '\t',
      'a',
      '=',
      '@',
      '%',
      'ü',
      '\u202e',
      '\x1b',
      '\x7f',
      '\u{e0041}',
      '\u{1f600}',
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join(''));
const words = fc.array(
  fc.oneof(
    bytesWithoutNul,
    shellText.map((text) => Uint8Array.from(Buffer.from(text))),
  ),
  { minLength: 1, maxLength: 50 },
);

describe('no value ends its literal', () => {
  it('in bash: every word arrives as it was', async () => {
    await fc.assert(
      fc.asyncProperty(words, async (values) => {
        const script = `printf '%s\\0' ${values.map(shellWord).join(' ')}`;
        const expected = Buffer.concat(values.map((value) => Buffer.concat([value, Buffer.from([0])])));
        expect((await run('bash', ['-s'], script)).equals(expected)).toBe(true);
      }),
      { numRuns: runs(40) },
    );
    expect(existsSync(join(folder, 'broken-out'))).toBe(false);
  });

  it('in shells that do not know all of it: there are as many words', async () => {
    await fc.assert(
      fc.asyncProperty(words, async (values) => {
        const script = `printf '%s\\0' ${values.map(shellWord).join(' ')}`;
        const count = (await run('dash', ['-s'], script)).filter((byte) => byte === 0).length;
        expect(count).toBe(values.length);
      }),
      { numRuns: runs(40) },
    );
  });

  it('in fish: a quote of the simple kind holds no backslash and no quote', () => {
    fc.assert(
      fc.property(words, (values) => {
        for (const word of values.map(shellWord))
          expect(word).toMatch(/^(?:'[^'\\]*'|\$'[^']*'|[\w./:+-]+)$/s);
      }),
    );
  });

  const anyText = fc.oneof(shellText, fc.string({ unit: 'binary' }));
  const texts = fc.array(anyText, { minLength: 1, maxLength: 50 });
  // Each run starts a Node, which costs more than hundreds of texts.
  const manyTexts = fc.array(anyText, { minLength: 150, maxLength: 250 });

  it('in Node', async () => {
    await fc.assert(
      fc.asyncProperty(manyTexts, async (values) => {
        const script = `process.stdout.write(JSON.stringify([${values.map(javascriptString).join(',')}]))`;
        expect(JSON.parse(String(await run(process.execPath, ['-'], script)))).toEqual(values);
      }),
      { numRuns: runs(2) },
    );
  });

  it('in Python', async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.uint8Array()), async (values, bytes) => {
        const script = `import json\nprint(json.dumps([[${values.map(pythonString).join(',')}],[b.hex() for b in [${bytes.map(pythonBytes).join(',')}]]]))`;
        const expected = [values, bytes.map((one) => Buffer.from(one).toString('hex'))];
        expect(JSON.parse(String(await python.run(script)))).toEqual(expected);
      }),
      { numRuns: runs(15) },
    );
  });

  it('in the whole of a copy', async () => {
    const value = fc
      .array(
        fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f),
        { maxLength: 30 },
      )
      .map((codes) => String.fromCharCode(...codes).trim());
    const hostileValue = fc.oneof(
      value,
      shellText.map((text) =>
        Buffer.from(text.replace(/[\r\n\x1b\x7f]/g, ''))
          .toString('latin1')
          .trim(),
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(hostileValue, { minLength: 1, maxLength: 20 }),
        fc.uint8Array(),
        shellText,
        async (values, bytes, text) => {
          const body = Buffer.concat([Buffer.from(text), bytes]);
          const fields = values.map((one, i): [string, string] => [`X-${i}`, one]);
          const replay: Replay = {
            method: 'PUT',
            scheme: 'http',
            authority: `127.0.0.1:${port}`,
            target: '/x',
            version: '1.1',
            fields,
            body,
            masked: [],
            notes: [hostile],
          };
          for (const format of ['curl', 'fetch', 'python'] as const) {
            const message = await sent(format, replay);
            const arrived = valuesOf(message.fields);
            for (const [name, one] of fields) {
              expect(arrived.get(name.toLowerCase()), `${format} ${JSON.stringify(one)}`).toBe(
                one.replace(/^\s+|\s+$/g, ''),
              );
            }
            expect(message.body.equals(body), format).toBe(true);
          }
        },
      ),
      // U+0085 is white space to Python, and no character of a field's value is to HTTP.
      { numRuns: runs(10), examples: [[['\x85', 'a\x85', '\xa0b'], new Uint8Array(), '']] },
    );
    expect(existsSync(join(folder, 'broken-out'))).toBe(false);
  });

  it('in HTTPie: every item arrives as one argument', async () => {
    const replay = captured((REQUESTS['hostile fields'] as () => Buffer)(), true);
    const script = `http() { printf '%s\\0' "$@"; }\n${COPY_FORMATS.httpie.write({ ...replay, body: Buffer.from(hostile) })}`;
    const args = String(await run('bash', ['-s'], script)).split('\0');
    expect(args).toContain(`--raw=${hostile}`);
    expect(args).toContain('X-C:\\=x');
    expect(args.filter((arg) => arg.startsWith('-'))).toEqual(['--ignore-stdin', `--raw=${hostile}`]);
    expect(existsSync(join(folder, 'broken-out'))).toBe(false);
  });
});

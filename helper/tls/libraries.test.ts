/** Real libraries and programs; those of scripts/runtimes.mjs only where it has run. */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { runtimes } from '../../scripts/runtimes.mjs';
import { TlsFunction } from './functions.ts';
import { formatOpensslVersion, identify, type Library, recognise } from './libraries.ts';
import type { Probe } from './probes.ts';
import { loadDisassembler } from './returns.ts';
import { compile } from './testing/binaries.ts';

// A busy machine needs its time.
vi.setConfig({ testTimeout: 60_000 });

beforeAll(loadDisassembler);

const LIBRARIES = '/usr/lib/x86_64-linux-gnu';

function identified(path: string): Library | null {
  const descriptor = openSync(path, 'r');
  try {
    return identify(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

async function recognised(path: string): Promise<Library | null> {
  const descriptor = openSync(path, 'r');
  try {
    expect(identify(descriptor)).toBeNull();
    return await recognise(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function kindsOf(library: Library | null, symbol: string): Probe['kind'][] {
  return (library?.probes ?? []).filter((probe) => probe.symbol === symbol).map(({ kind }) => kind);
}

describe('OpenSSL', () => {
  const nodes = [runtimes.node20, runtimes.node22, runtimes.node24].filter((path) => existsSync(path));

  it.each(nodes)('inside Node is found, with the version that Node reports: %s', (path) => {
    const library = identified(path);
    const version = execFileSync(path, ['-p', 'process.versions.openssl'], { encoding: 'utf8' }).trim();
    expect(version).toMatch(new RegExp(`^${library?.version?.replaceAll('.', '\\.')}(?:\\+|$)`));
    expect(library).toMatchObject({ part: 'tls', kind: 'openssl', returns: 'instructions', reason: null });
    for (const symbol of ['SSL_read', 'SSL_write', 'SSL_read_ex', 'SSL_write_ex', 'SSL_peek']) {
      const [first, ...rest] = kindsOf(library, symbol);
      expect(first).toBe('entry');
      expect(rest.length).toBeGreaterThan(0);
      expect(new Set(rest)).toEqual(new Set(['return-instruction']));
    }
    expect(kindsOf(library, 'BIO_write')).toEqual(['entry']);
    expect(kindsOf(library, 'SSL_free')).toEqual(['entry']);
  });

  it.runIf(existsSync(`${LIBRARIES}/libssl.so.3`))('as shared libraries', () => {
    const ssl = identified(`${LIBRARIES}/libssl.so.3`);
    expect(ssl).toMatchObject({ part: 'tls', kind: 'openssl', returns: 'instructions' });
    expect(kindsOf(ssl, 'SSL_read')).toEqual(['entry', 'return-instruction']);
    // It ends in SSL_do_handshake, by the linker's stub: its own probes see all.
    expect(kindsOf(ssl, 'SSL_connect')).toEqual([]);
    expect(kindsOf(ssl, 'SSL_do_handshake')).toEqual(['entry', 'uretprobe']);
    const crypto = identified(`${LIBRARIES}/libcrypto.so.3`);
    expect(crypto).toMatchObject({
      part: 'bio',
      kind: 'openssl',
      version: expect.stringMatching(/^3\.\d+\.\d+$/),
    });
    expect(crypto?.probes.map(({ function: of, kind }) => [of, kind])).toEqual([
      [TlsFunction.BioWrite, 'entry'],
      [TlsFunction.Error, 'entry'],
    ]);
    // What BIO_f_ssl calls has no name in the file: one call to read, one to write.
    for (const symbol of ['ssl_read_internal', 'ssl_write_internal'])
      expect(kindsOf(ssl, symbol)).toEqual(['entry', 'return-instruction']);
  });

  it('returns its version as a number', () => {
    expect(formatOpensslVersion(0x30000130)).toBe('3.0.19');
    expect(formatOpensslVersion(0x1010117f)).toBe('1.1.1w');
    expect(formatOpensslVersion(0x1010100f)).toBe('1.1.1');
  });
});

describe('other libraries', () => {
  it.runIf(existsSync(`${LIBRARIES}/libgnutls.so.30`))(
    'GnuTLS, also where its functions end in others',
    () => {
      const library = identified(`${LIBRARIES}/libgnutls.so.30`);
      expect(library).toMatchObject({ kind: 'gnutls', version: expect.stringMatching(/^3\.\d+\.\d+$/) });
      // gnutls_record_send is nothing but a jump to gnutls_record_send2.
      expect(kindsOf(library, 'gnutls_record_send')).toEqual([]);
      expect(kindsOf(library, 'gnutls_record_send2')).toEqual(['entry', 'return-instruction']);
      const receiving = kindsOf(library, 'gnutls_record_recv');
      expect(receiving.filter((kind) => kind === 'return-instruction').length).toBeGreaterThan(1);
    },
  );

  it.runIf(existsSync(`${LIBRARIES}/libssl3.so`))('NSS, which is read by the functions of NSPR', () => {
    const library = identified(`${LIBRARIES}/libssl3.so`);
    const version = expect.stringMatching(/^3\.\d+(\.\d+)?$/);
    expect(library).toMatchObject({ part: 'tls', kind: 'nss', version, reason: null });
    expect(kindsOf(library, 'SSL_ImportFD')).toContain('entry');
    const nspr = identified(`${LIBRARIES}/libnspr4.so`);
    expect(nspr).toMatchObject({ part: 'nspr', kind: 'nss', version: null });
    // It ends in a jump to the function of whatever layer is the uppermost.
    expect(kindsOf(nspr, 'PR_Read')).toEqual(['entry', 'uretprobe']);
  });

  it.runIf(existsSync(`${LIBRARIES}/libmbedtls.so.14`))('Mbed TLS, and its version beside it', () => {
    const library = identified(`${LIBRARIES}/libmbedtls.so.14`);
    expect(library).toMatchObject({ part: 'tls', kind: 'mbedtls', returns: 'instructions', reason: null });
    expect(kindsOf(library, 'mbedtls_ssl_read')).toContain('return-instruction');
    const version = expect.stringMatching(/^2\.\d+\.\d+$/);
    expect(identified(`${LIBRARIES}/libmbedcrypto.so.7`)).toMatchObject({
      part: 'version',
      version,
      probes: [],
    });
  });

  it.runIf(existsSync(`${LIBRARIES}/libwolfssl.so.35`))('wolfSSL', () => {
    const library = identified(`${LIBRARIES}/libwolfssl.so.35`);
    const version = expect.stringMatching(/^5\.\d+\.\d+$/);
    expect(library).toMatchObject({ part: 'tls', kind: 'wolfssl', version, reason: null });
    for (const symbol of ['wolfSSL_read', 'wolfSSL_write'])
      expect(kindsOf(library, symbol)).toContain('entry');
  });

  it('a file without a TLS library yields null', async () => {
    for (const path of ['/bin/sh', `${LIBRARIES}/libz.so.1`].filter((name) => existsSync(name))) {
      expect(await recognised(path)).toBeNull();
    }
  });

  it('a file with rustls and BoringSSL names both, as it does not show which one is used', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'http-trace-names-'));
    const signs = [
      'TLS 1.3, server CertificateVerify',
      '/rustls-0.21.1/src/',
      '../boringssl/src/ssl/ssl_lib.cc',
    ];
    const source = `const char *const signs[] = {${signs.map((sign) => JSON.stringify(sign)).join()}};`;
    try {
      const path = compile(source, join(folder, 'two.so'), '-shared', '-fPIC', '-nostdlib');
      expect(await recognised(path)).toMatchObject({
        kind: 'unknown',
        reason: 'it contains rustls and BoringSSL, and it is not known which of them it uses',
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const biome = 'node_modules/@biomejs/cli-linux-x64/biome';
  it.runIf(existsSync(biome))('rustls is named with its version', async () => {
    expect(await recognised(biome)).toEqual({
      part: 'tls',
      kind: 'rustls',
      version: expect.stringMatching(/^0\.\d+\.\d+$/),
      probes: [],
      returns: null,
      reason: 'rustls is not supported, as Rust has no fixed calling convention',
    });
  });

  const chromium = '/usr/lib/chromium/chromium';
  it.runIf(existsSync(chromium))('BoringSSL without names is named', async () => {
    expect(await recognised(chromium)).toMatchObject({
      kind: 'boringssl',
      reason: 'it was built with BoringSSL inside, and the names of its functions were stripped',
    });
  });
});

describe.skipIf(!existsSync(runtimes.go.plain))("Go's crypto/tls", () => {
  const NAMES = ['Read', 'Write', 'clientHandshake', 'serverHandshake', 'CloseWrite', 'Close'].map(
    (name) => `crypto/tls.(*Conn).${name}`,
  );

  /** [name, address, size] of functions, by the symbols that only `plain` has. */
  function symbolsOf(path: string): Map<string, [address: number, size: number]> {
    const text = execFileSync('nm', ['--print-size', '--defined-only', path], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const lines = text.matchAll(/^([0-9a-f]{16}) ([0-9a-f]{16}) [Tt] (.*)$/gm);
    return new Map(
      [...lines].map(([, address = '', size = '', name = '']) => [
        name,
        [Number.parseInt(address, 16), Number.parseInt(size, 16)],
      ]),
    );
  }

  it('is where the symbols say, and returns where objdump says', () => {
    const library = identified(runtimes.go.plain);
    const symbols = symbolsOf(runtimes.go.plain);
    expect(library).toMatchObject({ part: 'tls', kind: 'go', returns: 'instructions', reason: null });
    for (const name of NAMES) {
      const [address, size] = symbols.get(name) ?? [0, 0];
      const shown = execFileSync(
        'objdump',
        ['-d', '--no-show-raw-insn', `--start-address=${address}`, `--stop-address=${address + size}`].concat(
          runtimes.go.plain,
        ),
        { encoding: 'utf8' },
      );
      const returns = [...shown.matchAll(/^ *([0-9a-f]+):\s+ret/gm)].map(([, at = '']) =>
        Number.parseInt(at, 16),
      );
      expect(returns.length).toBeGreaterThan(0);
      // The program is not position-independent: its code is loaded 0x400000 above its place in the file.
      expect(
        library?.probes
          .filter(({ symbol }) => symbol === name)
          .map(({ kind, offset }) => [kind, offset + 0x400000]),
      ).toEqual([
        ['entry', address],
        // What comes of closing is of no interest.
        ...(name.endsWith('.CloseWrite') ? [] : returns.map((at) => ['return-instruction', at])),
      ]);
    }
  });

  it('is at the same places in the stripped program', () => {
    const plain = identified(runtimes.go.plain);
    const stripped = identified(runtimes.go.stripped);
    expect(stripped?.version).toBe(plain?.version);
    expect(stripped?.version).toMatch(/^1\.\d+/);
    expect(stripped?.probes).toEqual(plain?.probes);
  });

  it('is found in a position-independent one', () => {
    const plain = identified(runtimes.go.plain)?.probes ?? [];
    const pie = identified(runtimes.go.pie)?.probes ?? [];
    expect(pie.map(({ symbol, kind }) => [symbol, kind])).toEqual(
      plain.map(({ symbol, kind }) => [symbol, kind]),
    );
    for (const { offset, kind } of pie.filter(({ symbol }) => symbol.endsWith(').Read'))) {
      const byte = readFileSync(runtimes.go.pie).subarray(offset, offset + 1);
      if (kind === 'return-instruction') expect(byte[0]).toBe(0xc3);
    }
  });

  it.each([
    ['1.17', '1.17.2'],
    ['1.20', '1.20.12'],
    ['1.23', '1.23.5'],
    ['1.26', null],
  ] as const)('is found in stripped programs of Go %s', (go, version) => {
    const library = identified(runtimes.esbuild[go]);
    expect(library).toMatchObject({ kind: 'go', version, returns: 'instructions', reason: null });
    for (const name of ['Read', 'Write', 'Close']) {
      const [first, ...rest] = kindsOf(library, `crypto/tls.(*Conn).${name}`);
      expect(first).toBe('entry');
      expect(rest.length).toBeGreaterThan(1);
    }
    expectBytes(runtimes.esbuild[go], library, 0xc3, 1);
  });

  it('of AArch64 too', () => {
    const library = identified(runtimes.esbuild.arm64);
    expect(library?.kind).toBe('go');
    expect(library?.probes.length).toBeGreaterThan(20);
    expectBytes(runtimes.esbuild.arm64, library, 0xd65f03c0, 4);
  });

  it('before register arguments is named only', () => {
    expect(identified(runtimes.esbuild['1.16'])).toMatchObject({
      kind: 'go',
      version: '1.16.2',
      probes: [],
      reason: 'it was built by Go 1.16.2, and Go 1.17 or later is supported',
    });
  });

  function expectBytes(path: string, library: Library | null, value: number, size: number): void {
    const descriptor = openSync(path, 'r');
    const bytes = Buffer.alloc(size);
    for (const { kind, offset } of library?.probes ?? []) {
      readSync(descriptor, bytes, 0, size, offset);
      if (kind === 'return-instruction') expect(bytes.readUIntLE(0, size)).toBe(value);
    }
    closeSync(descriptor);
  }
});

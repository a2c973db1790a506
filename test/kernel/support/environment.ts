/** What the kernel tests need, and where the built product is. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe } from 'vitest';

export const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
export const HTTP_TRACE = join(ROOT, 'dist/http-trace');
export const PEERS = join(ROOT, 'test/kernel/peers');

/** Debian's Python: it has the packages python3-requests and python3-aiohttp; another one may come first in PATH. */
export const PYTHON = '/usr/bin/python3';

function unavailable(): string | null {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.geteuid?.() !== 0) return 'not root';
  if (!existsSync('/sys/kernel/btf/vmlinux')) return 'the kernel has no BTF';
  return null;
}

const REASON = unavailable();

/** `describe`, or where tracing is impossible, the same skipped with the reason in its name. */
export function describeTraced(name: string, body: () => void): void {
  if (REASON === null && !existsSync(HTTP_TRACE)) throw new Error('dist/ is not built: npm run build');
  describe.skipIf(REASON !== null)(REASON === null ? name : `${name} (skipped: ${REASON})`, body);
}

/** A private folder that is removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'http-trace-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const LOOPBACK = [
  { family: 'IPv4', host: '127.0.0.1', authority: '127.0.0.1' },
  { family: 'IPv6', host: '::1', authority: '[::1]' },
] as const;

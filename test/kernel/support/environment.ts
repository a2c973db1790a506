/** What the kernel tests need, and where the built product is. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe } from 'vitest';
import { type KeptContext, KeptTracing, type TraceStarter } from '../../kit/keptTracing.ts';
import { PATIENCE_MS } from '../../kit/process.ts';
import { WHOLE } from '../../kit/tier.mjs';
import { Tracing } from '../../kit/tracing.ts';

export const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
export const HTTP_TRACE = join(ROOT, 'dist/http-trace');
export const PEERS = join(ROOT, 'test/kernel/peers');

/** Calls that a load test makes. Load takes the most of the kernel suite's processor time. */
export const LOAD_CALLS = WHOLE ? 20_000 : 1_000;
/** Of wrk, which makes as many as it can. */
export const LOAD_SECONDS = WHOLE ? 5 : 1;
/** For wrk's script: in the short run each connection rests for so many milliseconds between two calls. */
export const LOAD_PACE = WHOLE ? '' : 'function delay() return 10 end\n';

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

/** Traces of the built product as users start it, which write their files into this folder. */
export function tracingIn(folder: string): KeptContext {
  return {
    dist: join(ROOT, 'dist'),
    program: [HTTP_TRACE],
    folder,
    options: [],
    backend: null,
    tls: null,
    patience: PATIENCE_MS,
    // Less than the test's own limit, so that the error says which trace did not end.
    endPatience: 200_000,
    replay: 'program',
  };
}

/**
 * For tests that are about the calls and not about the command. The long run starts `http-trace` for each trace; the
 * short one takes the helper of the trace before.
 */
export const CallTracing: TraceStarter = WHOLE ? Tracing : KeptTracing;

export const LOOPBACK = [
  { family: 'IPv4', host: '127.0.0.1', authority: '127.0.0.1' },
  { family: 'IPv6', host: '::1', authority: '[::1]' },
] as const;

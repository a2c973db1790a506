import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { examplePhases } from '../../extension/engine/testing/phases.ts';
import { parseOutput, Tracing, type TracingContext } from './tracing.ts';

const balanced = {
  produced: 0,
  delivered: 0,
  dropped: 0,
  bytes: { seen: 0, copied: 0, omitted: 0, fromFiles: 0, shed: 0, dropped: 0, unseen: 0, other: 0 },
};
const summary = {
  backend: 'fentry',
  exchanges: 0,
  encrypted: 0,
  connections: 0,
  ...balanced,
  behindMs: 0,
  note: null,
};

// Typed, so that a new property fails here first.
const exchange: ExchangeJson = {
  id: 1,
  peer: null,
  causedBy: null,
  caused: [],
  trace: { id: null, first: 1 },
  process: null,
  side: 'client',
  protocol: 'HTTP/1.1',
  method: 'GET',
  url: 'http://127.0.0.1:8080/',
  operation: null,
  ai: null,
  mcp: null,
  status: null,
  statusText: null,
  error: false,
  startedAt: '2026-11-22T18:00:00.123456Z',
  durationMs: null,
  timings: {
    ...examplePhases(),
    pausedMs: null,
  },
  debug: null,
  connection: {
    ...{ id: '1', transport: 'tcp', local: null, remote: null, joinedLate: false },
    ...{ attempts: [], through: [] },
  },
  ending: null,
  tls: null,
  encrypted: null,
  failure: null,
  lookup: null,
  http2: null,
  grpc: null,
  request: null,
  response: null,
  interim: [],
  messages: [],
  messageStream: null,
  completeness: ['unanswered'],
  violations: [],
};

describe('parseOutput', () => {
  it('wants a summary in the last line, and lines that fit the schema', () => {
    const last = `${JSON.stringify({ summary })}\n`;
    expect(parseOutput(last)).toEqual({ exchanges: [], summary, text: '' });
    expect(() => parseOutput(last.trimEnd())).toThrow('line end');
    expect(() => parseOutput(`{"id":1}\n${last}`)).toThrow('must');
    expect(() => parseOutput(`${last}${last}`)).toThrow('not an exchange');
    expect(() => parseOutput('')).toThrow();
    expect(() => parseOutput(`${JSON.stringify({ summary: { ...summary, more: 1 } })}\n`)).toThrow('must');
  });
});

describe('Tracing', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'http-trace-kit-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A stand-in for http-trace that writes these lines, with this mode, and replays those. */
  function context(written: readonly object[], mode = 0o600, replayed = written): TracingContext {
    const program = join(mkdtempSync(join(folder, 'program-')), 'http-trace');
    const [lines, replayedLines] = [written, replayed].map((all) =>
      all.map((line) => JSON.stringify(line)).join('\n'),
    );
    writeFileSync(
      program,
      `#!/bin/sh
[ "$1" = replay ] && { echo '${replayedLines}'; exit 0; }
while [ $# -gt 0 ]; do
  case $1 in --output) output=$2;; --record) record=$2;; esac; shift
done
echo '${lines}' > "$output"; : > "$record"
chmod ${mode.toString(8)} "$output" "$record"
`,
    );
    chmodSync(program, 0o755);
    return {
      program: [program],
      folder,
      options: [],
      backend: 'fentry',
      tls: null,
      patience: 10_000,
      endPatience: 10_000,
      replay: 'program',
    };
  }

  it('accepts a trace in which everything holds', async () => {
    const trace = await Tracing.run(context([{ summary }]), ['true']).result();
    expect(trace).toMatchObject({ exchanges: [], summary, ended: { code: 0 } });
  });

  it.each([
    ['mode', [{ summary }], 0o644],
    ['backend', [{ summary: { ...summary, backend: 'kprobe' } }], 0o600],
    ['records', [{ summary: { ...summary, produced: 1 } }], 0o600],
    ['lines', [{ summary: { ...summary, exchanges: 1 } }], 0o600],
  ] as const)('reports: %s', async (what, output, mode) => {
    await expect(Tracing.run(context(output, mode), ['true']).result()).rejects.toThrow(what);
  });

  it('wants the replay to show the same text', async () => {
    const one = { summary: { ...summary, exchanges: 1 } };
    const same = await Tracing.run(context([exchange, one]), ['true']).result();
    expect(same.exchanges).toEqual([exchange]);
    const differs = context([exchange, one], 0o600, [{ ...exchange, status: 200 }, one]);
    await expect(Tracing.run(differs, ['true']).result()).rejects.toThrow(/differs from the trace in line 1/);
    const less = context([exchange, one], 0o600, [one]);
    await expect(Tracing.run(less, ['true']).result()).rejects.toThrow(/differs from the trace in line 1/);
  });

  it('the counts may be missing where a test says so', async () => {
    const output = { summary: { ...summary, produced: null, dropped: null, bytes: null } };
    await Tracing.run(context([output]), ['true']).result({ whole: false });
    await expect(Tracing.run(context([output]), ['true']).result()).rejects.toThrow('no counts');
  });

  it('a trace that writes nothing is an error with its standard error', async () => {
    const broken: TracingContext = { ...context([{ summary }]), program: ['sh', '-c', 'echo why >&2', 'sh'] };
    await expect(Tracing.run(broken, ['true']).result()).rejects.toThrow('why');
  });
});

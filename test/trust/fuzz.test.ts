/** The broker reads hostile files under libFuzzer, ASan and UBSan; `FUZZ_SECONDS=600` runs longer. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ElfFile } from '../../helper/tls/elf.ts';
import { WHOLE } from '../kit/tier.mjs';

const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 10);
/** In the short run, inputs instead of seconds: as much on a busy machine. */
const RUNS = WHOLE || process.env['FUZZ_SECONDS'] !== undefined ? [] : ['-runs=3000'];
const SOURCES = ['probe_places', 'elf_file', 'go_functions', 'decoder'].map(
  (name) => `helper/loader/${name}.c`,
);

function run(command: string, args: readonly string[]): { status: number | null; stderr: string } {
  return spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, timeout: (SECONDS + 120) * 1000 });
}

const missing =
  process.arch !== 'x64' ? 'x64' : existsSync('.cache/build/catalogue.inc') ? null : '`npm run build`';
if (missing !== null) console.warn(`skipped: fuzzing of the broker needs ${missing}`);

it.skipIf(missing !== null)(
  'the broker’s checks survive hostile files and requests',
  { timeout: (SECONDS + 120) * 1000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'http-trace-fuzz-'));
    try {
      const [program, library, seeds] = ['places', 'seed.so', 'seeds'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      const options = [
        '-g',
        '-O1',
        '-fsanitize=fuzzer,address,undefined',
        '-fno-sanitize-recover=all',
        '-Ibpf',
        '-I.cache/build',
      ];
      const built = run('clang', [
        ...options,
        'test/trust/fuzz/probe_places.c',
        ...SOURCES,
        '-Wl,-Bstatic',
        '-lcapstone',
        '-Wl,-Bdynamic',
        '-o',
        program,
      ]);
      expect(built.stderr).toBe('');
      expect(
        run('gcc', [
          '-shared',
          '-nostdlib',
          '-Wl,-z,noseparate-code',
          '-o',
          library,
          'test/trust/fuzz/seed.S',
        ]).stderr,
      ).toBe('');

      // Two seeds that the checks accept, so that the code after them is reached.
      mkdirSync(seeds);
      const file = readFileSync(library);
      const descriptor = openSync(library, 'r');
      const elf = ElfFile.read(descriptor);
      const symbol = elf.functions(new Set(['SSL_read']), ['SSL_']).get('SSL_read');
      const offset = elf.fileOffset(symbol?.address ?? -1, true) ?? 0;
      closeSync(descriptor);
      const probe = (at: number, kind: number, name: number): Buffer => {
        const bytes = Buffer.alloc(10);
        bytes.writeBigUInt64LE(BigInt(at));
        bytes[8] = kind;
        bytes[9] = name;
        return bytes;
      };
      const inputs = [
        [probe(offset, 0, 0), probe(offset, 2, 0), probe(offset + (symbol?.size ?? 1) - 1, 1, 0)],
        [probe(offset + 100, 0, 4)],
      ];
      for (const [index, probes] of inputs.entries()) {
        writeFileSync(join(seeds, String(index)), Buffer.concat([Buffer.of(probes.length), ...probes, file]));
      }
      const { status, stderr } = run(program, [
        ...[
          '-seed=1',
          ...RUNS,
          `-max_total_time=${RUNS.length === 0 ? SECONDS : 0}`,
          '-max_len=65536',
          '-timeout=10',
          '-rss_limit_mb=2048',
        ],
        ...[`-artifact_prefix=${folder}/`, '-print_final_stats=1', seeds],
      ]);
      expect(status, stderr.slice(-4_000)).toBe(0);
      // It has found code paths that the seeds do not reach.
      expect(readdirSync(seeds).length).toBeGreaterThan(20);
      console.log(/stat::number_of_executed_units: \d+/.exec(stderr)?.[0]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

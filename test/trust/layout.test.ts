/** The records as C lays them out and as the engine reads them must be the same. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import {
  Direction,
  Ending,
  Layer,
  NameTransport,
  Omission,
  RecordType,
  WireProtocol,
} from '../../extension/engine/record.ts';
import { LAYOUT, RECORD_LAYOUT } from '../../extension/engine/recordLayout.ts';
import { PROTOCOL_VERSION } from '../../helper/protocol.ts';

const root = resolve(import.meta.dirname, '../..');

/** Fields with different names in C and TypeScript. */
const C_NAMES: Readonly<Record<string, string>> = {
  'data.bytes': 'size',
  'name.bytes': 'size',
  'stack.bytes': 'size',
};

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

it('offsets, sizes and numbered words are those of bpf/trace_http.h', () => {
  const lines: string[] = [];
  const expected: Record<string, number> = {};
  for (const [struct, fields] of Object.entries(LAYOUT)) {
    for (const [field, offset] of Object.entries(fields)) {
      const name = `${struct}.${field}`;
      expected[name] = offset;
      const value =
        field === 'size'
          ? `sizeof(struct record_${snake(struct)})`
          : `offsetof(struct record_${snake(struct)}, ${C_NAMES[name] ?? snake(field)})`;
      lines.push(`printf("${name} %zu\\n", ${value});`);
    }
  }
  const values = {
    RECORD: RecordType,
    DIRECTION: Direction,
    LAYER: Layer,
    PROTOCOL: WireProtocol,
    OMISSION: Omission,
    ENDING: Ending,
    NAME: NameTransport,
  };
  for (const [prefix, names] of Object.entries(values)) {
    for (const [name, value] of Object.entries(names)) {
      if (typeof value !== 'number') continue;
      expected[`${prefix}.${name}`] = value;
      lines.push(`printf("${prefix}.${name} %d\\n", ${prefix}${snake(name).toUpperCase()});`);
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'layout-'));
  try {
    const source = join(folder, 'layout.c');
    writeFileSync(
      source,
      `#include <stddef.h>\n#include <stdio.h>\n#include "trace_http.h"\nint main(void) {\n${lines.join('\n')}\nprintf("layout %d\\n", TRACE_HTTP_LAYOUT);\nreturn 0; }\n`,
    );
    const compiled = spawnSync('gcc', ['-I', join(root, 'bpf'), source, '-o', join(folder, 'layout')], {
      encoding: 'utf8',
    });
    expect(compiled.stderr).toBe('');
    const printed = spawnSync(join(folder, 'layout'), { encoding: 'utf8' }).stdout;
    const measured = Object.fromEntries(
      printed
        .trim()
        .split('\n')
        .map((line) => line.split(' '))
        .map(([name, value]) => [name, Number(value)]),
    );
    expect(measured).toEqual({ ...expected, layout: RECORD_LAYOUT });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('the loader speaks the version of the protocol that its frames claim', () => {
  const source = readFileSync(join(root, 'helper/loader/report.c'), 'utf8');
  expect(source).toContain(`#define PROTOCOL_VERSION ${PROTOCOL_VERSION}\n`);
});

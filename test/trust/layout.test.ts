/** The records as C lays them out and as the engine reads them must be the same. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { ACCEPTED, CLASSES, STATES } from '../../extension/breaks/automaton.ts';
import { MACHINES } from '../../extension/capture/native/nativeStacks.ts';
import * as sentFile from '../../extension/capture/sentFile.ts';
import { BINDINGS, LIBRARIES, SIDES, TRANSPORTS } from '../../extension/engine/controlRecords.ts';
import * as record from '../../extension/engine/record.ts';
import {
  Direction,
  Ending,
  Layer,
  NameTransport,
  Omission,
  RecordType,
  WireProtocol,
} from '../../extension/engine/record.ts';
import { FIELD_SIZES, LAYOUT, RECORD_LAYOUT } from '../../extension/engine/recordLayout.ts';
import { HEAD_ALLOWANCE } from '../../helper/facts.ts';
import { ProcessChange, StackState } from '../../helper/native.ts';
import * as protocol from '../../helper/protocol.ts';
import { TARGET_NO_CHILDREN, TARGET_SEED } from '../../helper/targets.ts';
import { LIBRARY_NUMBERS } from '../../helper/tls/probedFiles.ts';

const root = resolve(import.meta.dirname, '../..');

/** Fields with different names in C and TypeScript. */
const C_NAMES: Readonly<Record<string, string>> = {
  'data.bytes': 'size',
  'name.bytes': 'size',
  'stack.bytes': 'size',
};

/** Words that have numbers, by what their names begin with in C. */
const ENUMERATIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  RECORD_: RecordType,
  DIRECTION_: Direction,
  LAYER_: Layer,
  PROTOCOL_: WireProtocol,
  OMISSION_: Omission,
  ENDING_: Ending,
  NAME_: NameTransport,
  PROCESS_: ProcessChange,
  STACKS_: StackState,
  STACK_: inverted(Object.entries(MACHINES)),
  SIDE_: inverted(Object.entries(SIDES)),
  TRANSPORT_: inverted(Object.entries(TRANSPORTS)),
  TLS_LIBRARY_: inverted(Object.entries(LIBRARIES)),
  TLS_BINDING_: inverted(Object.entries(BINDINGS)),
  // The module's other exports are no numbers.
  FLAG_: beginningWith('FLAG_', record),
  FILE_: beginningWith('FILE_', sentFile),
};

/** Numbers that stand on both sides, by their expression in C. */
const NUMBERS: Readonly<Record<string, number>> = {
  TRACE_HTTP_LAYOUT: RECORD_LAYOUT,
  HEAD_ALLOWANCE,
  ALPN_SIZE: FIELD_SIZES.alpn,
  ADDRESS_SIZE: FIELD_SIZES.address,
  COMM_SIZE: FIELD_SIZES.comm,
  UNIX_PATH_SIZE: FIELD_SIZES.unixPath,
  CALLER_METHOD_SIZE: FIELD_SIZES.method,
  TARGET_NO_CHILDREN,
  TARGET_SEED,
  BREAK_STATES: STATES,
  BREAK_CLASSES: CLASSES,
  BREAK_ACCEPTED: ACCEPTED,
  'sizeof(struct break_automaton)': protocol.AUTOMATON_SIZE,
};

function inverted(words: readonly (readonly [string, string | null])[]): Record<string, number> {
  return Object.fromEntries(words.map(([number, word]) => [word ?? 'unknown', Number(number)]));
}

function beginningWith(prefix: string, exports: object): Record<string, unknown> {
  const found = Object.entries(exports).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]));
}

function snake(name: string): string {
  return name === name.toUpperCase() ? name : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The values of expressions, as the C compiler sees them. */
function inC(expressions: readonly string[]): Record<string, number> {
  const folder = mkdtempSync(join(tmpdir(), 'layout-'));
  try {
    const source = join(folder, 'layout.c');
    const lines = expressions.map((one) => `printf("%lld\\n", (long long)(${one}));`);
    writeFileSync(
      source,
      `#include <stddef.h>\n#include <stdio.h>\n#include "trace_http.h"\nint main(void) {\n${lines.join('\n')}\nreturn 0; }\n`,
    );
    const compiled = spawnSync('gcc', ['-I', join(root, 'bpf'), source, '-o', join(folder, 'layout')], {
      encoding: 'utf8',
    });
    expect(compiled.stderr).toBe('');
    const printed = spawnSync(join(folder, 'layout'), { encoding: 'utf8' }).stdout.trim().split('\n');
    return Object.fromEntries(expressions.map((one, i) => [one, Number(printed[i])]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('offsets and sizes of records are those of bpf/trace_http.h', () => {
  const expected: Record<string, number> = {};
  for (const [struct, fields] of Object.entries(LAYOUT)) {
    const type = `struct record_${snake(struct)}`;
    for (const [field, offset] of Object.entries(fields)) {
      const name = C_NAMES[`${struct}.${field}`] ?? snake(field);
      expected[field === 'size' ? `sizeof(${type})` : `offsetof(${type}, ${name})`] = offset;
    }
  }
  expect(inC(Object.keys(expected))).toEqual(expected);
});

it('words and numbers that helper, engine and panel share with the kernel are those of bpf/trace_http.h', () => {
  const expected: Record<string, number> = { ...NUMBERS };
  for (const [prefix, words] of Object.entries(ENUMERATIONS)) {
    const found = Object.entries(words).filter(([, value]) => typeof value === 'number');
    expect(found.length, prefix).toBeGreaterThan(1);
    for (const [word, value] of found)
      expected[prefix + snake(word).replace(/^_/, '').toUpperCase()] = Number(value);
  }
  expect(inC(Object.keys(expected))).toEqual(expected);
});

it('the helper has the same numbers as the engine', () => {
  expect(protocol.RECORD_LAYOUT).toBe(RECORD_LAYOUT);
  const engine = Object.entries(inverted(Object.entries(LIBRARIES))).filter(([word]) => word !== 'unknown');
  expect(Object.entries(LIBRARY_NUMBERS)).toEqual(engine);
});

it('the loader speaks the version of the protocol that its frames claim', () => {
  const source = readFileSync(join(root, 'helper/loader/report.c'), 'utf8');
  expect(source).toContain(`#define PROTOCOL_VERSION ${protocol.PROTOCOL_VERSION}\n`);
});

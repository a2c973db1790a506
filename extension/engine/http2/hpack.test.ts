/**
 * RFC 7541 appendix C, and hpack-test-case (npm package `hpack`): 50,292 cases, of which 36,990 are blocks of
 * RFC 7541 by eleven encoders. 9,918 are of older drafts with other tables (Python's hpack cannot read them
 * either), and 3,384 have no block.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { WHOLE } from '../../../test/kit/tier.mjs';
import type { SeenField } from '../exchange.ts';
import { MAX_DYNAMIC_TABLE, MAX_FIELDS, MAX_HEAD_BYTES } from '../limits.ts';
import { integer } from '../testing/http2.ts';
import { Decoder, type FieldSection } from './hpack.ts';

interface Story {
  readonly name: string;
  readonly cases: readonly { readonly wire: Buffer; readonly fields: readonly SeenField[] }[];
}

const folder = join(
  dirname(createRequire(import.meta.url).resolve('hpack/package.json')),
  'test/hpack-test-case',
);

/** Encoders of drafts before RFC 7541. */
const DRAFTS = ['hyper-hpack', 'node-http2-protocol', 'twitter-hpack'];

function stories(drafts: boolean): Story[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && DRAFTS.includes(entry.name) === drafts)
    .filter(({ name }) => name !== 'raw-data' && name !== 'util')
    .flatMap(({ name }) =>
      readdirSync(join(folder, name))
        .filter((file) => file.endsWith('.json'))
        .map((file) => readStory(`${name}/${file}`)),
    );
}

function readStory(name: string): Story {
  const { cases } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
    cases: { wire: string; headers: Record<string, string>[] }[];
  };
  return {
    name,
    cases: cases.map(({ wire, headers }) => ({
      wire: Buffer.from(wire, 'hex'),
      // The files are UTF-8, fields are octets.
      fields: headers.map((header) => {
        const [[field, value]] = Object.entries(header) as [[string, string]];
        return [Buffer.from(field).toString('latin1'), Buffer.from(value).toString('latin1')];
      }),
    })),
  };
}

const STORIES = stories(false);
/** For what is done at each of their positions. */
const SOME_STORIES = STORIES.filter((_, at) => WHOLE || at % 10 === 0);

function decode(decoder: Decoder, block: Buffer): FieldSection {
  return decoder.decode(block, 0, block.length, true);
}

function lenient(late = false): Decoder {
  const decoder = new Decoder(late);
  // What the receiver allowed stands in no story.
  decoder.allowed = null;
  return decoder;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** RFC 7541 appendix C: blocks that follow each other, and what they are. */
const EXAMPLES: readonly (readonly [
  section: string,
  blocks: readonly (readonly [string, readonly SeenField[]])[],
])[] = [
  ['C.2.1', [['400a637573746f6d2d6b65790d637573746f6d2d686561646572', [['custom-key', 'custom-header']]]]],
  ['C.2.2', [['040c2f73616d706c652f70617468', [[':path', '/sample/path']]]]],
  ['C.2.3', [['100870617373776f726406736563726574', [['password', 'secret']]]]],
  ['C.2.4', [['82', [[':method', 'GET']]]]],
  ...(
    [
      [
        'C.3',
        '828684410f7777772e6578616d706c652e636f6d',
        '828684be58086e6f2d6361636865',
        '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
      ],
      [
        'C.4',
        '828684418cf1e3c2e5f23a6ba0ab90f4ff',
        '828684be5886a8eb10649cbf',
        '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
      ],
    ] as const
  ).map(([section, first, second, third]) => {
    const common = (scheme: string, path: string): SeenField[] => [
      [':method', 'GET'],
      [':scheme', scheme],
      [':path', path],
      [':authority', 'www.example.com'],
    ];
    return [
      section,
      [
        [first, common('http', '/')],
        [second, [...common('http', '/'), ['cache-control', 'no-cache']]],
        [third, [...common('https', '/index.html'), ['custom-key', 'custom-value']]],
      ],
    ] as const;
  }),
  ...(
    [
      [
        'C.5',
        '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
        '4803333037c1c0bf',
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
      ],
      [
        'C.6',
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
        '4883640effc1c0bf',
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
      ],
    ] as const
  ).map(([section, first, second, third]) => {
    const common = (status: string, second: number): SeenField[] => [
      [':status', status],
      ['cache-control', 'private'],
      ['date', `Mon, 21 Oct 2013 20:13:${second} GMT`],
      ['location', 'https://www.example.com'],
    ];
    const cookie = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
    return [
      section,
      [
        // The examples assume a table of 256 bytes.
        ['3fe101', []],
        [first, common('302', 21)],
        [second, common('307', 21)],
        [third, [...common('200', 22), ['content-encoding', 'gzip'], ['set-cookie', cookie]]],
        // What is left in the table at the end; its third entry is the last one.
        ['bebfc0', [['set-cookie', cookie], ['content-encoding', 'gzip'], common('', 22)[2] as SeenField]],
      ],
    ] as const;
  }),
];

describe('RFC 7541 appendix C', () => {
  it.each(EXAMPLES)('%s', (_section, blocks) => {
    const decoder = new Decoder(false);
    for (const [block, fields] of blocks) {
      const section = decode(decoder, hex(block));
      expect(section.fields).toEqual(fields);
      expect(section).toMatchObject({ unknown: false, cut: false, broken: [] });
    }
  });

  it('C.5: a reference to an evicted entry is an error', () => {
    const decoder = new Decoder(false);
    for (const [block] of EXAMPLES.find(([section]) => section === 'C.5')?.[1] ?? [])
      decode(decoder, hex(block));
    expect(decode(decoder, hex('c1'))).toMatchObject({
      fields: [[null, null]],
      unknown: true,
      broken: ['hpack-index'],
    });
  });
});

describe('hpack-test-case', () => {
  it('is there in full', () => {
    expect(STORIES.reduce((sum, { cases }) => sum + cases.length, 0)).toBe(36_990);
  });

  it('is decoded', () => {
    for (const { name, cases } of STORIES) {
      const decoder = lenient();
      for (const [number, { wire, fields }] of cases.entries()) {
        const section = decode(decoder, wire);
        if (JSON.stringify(section.fields) !== JSON.stringify(fields) || section.unknown || section.cut) {
          expect({ name, number, ...section }).toEqual({ name, number, fields, unknown: false, cut: false });
        }
      }
    }
  });

  it('is never decoded wrongly when joined late, at every position of a story', () => {
    let known = 0;
    let all = 0;
    for (const { name, cases } of SOME_STORIES) {
      for (let start = 1; start < cases.length; start++) {
        const decoder = lenient(true);
        // To the end from some positions; from all of them it takes minutes, and was done once.
        const end = start % 64 === 1 ? cases.length : Math.min(cases.length, start + 8);
        for (let number = start; number < end; number++) {
          const { wire, fields } = cases[number] as Story['cases'][number];
          const section = decode(decoder, wire);
          all += fields.length;
          known += expectNothingWrong(section, fields, () => `${name} ${number} from ${start}`);
        }
      }
    }
    expect(known / all).toBeGreaterThan(0.6);
  });

  it('is known the better the longer the connection goes on', () => {
    const known = [0, 0, 0, 0];
    const all = [0, 0, 0, 0];
    for (const { cases } of STORIES) {
      const decoder = lenient(true);
      for (const [number, { wire, fields }] of cases.slice(cases.length >> 1).entries()) {
        const quarter = Math.min(3, number >> 4);
        known[quarter] = (known[quarter] ?? 0) + decode(decoder, wire).fields.filter(isKnown).length;
        all[quarter] = (all[quarter] ?? 0) + fields.length;
      }
    }
    const shares = known.map((count, i) => count / (all[i] ?? 1));
    expect([...shares].sort((a, b) => a - b)).toEqual(shares);
    expect(shares[3]).toBeGreaterThan(0.9);
  });

  it('is never decoded wrongly when a block is lost, at every position of a story', () => {
    for (const { name, cases } of SOME_STORIES) {
      for (let lost = 0; lost < cases.length; lost++) {
        const decoder = lenient();
        for (let number = Math.max(0, lost - 2); number < cases.length && number < lost + 6; number++) {
          const { wire, fields } = cases[number] as Story['cases'][number];
          if (number === Math.max(0, lost - 2) && number > 0) decoder.lose();
          if (number === lost) {
            // Its first half is known.
            const cut = wire.length >> 1;
            const section = decoder.decode(wire, 0, cut, false);
            expectNothingWrong(
              section,
              fields.slice(0, section.fields.length),
              () => `${name} ${number}, cut`,
            );
          } else expectNothingWrong(decode(decoder, wire), fields, () => `${name} ${number} without ${lost}`);
        }
      }
    }
  });
});

function isKnown([name, value]: SeenField): boolean {
  return name !== null && value !== null;
}

/** @returns the number of fields that are known in full. */
function expectNothingWrong(
  section: FieldSection,
  fields: readonly SeenField[],
  where: () => string,
): number {
  let known = 0;
  let unknown = false;
  let wrong =
    section.fields.length !== fields.length || section.broken.some((rule) => rule.startsWith('hpack-'));
  for (const [i, [name, value]] of section.fields.entries()) {
    const [realName, realValue] = fields[i] as SeenField;
    if ((name !== null && name !== realName) || (value !== null && value !== realValue)) wrong = true;
    if (name === null || value === null) unknown = true;
    else known++;
  }
  if (wrong || unknown !== section.unknown)
    expect({ where: where(), ...section }).toEqual({ where: where(), fields });
  return known;
}

describe('drafts before RFC 7541', () => {
  it('are read without harm', () => {
    for (const { cases } of stories(true)) {
      const decoder = new Decoder(false);
      for (const { wire } of cases) {
        const { fields } = decode(decoder, wire);
        expect(fields.length).toBeLessThanOrEqual(wire.length);
      }
    }
  });
});

describe('a decoder', () => {
  const one = (block: string, late = false): FieldSection => decode(new Decoder(late), hex(block));

  it('never throws and never makes more of a block than the bounds allow', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
        fc.boolean(),
        (blocks, late) => {
          const decoder = new Decoder(late);
          for (const block of blocks) {
            const { fields } = decoder.decode(block, 0, block.length, true);
            expect(fields.length).toBeLessThanOrEqual(block.length);
          }
        },
      ),
      { numRuns: runs(2_000) },
    );
  });

  it('labels what breaks the rules', () => {
    expect(one('80').broken).toEqual(['hpack-index']);
    expect(one('be').broken).toEqual(['hpack-index']);
    expect(one('ffffffffffff01').broken).toEqual(['hpack-integer']);
    expect(one('ff').broken).toEqual(['hpack-cut']);
    expect(one('8240').broken).toEqual(['hpack-cut']);
    expect(one('820561').fields).toEqual([[':method', 'GET']]);
    // Padding longer than seven bits, padding of zeros, EOS.
    for (const text of ['0081 00', '0082 1fff', '0084 ffffffff']) {
      expect(one(`${text}0161`), text).toMatchObject({ fields: [[null, 'a']], broken: ['hpack-string'] });
    }
    // A size update behind a field, and one beyond what the receiver allows.
    expect(one('8220').broken).toEqual(['hpack-size-update']);
    expect(one('3fe21f').broken).toEqual(['hpack-size-update']);
    expect(one('3fe11f').broken).toEqual([]);
    expect(one('00014101 61').broken).toEqual(['h2-field-name']);
    expect(one('00016103 610a62').broken).toEqual(['h2-field-value']);
  });

  it('knows nothing of the past, and everything since', () => {
    const decoder = new Decoder(true);
    // x: 1 is inserted; the entry before it is not known, nor is its name, whatever its value.
    expect(decode(decoder, hex('4001780131')).fields).toEqual([['x', '1']]);
    expect(decode(decoder, hex('bebf7f000132'))).toMatchObject({
      fields: [
        ['x', '1'],
        [null, null],
        [null, '2'],
      ],
      unknown: true,
      broken: [],
    });
    // That value was inserted with its unknown name, before which stands x.
    expect(decode(decoder, hex('bebf')).fields).toEqual([
      [null, '2'],
      ['x', '1'],
    ]);
    // An emptied table has no past: what it does not hold is an error.
    expect(decode(decoder, hex('203fe11f')).broken).toEqual([]);
    expect(decode(decoder, hex('be')).broken).toEqual(['hpack-index']);
  });

  it('is certain of a full table: nothing older fits beside what was seen', () => {
    const decoder = new Decoder(true);
    // 64 bytes: two entries of one byte each fill it.
    decode(decoder, hex('3f21 40 0178 00'));
    expect(decode(decoder, hex('bf'))).toMatchObject({ unknown: true, broken: ['hpack-index'] });
    decode(decoder, hex('3f23'));
    expect(decode(decoder, hex('bf'))).toMatchObject({ unknown: true, broken: ['hpack-index'] });
  });

  it('takes references to large entries for the few bytes that they are', () => {
    const decoder = new Decoder(false);
    const value = 'v'.repeat(4_000);
    const insert = Buffer.concat([hex('400178'), hex('7fa11e'), Buffer.from(value)]);
    expect(decode(decoder, insert).fields).toEqual([['x', value]]);
    const bomb = decode(decoder, Buffer.alloc(100_000, 0xbe));
    expect(bomb).toMatchObject({ cut: true, fresh: 0, broken: ['h2-field-count'] });
    expect(bomb.fields.length * value.length).toBeLessThanOrEqual(MAX_HEAD_BYTES);
    const many = decode(decoder, Buffer.alloc(100_000, 0x82));
    expect(many.fields).toHaveLength(MAX_FIELDS);
    // The table is still right behind it.
    expect(decode(decoder, hex('be')).fields).toEqual([['x', value]]);
  });

  it('keeps a bounded part of a table of any size', () => {
    const decoder = new Decoder(true);
    const insert = Buffer.concat([hex('400178'), hex('7fa11e'), Buffer.from('v'.repeat(4_000))]);
    decode(decoder, hex('3fe1ffff07'));
    for (let i = 0; i < 100; i++) decode(decoder, insert);
    const held = Array.from({ length: 100 }, (_, i) => decode(decoder, integer(62 + i, 7, 0x80)));
    const known = held.filter(({ unknown }) => !unknown).length;
    expect(known).toBe(Math.floor(MAX_DYNAMIC_TABLE / 4_033));
    // What is not kept may well exist.
    expect(held.flatMap(({ broken }) => broken)).toEqual([]);
  });
});

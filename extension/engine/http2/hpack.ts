/**
 * Decodes the field blocks of one direction of an HTTP/2 connection (RFC 7541), even if earlier blocks were not
 * seen. The dynamic table always holds the newest insertions, and an index counts from the newest. So an index
 * that refers to an insertion that was seen is certain, whatever the table's size. Any other index is unknown,
 * never guessed.
 */
import type { SeenField } from '../exchange.ts';
import { MAX_DYNAMIC_TABLE, MAX_FIELDS, MAX_HEAD_BYTES } from '../limits.ts';
import type { RuleName } from '../violations.ts';
import { decodeHuffman } from './huffman.ts';
import { STATIC_TABLE } from './staticTable.ts';

/** Initial SETTINGS_HEADER_TABLE_SIZE (RFC 9113 section 6.5.2). */
export const DEFAULT_TABLE_SIZE = 4_096;
/** Bytes of an entry's size besides its strings (section 4.1). */
const ENTRY_OVERHEAD = 32;
/** Larger integers are errors: no valid index, length or size comes near. */
const MAX_INTEGER = 2 ** 28;

const UNKNOWN: SeenField = [null, null];

interface Entry {
  readonly field: SeenField;
  /** A lower bound if the name or the value is not known. */
  readonly size: number;
  readonly broken: RuleName | null;
}

const STATIC_ENTRIES: readonly Entry[] = STATIC_TABLE.map((field) => entryOf(field, null));

export interface FieldSection {
  readonly fields: SeenField[];
  /** Some fields, or parts of them, are not known. */
  unknown: boolean;
  /** Some fields were left out. */
  cut: boolean;
  /** Bytes of the block were lost. */
  gap: boolean;
  /** Total size of the section's literal fields; references to the table cost nothing. */
  fresh: number;
  readonly broken: RuleName[];
}

export class Decoder {
  readonly #table: DynamicTable;
  /** The largest table that the receiver has ever allowed; null: not known. */
  allowed: number | null;

  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  /** The broken rule that makes the rest of the block unreadable. */
  #failed: RuleName | null = null;
  /** The rule that the last string breaks; reading can continue after it. */
  #wrong: RuleName | null = null;

  /** @param late when earlier blocks were not seen. */
  constructor(late: boolean) {
    this.#table = new DynamicTable(late);
    this.allowed = late ? null : DEFAULT_TABLE_SIZE;
  }

  /** A block, or part of one, was lost: the table's content is no longer known. */
  lose(): void {
    this.#table.lose();
  }

  /**
   * The fields of one block. Unreadable fields are left out and reported. After an error that makes the rest
   * unreadable, the table counts as unknown.
   * @param whole false: the end of the block is missing, and its last field may be cut.
   */
  decode(block: Uint8Array, from: number, to: number, whole: boolean): FieldSection {
    const section: FieldSection = {
      fields: [],
      unknown: false,
      cut: false,
      gap: false,
      fresh: 0,
      broken: [],
    };
    this.#bytes = block;
    this.#at = from;
    this.#end = to;
    this.#failed = null;
    let room = MAX_HEAD_BYTES;
    let begun = false;
    while (this.#at < this.#end) {
      const first = block[this.#at] as number;
      if ((first & 0xe0) === 0x20) {
        const size = this.#integer(31);
        if (this.#failed !== null) break;
        if (begun || (this.allowed !== null && size > this.allowed)) note(section, 'hpack-size-update');
        this.#table.resize(size);
        continue;
      }
      begun = true;
      const entry = first >= 0x80 ? this.#indexed(section) : this.#literal(first, section);
      if (entry === null) break;
      const [name, value] = entry.field;
      room -= (name?.length ?? 0) + (value?.length ?? 0);
      if (room < 0 || section.fields.length >= MAX_FIELDS) {
        section.cut = true;
        continue;
      }
      if (name === null || value === null) section.unknown = true;
      if (entry.broken !== null) note(section, entry.broken);
      section.fields.push(entry.field);
    }
    if (section.cut) note(section, 'h2-field-count');
    const failed = this.#failed as RuleName | null;
    if (failed !== null) {
      section.cut = true;
      // A block whose end was lost is incomplete; that is not its sender's fault.
      if (whole || failed !== 'hpack-cut') note(section, failed);
    }
    if (failed !== null || !whole) this.#table.lose();
    return section;
  }

  #indexed(section: FieldSection): Entry | null {
    const index = this.#integer(127);
    if (this.#failed !== null) return null;
    return this.#entry(index, section);
  }

  /** Sections 6.2.1 to 6.2.3. @returns null when it cannot be read. */
  #literal(first: number, section: FieldSection): Entry | null {
    const indexing = (first & 0x40) !== 0;
    const index = this.#integer(indexing ? 63 : 15);
    if (this.#failed !== null) return null;
    let name: string | null;
    let broken: RuleName | null = null;
    if (index === 0) {
      name = this.#string();
      if (this.#failed !== null) return null;
      broken = this.#wrong ?? (name === null ? null : nameRule(name));
    } else {
      const named = this.#entry(index, section);
      name = named.field[0];
      if (named.broken === 'h2-field-name') broken = named.broken;
    }
    const value = this.#string();
    if (this.#failed !== null) return null;
    broken ??= this.#wrong ?? (value === null ? null : valueRule(value));
    const entry = entryOf([name, value], broken);
    section.fresh += entry.size;
    if (indexing) this.#table.insert(entry);
    return entry;
  }

  #entry(index: number, section: FieldSection): Entry {
    const entry =
      index <= STATIC_ENTRIES.length
        ? STATIC_ENTRIES[index - 1]
        : this.#table.get(index - STATIC_ENTRIES.length);
    if (entry !== undefined) return entry;
    if (index === 0 || !this.#table.hasPast) note(section, 'hpack-index');
    return { field: UNKNOWN, size: ENTRY_OVERHEAD, broken: null };
  }

  /** Section 5.1. @param mask of the prefix. */
  #integer(mask: number): number {
    let value = (this.#bytes[this.#at++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#end) {
        this.#failed = 'hpack-cut';
        return 0;
      }
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 127) * 2 ** shift;
      if (value > MAX_INTEGER || shift > 56) {
        this.#failed = 'hpack-integer';
        return 0;
      }
      if (byte < 128) return value;
    }
  }

  /** Section 5.2. @returns null when it is not known. */
  #string(): string | null {
    this.#wrong = null;
    if (this.#at >= this.#end) {
      this.#failed = 'hpack-cut';
      return null;
    }
    const coded = (this.#bytes[this.#at] as number) >= 128;
    const length = this.#integer(127);
    const from = this.#at;
    const to = from + length;
    if (this.#failed !== null) return null;
    if (to > this.#end) {
      this.#failed = 'hpack-cut';
      return null;
    }
    this.#at = to;
    if (!coded) return latin1(this.#bytes, from, to);
    const text = decodeHuffman(this.#bytes, from, to);
    if (text === null) this.#wrong = 'hpack-string';
    return text;
  }
}

/** Newest entry last. */
class DynamicTable {
  /** The peer's table may have older entries than those held here. */
  hasPast: boolean;
  /** null: not known. */
  #capacity: number | null;
  #entries: Entry[] = [];
  /** Index of the oldest entry in {@link #entries}; those before it are evicted. */
  #oldest = 0;
  #size = 0;

  constructor(late: boolean) {
    this.hasPast = late;
    this.#capacity = late ? null : DEFAULT_TABLE_SIZE;
  }

  /** @param index 1 is the newest. @returns undefined when it is not held. */
  get(index: number): Entry | undefined {
    const at = this.#entries.length - index;
    return at < this.#oldest ? undefined : this.#entries[at];
  }

  insert(entry: Entry): void {
    this.#evict(entry.size);
    // An entry larger than the table empties it and is not kept (section 4.4).
    if (entry.size > (this.#capacity ?? Number.POSITIVE_INFINITY)) return;
    if (entry.size > MAX_DYNAMIC_TABLE) {
      this.lose();
      return;
    }
    this.#entries.push(entry);
    this.#size += entry.size;
  }

  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#evict(0);
  }

  lose(): void {
    this.#clear();
    this.hasPast = true;
    this.#capacity = null;
  }

  /** Evicts as the peer does, or to bound memory. */
  #evict(room: number): void {
    const capacity = this.#capacity ?? Number.POSITIVE_INFINITY;
    const limit = Math.min(capacity, MAX_DYNAMIC_TABLE);
    while (this.#size + room > limit && this.#oldest < this.#entries.length) {
      this.#size -= (this.#entries[this.#oldest] as Entry).size;
      this.#oldest++;
      if (limit < capacity) this.hasPast = true;
    }
    // The held entries fill the table, so the peer has no older ones.
    if (this.#size + room + ENTRY_OVERHEAD > capacity) this.hasPast = false;
    if (this.#oldest > 64 && this.#oldest * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#oldest);
      this.#oldest = 0;
    }
  }

  #clear(): void {
    this.#entries = [];
    this.#oldest = 0;
    this.#size = 0;
  }
}

function entryOf(field: SeenField, broken: RuleName | null): Entry {
  return { field, size: ENTRY_OVERHEAD + (field[0]?.length ?? 0) + (field[1]?.length ?? 0), broken };
}

function note(section: FieldSection, rule: RuleName): void {
  if (!section.broken.includes(rule)) section.broken.push(rule);
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.isBuffer(bytes)
    ? bytes.toString('latin1', from, to)
    : Buffer.from(bytes.subarray(from, to)).toString('latin1');
}

/** Characters of a field name besides a leading colon (RFC 9113 section 8.2.1). */
function nameRule(name: string): RuleName | null {
  if (name.length === 0) return 'h2-field-name';
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || (code >= 0x41 && code <= 0x5a) || (code === 0x3a && i > 0)) {
      return 'h2-field-name';
    }
  }
  return null;
}

function valueRule(value: string): RuleName | null {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code <= 0x20 && isForbidden(code, i === 0 || i === value.length - 1)) return 'h2-field-value';
  }
  return null;
}

function isForbidden(code: number, atEdge: boolean): boolean {
  return code === 0 || code === 10 || code === 13 || (atEdge && (code === 32 || code === 9));
}

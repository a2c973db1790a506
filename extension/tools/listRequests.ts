/** The tool `list_http_requests`. */
import { type ExchangeRow, isError } from '../engine/row.ts';
import { jsonLine } from '../escape/jsonLine.ts';
import { type Filter, parseFilter } from '../filter/parser.ts';
import { type Subject, searchText } from '../filter/subject.ts';
import { addressText } from '../words/address.ts';
import { reasonOf, rowProcessText } from '../words/exchange.ts';
import { type CallSource, ToolError } from './callSource.ts';
import { DEFAULT_ROWS, MAX_ROWS } from './definitions.ts';
import { ToolInput } from './input.ts';

/** Newest calls whose details are searched for one answer: each is read as a whole. */
const MAX_SEARCHED = 5_000;
const CALLS_PER_SEARCH = 50;
/** Characters of a URL, or of another text, in a list. */
const MAX_TEXT = 500;

/** Whether the list of matching calls would reveal the content of bodies: enough such queries would. */
export function searchesBodies(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('filter' in value)) return false;
  return typeof value.filter === 'string' && parseFilter(value.filter).searchesBodies;
}

/** JSON. @throws ToolError */
export async function listRequests(source: CallSource, value: unknown): Promise<string> {
  const input = new ToolInput(value, ['filter', 'limit']);
  const query = input.text('filter') ?? '';
  const limit = input.count('limit', 1, MAX_ROWS, DEFAULT_ROWS);
  const filter = parseFilter(query);
  const [error] = filter.errors;
  if (error !== undefined) {
    throw new ToolError(`The filter is not understood, at character ${error.start + 1}: ${error.message}`);
  }
  const rows = [...source.rows()].reverse();
  const { found, notes } = await select(source, rows, query, filter);
  if (rows.length === 0) notes.push(source.state());
  if (found.length > limit) notes.push(`${found.length - limit} older calls match too: narrow the filter.`);
  return jsonLine({
    calls: found.slice(0, limit).reverse().map(listed),
    matching: found.length,
    held: rows.length,
    note: notes.length === 0 ? null : notes.join(' '),
  }).trimEnd();
}

/** @param rows newest first, like the result. */
async function select(
  source: CallSource,
  rows: readonly ExchangeRow[],
  query: string,
  { matches, possible, details }: Filter,
): Promise<{ found: ExchangeRow[]; notes: string[] }> {
  if (matches === null) return { found: [...rows], notes: [] };
  const subjects = rows.map((row): Subject => ({ row, text: searchText(row) }));
  if (details.length === 0) {
    return { found: subjects.filter((subject) => matches(subject)).map(({ row }) => row), notes: [] };
  }
  const asked = subjects.filter((subject) => possible(subject));
  const searched = asked.slice(0, MAX_SEARCHED);
  const bits = new Map<number, number>();
  for (let at = 0; at < searched.length; at += CALLS_PER_SEARCH) {
    const ids = searched.slice(at, at + CALLS_PER_SEARCH).map(({ row }) => row.id);
    for (const [id, found] of await source.search(query, ids)) bits.set(id, found);
  }
  const found = searched.filter(({ row, text }) => {
    const known = bits.get(row.id);
    return known !== undefined && matches({ row, text, found: known });
  });
  const left = asked.length - searched.length;
  const notes = left > 0 ? [`${left} older calls were not looked into: narrow the filter.`] : [];
  return { found: found.map(({ row }) => row), notes };
}

/** A call as shown in a list; `get_http_request` has the rest. Unknown values are omitted. */
function listed(row: ExchangeRow): object {
  const { id, method, status, duration, start, side, type, requestSize, responseSize, state } = row;
  const address = addressText(row);
  return withoutNulls({
    id,
    method,
    url: address === null ? null : cut(address),
    status,
    grpcStatus: row.grpcStatus,
    operation: row.operation === null ? null : cut(row.operation),
    error: isError(row),
    reason: reasonOf(row),
    state,
    startMs: rounded(start),
    durationMs: duration === null ? null : rounded(duration),
    side,
    process: rowProcessText(row),
    proxy: row.proxy,
    type,
    requestBytes: requestSize,
    responseBytes: responseSize,
    messages: row.messageFormat === null ? null : row.messages,
  });
}

function withoutNulls(object: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

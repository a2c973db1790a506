/**
 * The operation of a request whose URL does not show it: the operation of GraphQL over HTTP, or the method of JSON-RPC
 * 2.0. Read from the target and the captured body; null where it is not certain.
 */

import { readContentType } from '../../http/contentType.ts';
import { listMembers } from '../../http/fieldSyntax.ts';
import type { ContentType } from '../../http/mediaType.ts';
import { partText, readParts } from '../../http/multipart.ts';
import { maskJwt } from '../../privacy/maskJwt.ts';
import { charsetOf, decodeText } from '../charset.ts';
import { decodeSmall } from '../coding.ts';
import type { Body, Operation, OperationName } from '../exchange.ts';
import { MAX_OPERATION_BYTES, MAX_OPERATION_NAME, MAX_OPERATIONS } from '../limits.ts';
import { type GraphqlOperation, readGraphql } from './graphql.ts';
import { unescapeJsonString, visitJsonStrings } from './jsonStrings.ts';

/** The parts of a request that are read. */
export interface OperationRequest {
  readonly target: string;
  readonly body: Pick<Body, 'captured' | 'chunks'>;
  readonly transferCodings: readonly string[] | null;
  /** First value of a field, by its lower-case name. */
  field(name: string): string | null;
}

/** @param complete the body has ended; before that, only the target is read. */
export function readOperation(request: OperationRequest, complete: boolean): Operation | null {
  return fromTarget(request.target) ?? (complete ? fromBody(request) : null);
}

/** One line for a row: `mutation AddItem`, `eth_call, eth_chainId and 3 more`. */
export function operationText({ protocol, count, names }: Operation): string {
  const texts = names.slice(0, MAX_SHOWN).map(({ type, name }) => {
    const text = [type, name].filter((word) => word !== null).join(' ');
    return text === '' ? (protocol === 'graphql' ? 'GraphQL' : 'JSON-RPC') : text;
  });
  const more = count - texts.length;
  return texts.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Names of a batch in one line. */
const MAX_SHOWN = 3;

/** GraphQL over HTTP by GET: `?query=`, `?operationName=&extensions=`. */
function fromTarget(target: string): Operation | null {
  const mark = target.indexOf('?');
  if (mark < 0 || !/[?&](?:query|operationName)=/.test(target)) return null;
  const parameters = new URLSearchParams(target.slice(mark + 1, mark + 1 + MAX_OPERATION_BYTES));
  const name = parameters.get('operationName');
  const query = parameters.get('query');
  if (query !== null) return graphql([chosen(query, name)]);
  const persisted = parameters.get('extensions')?.includes('persistedQuery') === true;
  return persisted && name !== null ? graphql([{ type: null, name }]) : null;
}

function fromBody(request: OperationRequest): Operation | null {
  if (request.body.captured === 0) return null;
  const type = readContentType(request.field('content-type'));
  const form = type.essence === 'multipart/form-data';
  if (!form && !mayHold(type)) return null;
  const text = beginning(request, type);
  if (text === null) return null;
  if (form) {
    // The GraphQL multipart request specification: files follow the part `operations`.
    const part = readParts(text, type.boundary, 4).find(({ name }) => name === 'operations');
    return part === undefined ? null : fromJson(partText(text, part));
  }
  if (type.essence === 'application/graphql') return graphql([chosen(text, null)]);
  return fromJson(text);
}

function mayHold({ essence }: ContentType): boolean {
  return essence === '' || essence === 'text/plain' || /json|graphql/.test(essence);
}

/** The body's beginning as text; null when it is not text. */
function beginning(request: OperationRequest, type: ContentType): string | null {
  const { body } = request;
  const captured = Buffer.concat(body.chunks, Math.min(body.captured, MAX_OPERATION_BYTES));
  const field = request.field('content-encoding');
  const codings = field === null ? [] : listMembers(field).filter((coding) => coding !== 'identity');
  if (codings.length > 1 || request.transferCodings !== null) return null;
  const [coding] = codings;
  const bytes = coding === undefined ? captured : decodeSmall(captured, coding, MAX_OPERATION_BYTES);
  if (bytes === null) return null;
  // Files in a form may be binary; what is searched for is ASCII, or UTF-8 that is kept bytewise.
  if (type.essence === 'multipart/form-data') return bytes.toString('latin1');
  return decodeText(bytes, charsetOf(type, bytes), false);
}

interface Item {
  query: string | null;
  operationName: string | null;
  persisted: boolean;
  version: string | null;
  method: string | null;
}

function fromJson(text: string): Operation | null {
  if (!/"(?:query|jsonrpc|persistedQuery)"/.test(text) || !/^\s*[[{]/.test(text)) return null;
  const items: Item[] = [];
  const count = visitJsonStrings(text, ({ path, item, raw }) => {
    if (item >= MAX_OPERATIONS) return;
    while (items.length <= item)
      items.push({ query: null, operationName: null, persisted: false, version: null, method: null });
    const found = items[item] as Item;
    if (path === 'query') found.query = unescapeJsonString(raw);
    else if (path === 'operationName') found.operationName = unescapeJsonString(raw);
    else if (path === 'extensions.persistedQuery.sha256Hash') found.persisted = true;
    else if (path === 'jsonrpc') found.version = raw;
    else if (path === 'method') found.method = unescapeJsonString(raw);
  });
  const [first] = items;
  if (first === undefined) return null;
  if (first.version === '2.0') {
    const names = items.map(({ method }) => ({ type: null, name: method === null ? null : bounded(method) }));
    return first.method === null ? null : { protocol: 'json-rpc', count, names };
  }
  const found: (OperationName | null)[] = items.map(({ query, operationName, persisted }) => {
    if (query !== null) return chosen(query, operationName);
    return persisted ? { type: null, name: operationName } : null;
  });
  return graphql(found, count);
}

/** The operation that a document executes: the one of that name, or the first. */
function chosen(document: string, name: string | null): OperationName | null {
  const operations = readGraphql(document);
  if (operations === null) return null;
  const wanted = name === null || name === '' ? null : name;
  const found: GraphqlOperation | undefined =
    wanted === null ? operations[0] : operations.find((operation) => operation.name === wanted);
  return found ?? { type: null, name: wanted };
}

function graphql(found: readonly (OperationName | null)[], count = found.length): Operation | null {
  const [first] = found;
  if (first === undefined || first === null) return null;
  const names = found.map((one) => ({
    type: one?.type ?? null,
    name: one?.name == null ? null : bounded(one.name),
  }));
  return { protocol: 'graphql', count, names };
}

/** Names are shown, so a token inside one is masked. */
function bounded(name: string): string {
  const shown = name.length > MAX_OPERATION_NAME ? `${name.slice(0, MAX_OPERATION_NAME - 1)}…` : name;
  return maskJwt(shown);
}

/** The header fields of a resent request: fields about the old connection are left out. */
import { CONNECTION_FIELDS, type FieldLine, fieldOf, type HttpRequest } from '../export/replay.ts';
import { listMembers } from '../http/fieldSyntax.ts';

/** Methods without a Content-Length if there is no body (RFC 9110 section 8.6). */
const WITHOUT_BODY = /^(?:GET|HEAD|OPTIONS|TRACE|DELETE)$/;

/** In their order, with the length of the body as it is now, and for HTTP/1.1 with a Host. */
export function outgoingFields(request: HttpRequest): FieldLine[] {
  const { version, body, method } = request;
  const named = request.fields
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => listMembers(value).map((member) => member.toLowerCase()));
  // A Connection field may name any field, but these are kept: without them it would be a different request.
  const left = new Set([...CONNECTION_FIELDS, ...named].filter((name) => !/^(?:host|content-)/.test(name)));
  const length = body === null ? (WITHOUT_BODY.test(method) ? null : '0') : String(body.length);
  const fields: FieldLine[] = [];
  for (const [name, value] of request.fields) {
    const lower = name.toLowerCase();
    if (lower === 'content-length') {
      if (length !== null && fieldOf(fields, lower) === undefined) fields.push([name, length]);
    } else if (!left.has(lower)) fields.push([name, value]);
    else if (version === '2' && lower === 'te' && /\btrailers\b/i.test(value))
      fields.push([name, 'trailers']);
  }
  if (length !== null && fieldOf(fields, 'content-length') === undefined) {
    fields.push(['Content-Length', length]);
  }
  if (version !== '2' && fieldOf(fields, 'host') === undefined) fields.unshift(['Host', request.authority]);
  return fields;
}

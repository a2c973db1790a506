/** A call's name for tabs and files: `GET orders 404`. No character in it is special to a file system. */
import type { ExchangeRow } from '../engine/row.ts';

const MAX_SEGMENT = 40;

/** Of a row. */
export function rowName({ method, scheme, host, path, status }: NamedRow, withStatus = true): string {
  const url = `${scheme ?? 'http'}://${host ?? ''}${path ?? ''}`;
  return callName({ method, url, status: withStatus ? status : null });
}

type NamedRow = Pick<ExchangeRow, 'method' | 'scheme' | 'host' | 'path' | 'status'>;

export function callName({
  method,
  url,
  status,
}: {
  readonly method: string | null;
  readonly url: string | null;
  readonly status: number | null;
}): string {
  const [, authority = '', path = ''] = /^[a-z]+:\/\/([^/?#]*)([^?#]*)/i.exec(url ?? '') ?? [];
  const segments = path.split('/').filter((segment) => segment !== '');
  const last = segments.at(-1) ?? '';
  // An id says little without its context.
  const isId = /^[\d-]+$|^[0-9a-f-]{16,}$/i.test(last);
  const names = segments.slice(isId ? -2 : -1);
  const target = names.length === 0 ? authority : names.join(' ');
  return [method ?? '', target, status ?? '']
    .map((part) => named(String(part)))
    .filter((part) => part !== '')
    .join(' ');
}

function named(text: string): string {
  const name = text.replace(/[^\p{L}\p{N}._~-]+/gu, ' ').replace(/^[ .]+/, '');
  // Half of a surrogate pair is not valid text: VS Code accepts no URI with it.
  const cut = [...name.slice(0, 2 * MAX_SEGMENT)].slice(0, MAX_SEGMENT).join('');
  return cut.replace(/[ .]+$/, '');
}

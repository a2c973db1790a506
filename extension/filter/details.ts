/** Tests on the details of a call: header fields, cookies, bodies. In lower case, with secrets masked. */
import type { ExchangeJson, MessageJson } from '../engine/exchangeJson.ts';
import { wildcard } from './patterns.ts';
import type { DetailTest } from './subject.ts';

/** `name`, or `name=value`. */
interface Pair {
  readonly name: (text: string) => boolean;
  /** null: any. */
  readonly value: ((text: string) => boolean) | null;
}

/** The whole name, or a pattern; part of the value, or a pattern. An empty value matches any. */
export function pairOf(value: string): Pair {
  const [, name = '', wanted = ''] = /^([^=]*)=?(.*)$/s.exec(value) ?? [];
  return {
    name: name.includes('*') ? wildcard(name) : (text) => text === name,
    value: wanted === '' ? null : wildcard(wanted),
  };
}

export function holdsPair({ name, value }: Pair, pairName: string, pairValue: string): boolean {
  return name(pairName.toLowerCase()) && (value === null || value(pairValue.toLowerCase()));
}

/** Header and trailer fields of request and response. */
export function headerTest(value: string): DetailTest {
  const pair = pairOf(value);
  return (exchange) => {
    for (const [name, content] of fieldsOf(exchange)) if (holdsPair(pair, name, content)) return true;
    return false;
  };
}

/** Cookies that were sent (RFC 6265 section 4.2) and that were set (section 4.1). */
export function cookieTest(value: string): DetailTest {
  const pair = pairOf(value);
  return (exchange) => {
    for (const [name, content] of fieldsOf(exchange)) {
      const field = name.toLowerCase();
      if (field !== 'cookie' && field !== 'set-cookie') continue;
      for (const cookie of field === 'cookie' ? content.split(';') : [content.split(';', 1)[0] ?? '']) {
        const [, own = '', its = ''] = /^\s*([^=]*)=?(.*)$/s.exec(cookie) ?? [];
        if (holdsPair(pair, own.trim(), its.trim())) return true;
      }
    }
    return false;
  };
}

/** The Content-Type of request or response, with its parameters. */
export function mediaTypeTest(matches: (type: string) => boolean): DetailTest {
  return (exchange) => {
    for (const [name, content] of fieldsOf(exchange)) {
      if (name.toLowerCase() === 'content-type' && matches(content.toLowerCase())) return true;
    }
    return false;
  };
}

/** Text bodies, decoded, and the texts of messages. Bytes are compared as Latin-1, so that ASCII in them is found. */
export function bodyTest(matches: (text: string) => boolean): DetailTest {
  return ({ request, response, messages }) => {
    for (const message of [request, response]) {
      const text = bodyText(message);
      if (text !== '' && matches(text.toLowerCase())) return true;
    }
    return messages.some((message) => {
      if (message.protobuf !== null && matches(message.protobuf.text.toLowerCase())) return true;
      const text = 'text' in message ? (message.text ?? '') : latin1(message.base64);
      return text !== '' && matches(text.toLowerCase());
    });
  };
}

function bodyText(message: MessageJson | null): string {
  if (message === null || message.body === null) return '';
  return 'text' in message.body ? message.body.text : latin1(message.body.base64);
}

function latin1(base64: string): string {
  return atob(base64);
}

function* fieldsOf({ request, response }: ExchangeJson): Generator<readonly [string, string]> {
  for (const message of [request, response]) {
    if (message === null) continue;
    for (const fields of [message.headers, message.trailers]) {
      for (const [name, value] of fields) yield [name ?? '', value ?? ''];
    }
  }
}

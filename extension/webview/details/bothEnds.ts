/** The timing of a call that was seen at both ends: the client's view, the server's, and what lies between them. */

import type { ExchangeJson } from '../../engine/exchangeJson.ts';
import { localized } from '../../words/localized.ts';
import { durationText } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { el } from '../dom.ts';
import { heading } from './elements.ts';
import { callProcessText } from './summary.ts';

/** Milliseconds since the client sent its first byte. null: has not happened yet, or was not seen. */
export interface Between {
  /** The server read its first byte. */
  readonly received: number;
  /** The server sent its last byte. */
  readonly answered: number | null;
  /** The client read its last byte. */
  readonly ended: number | null;
}

const HELP = {
  client: t(
    'From the first byte of the request that the client sent to the last byte of the response that it read',
  ),
  toServer: t(
    'From when the client sent the first byte until the server read it: the network, and the socket’s buffer',
  ),
  server: t(
    'From the first byte of the request that the server read to the last byte of the response that it sent',
  ),
  toClient: t(
    'From when the server had sent the last byte until the client read it: the network, and the socket’s buffer',
  ),
} as const;

export function between(client: ExchangeJson, server: ExchangeJson): Between {
  const received = Math.max(0, elapsed(client.startedAt, server.startedAt));
  return {
    received,
    answered: server.durationMs === null ? null : received + server.durationMs,
    ended: client.durationMs,
  };
}

/** @param peer the other side's view of the same call. */
export function bothEnds(exchange: ExchangeJson, peer: ExchangeJson): readonly Node[] {
  const [client, server] = exchange.side === 'client' ? [exchange, peer] : [peer, exchange];
  const { received, answered, ended } = between(client, server);
  const whole = Math.max(ended ?? 0, answered ?? 0, received);
  const share = (length: number): number => (whole === 0 ? 0 : (length / whole) * 100);
  const bar = (phase: string, from: number, length: number): HTMLElement => {
    const element = el('div', { class: 'phase', 'data-phase': phase });
    element.style.marginInlineStart = `${share(from)}%`;
    element.style.width = `${share(length)}%`;
    return element;
  };
  const side = (start: number, { timings, durationMs }: ExchangeJson): HTMLElement[] => {
    const { sendMs, waitMs, receiveMs, overlapMs } = timings;
    const parts = [
      ['send', (sendMs ?? 0) - (overlapMs ?? 0)],
      ['wait', waitMs ?? 0],
      ['receive', receiveMs ?? 0],
    ] as const;
    const known = parts.filter(([, length]) => length > 0);
    if (known.length === 0) return durationMs === null ? [] : [bar('unknown', start, durationMs)];
    return known.map(([phase, length], index) => bar(phase, index === 0 ? start : 0, length));
  };
  const back = answered === null || ended === null ? null : Math.max(0, ended - answered);
  const table = el(
    'div',
    { class: 'timing both-ends', role: 'table', 'aria-label': t('Timing at both ends') },
    row(t('Client, {0}', name(client)), HELP.client, side(0, client), client.durationMs),
    row(t('Until the server read it'), HELP.toServer, [bar('between', 0, received)], received),
    row(t('Server, {0}', name(server)), HELP.server, side(received, server), server.durationMs),
    row(
      t('Until the client read it'),
      HELP.toClient,
      back === null ? [] : [bar('between', answered ?? 0, back)],
      back,
    ),
  );
  const remark = t(
    'Between the ends are the network and the buffers of both sockets: until the program reads them, bytes wait there.',
  );
  return [heading(t('Both ends')), table, el('p', { class: 'remark' }, remark)];
}

function row(label: string, help: string, bars: readonly HTMLElement[], length: number | null): HTMLElement {
  return el(
    'div',
    { class: 'timing-row', role: 'row', title: help },
    el('span', { role: 'rowheader' }, label),
    el('span', { class: 'track', 'aria-hidden': 'true' }, ...bars),
    el('span', { class: 'amount', role: 'cell' }, durationText(length)),
  );
}

function name(exchange: ExchangeJson): string {
  return callProcessText(exchange) ?? t('unknown process');
}

/** Milliseconds including microseconds, which Date.parse drops. */
function elapsed(from: string, to: string): number {
  const [[start, startMicros], [end, endMicros]] = [secondAndMicros(from), secondAndMicros(to)];
  return end - start + (endMicros - startMicros) / 1_000;
}

/** The second in milliseconds since the epoch, and the microseconds in it. */
function secondAndMicros(time: string): [number, number] {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '';
  return [Date.parse(time.replace(/\.\d+/, '')), Number(fraction.padEnd(6, '0').slice(0, 6))];
}

/** Uses the other end's body if it captured more of it: both ends moved the same bytes. */
export function fromWhole(exchange: ExchangeJson, peer: ExchangeJson): ExchangeJson {
  return {
    ...exchange,
    request: fuller(exchange, peer, 'request'),
    response: fuller(exchange, peer, 'response'),
  };
}

const MORE = {
  client: t('More of this body was captured at the client: it is shown from there.'),
  server: t('More of this body was captured at the server: it is shown from there.'),
  unknown: t('More of this body was captured at the other end: it is shown from there.'),
} as const;

function fuller(
  exchange: ExchangeJson,
  peer: ExchangeJson,
  kind: 'request' | 'response',
): ExchangeJson['request'] {
  const [own, other] = [exchange[kind], peer[kind]];
  if (own === null || other === null || own.bodySize !== other.bodySize) return own;
  if (own.bodyCaptured >= other.bodyCaptured || other.body === null) return own;
  const { body, bodyCaptured, decodedSize } = other;
  const note = MORE[peer.side ?? 'unknown'];
  const bodyNote = other.bodyNote === null ? note : `${note} ${localized(other.bodyNote)}`;
  return { ...own, body, bodyCaptured, decodedSize, bodyNote };
}

import type { ExchangeJson } from '../../engine/exchangeJson.ts';
import { pausedPeerText } from '../../words/exchange.ts';
import { durationText, UNKNOWN } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { el } from '../dom.ts';
import { PHASES, type PhaseName } from '../phases.ts';
import { bothEnds } from './bothEnds.ts';
import { note } from './elements.ts';
import type { TabActions } from './tabActions.ts';

export function timingTab(exchange: ExchangeJson, actions: Pick<TabActions, 'peer'>): readonly Node[] {
  const { timings } = exchange;
  const overlap = timings.overlapMs ?? 0;
  const known = PHASES.reduce((sum, [, , key]) => sum + (timings[key] ?? 0), -overlap);
  const table = el('div', { class: 'timing', role: 'table', 'aria-label': t('Timing') });
  let at = 0;
  for (const [phase, label, key, help] of PHASES) {
    const paused = phase === 'wait' ? (exchange.debug?.waitPausedMs ?? 0) : 0;
    const length = timings[key];
    if (length === null && !mayHave(exchange, phase)) continue;
    const bar = el('div', { class: 'phase', 'data-phase': phase });
    if (phase === 'receive') at -= overlap;
    if (length !== null && known > 0) {
      bar.style.marginInlineStart = `${(at / known) * 100}%`;
      bar.style.width = `${(length / known) * 100}%`;
      at += length;
    } else {
      bar.hidden = true;
    }
    const active = length === null ? null : Math.max(0, length - paused);
    table.append(
      row(label, paused > 0 ? t('{0}, without the pause', help) : help, bar, durationText(active)),
    );
    if (length === null || active === null || paused === 0 || known <= 0) continue;
    bar.style.width = `${(active / known) * 100}%`;
    const pause = el('div', { class: 'phase', 'data-phase': 'paused' });
    pause.style.marginInlineStart = `${((at - length + active) / known) * 100}%`;
    pause.style.width = `${((length - active) / known) * 100}%`;
    table.append(
      row(t('Paused'), t('The debugger had paused the program'), pause, t('about {0}', durationText(paused))),
    );
  }
  const { label, span, before } = totalOf(exchange);
  const total = exchange.durationMs === null ? t('running') : durationText(exchange.durationMs + before);
  table.append(row(label, span, null, total));
  const parts: Node[] = [table];
  if (overlap > 0) {
    parts.push(
      note(t('The response began {0} before the request had been sent.', durationText(overlap)), 'limit'),
    );
  }
  if (timings.pausedMs !== null && timings.pausedMs > 0) {
    const rest = exchange.durationMs === null ? null : durationText(exchange.durationMs - timings.pausedMs);
    parts.push(
      note(
        t('The debugger paused the program for about {0} during this call.', durationText(timings.pausedMs)) +
          (rest === null
            ? ''
            : ` ${t('Without the pause it took {0}, by which the list sorts and filters.', rest)}`),
        'limit',
      ),
    );
  }
  const peer = pausedPeerText(exchange.debug);
  if (peer !== '') parts.push(note(peer, 'limit'));
  const unknown = PHASES.some(
    ([phase, , key]) => timings[key] === null && mayHave(exchange, phase) && exchange.encrypted === null,
  );
  if (unknown) parts.push(el('p', { class: 'remark' }, legend(exchange)));
  const other = actions.peer();
  if (other !== null) parts.push(...bothEnds(exchange, other));
  return parts;
}

/** Whether an unseen phase may have happened; if so, a dash is shown. */
function mayHave({ encrypted, failure, tls }: ExchangeJson, phase: PhaseName): boolean {
  if (failure !== null) return false;
  // A lookup is shown only where it is certain; most connections have none.
  if (phase === 'lookup') return false;
  if (phase === 'tls') return tls !== null;
  // No messages are visible in encrypted data.
  return encrypted === null || phase === 'connect';
}

/** `before`: time before the request, not part of the call's duration. */
function totalOf({ encrypted, failure, timings }: ExchangeJson): {
  label: string;
  span: string;
  before: number;
} {
  if (failure !== null)
    return { label: t('Total'), span: t('First query to the end of the lookup'), before: 0 };
  if (encrypted !== null)
    return { label: t('Connection'), span: t('Until the end of the connection'), before: 0 };
  const before = (timings.lookupMs ?? 0) + (timings.connectMs ?? 0) + (timings.tlsMs ?? 0);
  const span =
    before === 0
      ? t('First byte of the request to last byte of the response')
      : t('From the name lookup or the connect to the last byte of the response');
  return { label: t('Total'), span, before };
}

/** Why a phase has a dash. */
function legend(exchange: ExchangeJson): string {
  if (exchange.durationMs === null) return t('{0}: has not happened yet, or was not seen.', UNKNOWN);
  return exchange.timings.connectMs === null
    ? t("{0}: not seen. Only a connection's first call includes connect time.", UNKNOWN)
    : t('{0}: not seen.', UNKNOWN);
}

function row(label: string, help: string, bar: HTMLElement | null, value: string): HTMLElement {
  const total = bar === null;
  return el(
    'div',
    { class: total ? 'timing-row total' : 'timing-row', role: 'row' },
    el('span', { role: 'rowheader' }, label),
    el('span', { class: 'track', 'aria-hidden': 'true' }, bar),
    el('span', { class: 'amount', role: 'cell' }, value),
    el('span', { class: 'explanation', role: 'cell' }, help),
  );
}

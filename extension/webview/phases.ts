/** The phases of a call: their names, and what each means. */
import type { ExchangeRow, Phases } from '../engine/row.ts';
import { durationText } from '../words/numbers.ts';
import { t } from '../words/translate.ts';

export type PhaseName = 'lookup' | 'connect' | 'tls' | 'send' | 'wait' | 'receive';

/** In the order in which they follow each other. */
export const PHASES: readonly (readonly [
  phase: PhaseName,
  label: string,
  key: Exclude<keyof Phases, 'overlapMs'>,
  help: string,
])[] = [
  ['lookup', t('DNS lookup'), 'lookupMs', t('Finding the address of the server by its name')],
  ['connect', t('Connect'), 'connectMs', t('Opening the connection')],
  ['tls', t('TLS handshake'), 'tlsMs', t('Negotiating encryption')],
  ['send', t('Send'), 'sendMs', t('First to last byte of the request')],
  ['wait', t('Wait'), 'waitMs', t('Last byte of the request to first byte of the response')],
  ['receive', t('Receive'), 'receiveMs', t('First to last byte of the response')],
];

/** The phases of a call's bar, one line per phase seen; empty: none was. */
export function phasesText(row: ExchangeRow): string {
  const { phases, duration, debug } = row;
  const lines = PHASES.flatMap(([phase, label, key, help]) => {
    const ms = phases[key];
    if (ms === null) return [];
    const paused = phase === 'wait' ? (debug?.waitPausedMs ?? 0) : 0;
    const all = [`${label} ${durationText(Math.max(0, ms - paused))} · ${help}`];
    if (paused > 0)
      all.push(
        `${t('Paused')} ${t('about {0}', durationText(paused))} · ${t('The debugger had paused the program')}`,
      );
    return all;
  });
  if (lines.length === 0) return '';
  const before = (phases.lookupMs ?? 0) + (phases.connectMs ?? 0) + (phases.tlsMs ?? 0);
  if (duration !== null) lines.push(`${t('Total')} ${durationText(duration + before)}`);
  return lines.join('\n');
}

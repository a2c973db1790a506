/** "Why Is Nothing Shown?": the state of the trace in one or two sentences, and what to do. */

import { decryptionSentences } from '../engine/tls/library.ts';
import type { TraceStatus } from '../engine/traceStatus.ts';
import { processText } from '../words/exchange.ts';
import { localized } from '../words/localized.ts';
import { counted, numberText, sizeText } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { labelText } from '../words/visible.ts';

export interface Circumstances {
  readonly trusted: boolean;
  readonly supported: boolean;
  /** Debug sessions in this window, and how many of them cannot be traced from here. */
  readonly sessions: number;
  readonly remoteSessions: number;
  readonly browserSessions: number;
  /** Calls that are held, of this trace and earlier ones; connections without plaintext not counted. */
  readonly held: number;
}

export type Remedy = 'start' | 'pickProcess' | 'checkSystem' | 'showPanel' | 'manageTrust';

export interface Explanation {
  readonly text: string;
  readonly remedies: readonly Remedy[];
}

export function whyNothing(status: TraceStatus, around: Circumstances): Explanation {
  if (!around.trusted) {
    return {
      text: t('HTTP Trace is off because this window is in Restricted Mode.'),
      remedies: ['manageTrust'],
    };
  }
  if (!around.supported) {
    return {
      text: t('HTTP Trace runs on the machine where your program runs, and that must be Linux on x64.'),
      remedies: [],
    };
  }
  switch (status.phase) {
    case 'failed':
      return {
        text: t(
          'The trace failed. {0}',
          labelText(localized(status.problem ?? t('The reason is unknown.')), 500),
        ),
        remedies: ['start', 'checkSystem'],
      };
    case 'starting':
      return { text: t('The trace is starting.'), remedies: [] };
    case 'stopping':
      return { text: t('The trace is stopping; calls captured so far will still be shown.'), remedies: [] };
    case 'idle':
      return {
        text: `${t('No trace is running.')} ${sessionsText(around)}`.trim(),
        remedies: ['start', 'pickProcess'],
      };
    case 'stopped':
      return around.held > 0
        ? held(around.held)
        : {
            text: stoppedText(status),
            remedies: ['start', 'pickProcess'],
          };
    case 'running':
      return running(status, around);
    default:
      return status.phase satisfies never;
  }
}

function stoppedText(status: TraceStatus): string {
  if (status.newest.cleared) return t('The trace has stopped, and its calls were cleared.');
  return `${t('The trace has stopped without calls.')} ${decryptionText(status.targets)}`.trim();
}

/** Of the running trace only, without calls of earlier traces in the list. */
function running(status: TraceStatus, around: Circumstances): Explanation {
  if (around.held > 0 && status.newest.calls > 0) return held(around.held);
  const explanation = waiting(status);
  if (around.held === 0) return explanation;
  const earlier = counted(
    around.held,
    'The call shown is from an earlier trace.',
    'The {0} calls shown are from an earlier trace.',
  );
  return { ...explanation, text: `${explanation.text} ${earlier}` };
}

function waiting(status: TraceStatus): Explanation {
  const alive = status.targets.filter((target) => !target.ended);
  if (status.targets.length === 0) {
    return {
      text: t('The trace is running, but no process is being traced.'),
      remedies: ['start', 'pickProcess'],
    };
  }
  if (alive.length === 0) {
    return {
      text:
        status.targets.length === 1
          ? t('The traced process has ended without an HTTP call being seen.')
          : t('All traced processes have ended without an HTTP call being seen.'),
      remedies: ['start', 'pickProcess'],
    };
  }
  const names = alive.slice(0, 3).map(({ pid, name }) => processText({ pid, name }));
  const named = names.join(', ');
  const more = alive.length - names.length;
  const whom = more > 0 ? t('{0} and {1} more', named, numberText(more)) : named;
  const unread = unreadText(status);
  if (unread !== '') {
    const decryption = decryptionText(alive);
    return {
      text: `${
        alive.length === 1
          ? t('{0} has {1}, but no readable HTTP call yet.', whom, unread)
          : t('{0} have {1}, but no readable HTTP call yet.', whom, unread)
      } ${decryption}`.trim(),
      remedies: ['checkSystem'],
    };
  }
  if (status.newest.bytesSeen > 0) {
    const moved = sizeText(status.newest.bytesSeen);
    return {
      text: status.newest.cleared
        ? t('{0} moved {1} since the list was cleared, none of it a new call.', whom, moved)
        : t('{0} moved {1}, none of it readable as HTTP.', whom, moved),
      remedies: ['showPanel', 'checkSystem'],
    };
  }
  return {
    text: `${waitingText(whom, alive.length === 1, status.newest.cleared)} ${decryptionText(alive)}`.trim(),
    remedies: ['checkSystem'],
  };
}

function waitingText(whom: string, isOne: boolean, cleared: boolean): string {
  if (cleared && isOne)
    return t('Waiting: {0} has not made or answered an HTTP call since the list was cleared.', whom);
  if (cleared)
    return t('Waiting: {0} have not made or answered an HTTP call since the list was cleared.', whom);
  return isOne
    ? t('Waiting: {0} has not made or answered an HTTP call since the trace started.', whom)
    : t('Waiting: {0} have not made or answered an HTTP call since the trace started.', whom);
}

/** Processes whose TLS libraries are named. */
const MAX_EXPLAINED = 2;

function decryptionText(alive: TraceStatus['targets']): string {
  return alive
    .flatMap(({ pid, name, tls }) => {
      const sentences = tls === null ? [] : decryptionSentences(tls).map(localized);
      return sentences.length === 0 ? [] : [`${processText({ pid, name })}: ${sentences.join(' ')}`];
    })
    .slice(0, MAX_EXPLAINED)
    .map((text) => labelText(text, 400))
    .join(' ');
}

/** `2 encrypted connections and 1 other connection`; empty when there are none. */
function unreadText({ otherConnections, targets }: TraceStatus): string {
  const encrypted = targets.reduce((sum, { tls }) => sum + (tls?.encrypted ?? 0), 0);
  const unread = counted(encrypted, '{0} encrypted connection', '{0} encrypted connections');
  const other = counted(
    otherConnections,
    '{0} connection of another protocol',
    '{0} connections of another protocol',
  );
  if (encrypted > 0 && otherConnections > 0) return t('{0} and {1}', unread, other);
  if (encrypted > 0) return unread;
  return otherConnections > 0 ? other : '';
}

function held(calls: number): Explanation {
  return {
    text: counted(
      calls,
      'There is {0} call. If the timeline shows none, its filter hides them.',
      'There are {0} calls. If the timeline shows none, its filter hides them.',
    ),
    remedies: ['showPanel'],
  };
}

function sessionsText({ sessions, remoteSessions, browserSessions }: Circumstances): string {
  if (sessions === 0) return t('Nothing is being debugged.');
  if (remoteSessions === sessions)
    return t('The program you debug runs on another machine, which cannot be traced from here.');
  if (browserSessions === sessions)
    return t('You are debugging a browser page, which HTTP Trace does not trace.');
  return '';
}

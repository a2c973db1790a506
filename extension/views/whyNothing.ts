/** "Why Is Nothing Shown?": the state of the trace in one or two sentences, and what to do. */
import { decryptionSentences } from '../engine/tls/library.ts';
import type { TraceStatus } from '../engine/traceStatus.ts';
import { processText } from '../words/exchange.ts';
import { countText, sizeText } from '../words/numbers.ts';
import { labelText } from '../words/visible.ts';

export interface Circumstances {
  readonly trusted: boolean;
  readonly supported: boolean;
  /** Debug sessions in this window, and how many of them cannot be traced from here. */
  readonly sessions: number;
  readonly remoteSessions: number;
  readonly browserSessions: number;
  /** Calls that are held, of this trace and those before it; connections without plaintext not counted. */
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
      text: 'HTTP Trace is off because this window is in Restricted Mode.',
      remedies: ['manageTrust'],
    };
  }
  if (!around.supported) {
    return {
      text: 'HTTP Trace runs on the machine where your program runs, and that must be Linux on x64.',
      remedies: [],
    };
  }
  switch (status.phase) {
    case 'failed':
      return {
        text: `The trace failed. ${labelText(status.problem ?? 'The reason is unknown.', 500)}`,
        remedies: ['start', 'checkSystem'],
      };
    case 'starting':
      return { text: 'The trace is starting.', remedies: [] };
    case 'stopping':
      return { text: 'The trace is stopping; calls captured so far will still be shown.', remedies: [] };
    case 'idle':
      return {
        text: `No trace is running. ${sessionsText(around)}`.trim(),
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
  if (status.newest.cleared) return 'The trace has stopped, and its calls were cleared.';
  return `The trace has stopped without calls. ${decryptionText(status.targets)}`.trim();
}

/** Of the trace that runs, whatever those before it have left in the list. */
function running(status: TraceStatus, around: Circumstances): Explanation {
  if (around.held > 0 && status.newest.calls > 0) return held(around.held);
  const explanation = waiting(status);
  if (around.held === 0) return explanation;
  const are =
    around.held === 1 ? 'The call that is shown is' : `The ${countText(around.held, 'call')} shown are`;
  return { ...explanation, text: `${explanation.text} ${are} of an earlier trace.` };
}

function waiting(status: TraceStatus): Explanation {
  const alive = status.targets.filter((target) => !target.ended);
  if (status.targets.length === 0) {
    return {
      text: 'The trace is running, but no process is being traced.',
      remedies: ['start', 'pickProcess'],
    };
  }
  if (alive.length === 0) {
    return {
      text: `${status.targets.length === 1 ? 'The traced process has' : 'All traced processes have'} ended without an HTTP call being seen.`,
      remedies: ['start', 'pickProcess'],
    };
  }
  const names = alive.slice(0, 3).map(({ pid, name }) => processText({ pid, name }));
  const whom =
    names.join(', ') + (alive.length > names.length ? ` and ${alive.length - names.length} more` : '');
  const unread = unreadText(status);
  if (unread !== '') {
    const decryption = decryptionText(alive);
    return {
      text: `${whom} ${alive.length === 1 ? 'has' : 'have'} ${unread}, but no readable HTTP call yet. ${decryption}`.trim(),
      remedies: ['checkSystem'],
    };
  }
  const since = status.newest.cleared ? 'the list was cleared' : 'the trace started';
  if (status.newest.bytesSeen > 0) {
    return {
      text: status.newest.cleared
        ? `${whom} moved ${sizeText(status.newest.bytesSeen)} since ${since}, none of it a new call.`
        : `${whom} moved ${sizeText(status.newest.bytesSeen)}, none of it readable as HTTP.`,
      remedies: ['showPanel', 'checkSystem'],
    };
  }
  return {
    text: `Waiting: ${whom} ${alive.length === 1 ? 'has' : 'have'} not made or answered an HTTP call since ${since}. ${decryptionText(alive)}`.trim(),
    remedies: ['checkSystem'],
  };
}

/** Processes whose TLS libraries are named. */
const MAX_EXPLAINED = 2;

function decryptionText(alive: TraceStatus['targets']): string {
  return alive
    .flatMap(({ pid, name, tls }) => {
      const sentences = tls === null ? [] : decryptionSentences(tls);
      return sentences.length === 0 ? [] : [`${processText({ pid, name })}: ${sentences.join(' ')}`];
    })
    .slice(0, MAX_EXPLAINED)
    .map((text) => labelText(text, 400))
    .join(' ');
}

/** `2 encrypted connections and 1 other connection`; empty when there are none. */
function unreadText({ otherConnections, targets }: TraceStatus): string {
  const encrypted = targets.reduce((sum, { tls }) => sum + (tls?.encrypted ?? 0), 0);
  const parts = [
    [encrypted, 'encrypted connection', 'encrypted connections'],
    [otherConnections, 'connection of another protocol', 'connections of another protocol'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => countText(count, one, many))
    .join(' and ');
}

function held(calls: number): Explanation {
  return {
    text: `There ${calls === 1 ? 'is' : 'are'} ${countText(calls, 'call')}. If the timeline shows none, its filter hides them.`,
    remedies: ['showPanel'],
  };
}

function sessionsText({ sessions, remoteSessions, browserSessions }: Circumstances): string {
  if (sessions === 0) return 'Nothing is being debugged.';
  if (remoteSessions === sessions)
    return 'The program you debug runs on another machine, which cannot be traced from here.';
  if (browserSessions === sessions)
    return 'You are debugging a browser page, which HTTP Trace does not trace.';
  return '';
}

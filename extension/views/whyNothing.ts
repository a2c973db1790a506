/** "Why Is Nothing Shown?": what is known of the trace, said in one or two sentences, and what to do. */
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
  /** Calls that are held, connections without plaintext not counted. */
  readonly held: number;
}

export type Remedy = 'start' | 'pickProcess' | 'checkSystem' | 'showPanel' | 'manageTrust';

export interface Explanation {
  readonly text: string;
  readonly remedies: readonly Remedy[];
}

export function whyNothing(status: TraceStatus, around: Circumstances): Explanation {
  if (!around.trusted) {
    return { text: 'This window is in Restricted Mode, where HTTP Trace is off.', remedies: ['manageTrust'] };
  }
  if (!around.supported) {
    return { text: 'HTTP Trace works where the program runs, and that must be Linux on x64.', remedies: [] };
  }
  switch (status.phase) {
    case 'failed':
      return {
        text: `The trace has failed. ${labelText(status.problem ?? 'The reason is not known.', 500)}`,
        remedies: ['start', 'checkSystem'],
      };
    case 'starting':
      return { text: 'The trace is just starting.', remedies: [] };
    case 'stopping':
      return { text: 'The trace is just ending; what is under way will still be shown.', remedies: [] };
    case 'idle':
      return {
        text: `No trace has been started. ${sessionsText(around)}`.trim(),
        remedies: ['start', 'pickProcess'],
      };
    case 'stopped':
      return around.held > 0
        ? held(around.held)
        : {
            text: `The trace has been stopped, and no calls are held: none were seen, or they were cleared. ${decryptionText(status.targets)}`.trim(),
            remedies: ['start', 'pickProcess'],
          };
    case 'running':
      return running(status, around);
    default:
      return status.phase satisfies never;
  }
}

function running(status: TraceStatus, around: Circumstances): Explanation {
  if (around.held > 0) return held(around.held);
  const alive = status.targets.filter((target) => !target.ended);
  if (status.targets.length === 0) {
    return { text: 'The trace runs, but no process is in it.', remedies: ['start', 'pickProcess'] };
  }
  if (alive.length === 0) {
    return {
      text: `${status.targets.length === 1 ? 'The traced process has' : 'All traced processes have'} ended, and no HTTP call was seen.`,
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
      text: `${whom} ${alive.length === 1 ? 'has' : 'have'} ${unread}, and no call that could be read yet. ${decryption}`.trim(),
      remedies: ['checkSystem'],
    };
  }
  if (status.bytesSeen > 0) {
    return {
      text: `Of ${whom}, ${sizeText(status.bytesSeen)} have been seen on its connections, but no HTTP call that could be shown.`,
      remedies: ['showPanel', 'checkSystem'],
    };
  }
  return {
    text: `The trace runs and waits: ${whom} ${alive.length === 1 ? 'has' : 'have'} made and answered no HTTP call yet. What was sent before the trace began is not shown. ${decryptionText(alive)}`.trim(),
    remedies: ['checkSystem'],
  };
}

/** How many processes are told what is known of their TLS libraries. */
const MAX_TOLD = 2;

function decryptionText(alive: TraceStatus['targets']): string {
  return alive
    .flatMap(({ pid, name, tls }) => {
      const sentences = tls === null ? [] : decryptionSentences(tls);
      return sentences.length === 0 ? [] : [`${processText({ pid, name })}: ${sentences.join(' ')}`];
    })
    .slice(0, MAX_TOLD)
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
    text: `${countText(calls, 'call')} ${calls === 1 ? 'is' : 'are'} held. If the timeline shows none of them, its filter hides them.`,
    remedies: ['showPanel'],
  };
}

function sessionsText({ sessions, remoteSessions, browserSessions }: Circumstances): string {
  if (sessions === 0) return 'Nothing is being debugged either.';
  if (remoteSessions === sessions)
    return 'The debugged program runs on another machine, which cannot be traced from here.';
  if (browserSessions === sessions)
    return 'What is debugged is a browser page, which HTTP Trace does not follow.';
  return '';
}

/** Why a connection was not established, in one line for people. */
import type { CallEnding, EndingKind } from './exchange.ts';

const REASONS: Readonly<Partial<Record<EndingKind, string>>> = {
  refused: 'the server refused the connection',
  unreachable: 'the server cannot be reached',
  'timed-out': 'no answer from the server',
  cancelled: 'the process gave up',
  'process-ended': 'the process ended',
};

/** `connecting failed: the server refused the connection (ECONNREFUSED)`. */
export function connectFailure({ how, error, detail }: CallEnding): string {
  const code = error === null ? '' : ` (${error})`;
  return `connecting failed: ${detail === 'by-proxy' ? 'the proxy did not connect' : (REASONS[how] ?? 'the connection could not be made')}${code}`;
}

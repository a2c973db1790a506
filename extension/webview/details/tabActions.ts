/** What a tab of the details can ask for. */
import type { ExchangeJson } from '../../engine/exchangeJson.ts';
import type { RelatedCall } from '../relatedCalls.ts';

export interface TabActions {
  readonly copy: (text: string) => void;
  readonly openBody: (id: number, part: 'request' | 'response') => void;
  /** Opens the line that made the call. @param frame of its stack; null: the program's own */
  readonly openSource: (id: number, frame: number | null) => void;
  /** The call as the other side saw it; null: not seen, or not received yet. */
  readonly peer: () => ExchangeJson | null;
  /** Selects another call. */
  readonly show: (id: number) => void;
  /** Opens VS Code's settings at the body size limit. */
  readonly openBodyLimit: () => void;
  /** Calls that belong to this one. */
  readonly related: (exchange: ExchangeJson) => readonly RelatedCall[];
  /** Keeps its scroll position and selection for its call. */
  readonly messages: { show(exchange: ExchangeJson): readonly Node[] };
}

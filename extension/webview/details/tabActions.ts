/** What a tab of the details can ask for. */
import type { ExchangeJson } from '../../engine/exchangeJson.ts';

export interface TabActions {
  readonly copy: (text: string) => void;
  readonly openBody: (id: number, part: 'request' | 'response') => void;
  /** The same call as the other side saw it; null: not seen, or not here yet. */
  readonly peer: () => ExchangeJson | null;
  /** Selects another call. */
  readonly show: (id: number) => void;
  /** Keeps its place and its choice while its call is shown. */
  readonly messages: { show(exchange: ExchangeJson): readonly Node[] };
}

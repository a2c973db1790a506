/** The tabs of the details, in one table. */
import type { ExchangeJson } from '../../engine/exchangeJson.ts';
import { bodyTab } from './body.ts';
import { connectionTab } from './connection.ts';
import { headersTab } from './headers.ts';
import { summaryTab } from './summary.ts';
import { timingTab } from './timing.ts';

export type TabId = 'summary' | 'headers' | 'request' | 'response' | 'timing' | 'connection';

/** What a tab can ask for. */
export interface TabActions {
  readonly copy: (text: string) => void;
  readonly openBody: (id: number, part: 'request' | 'response') => void;
}

export interface Tab {
  readonly id: TabId;
  readonly label: string;
  readonly render: (exchange: ExchangeJson, actions: TabActions) => readonly Node[];
}

export const TABS: readonly Tab[] = [
  { id: 'summary', label: 'Summary', render: summaryTab },
  { id: 'headers', label: 'Headers', render: headersTab },
  { id: 'request', label: 'Request', render: (exchange, actions) => bodyTab(exchange, 'request', actions) },
  {
    id: 'response',
    label: 'Response',
    render: (exchange, actions) => bodyTab(exchange, 'response', actions),
  },
  { id: 'timing', label: 'Timing', render: timingTab },
  { id: 'connection', label: 'Connection', render: connectionTab },
];

/** The tabs of the details, in one table. */

import type { ExchangeJson } from '../../engine/exchangeJson.ts';
import { t } from '../../words/translate.ts';
import { aiTab } from './ai.ts';
import { bodyTab } from './body.ts';
import { connectionTab } from './connection.ts';
import { headersTab } from './headers.ts';
import { querySection } from './query.ts';
import { summaryTab } from './summary.ts';
import type { TabActions } from './tabActions.ts';
import { timingTab } from './timing.ts';

export type TabId =
  | 'summary'
  | 'ai'
  | 'headers'
  | 'request'
  | 'response'
  | 'messages'
  | 'timing'
  | 'connection';

export interface Tab {
  readonly id: TabId;
  readonly label: string;
  /** Shows messages; an encrypted connection has none. */
  readonly ofMessages?: boolean;
  readonly render: (exchange: ExchangeJson, actions: TabActions) => readonly Node[];
}

export const TABS: readonly Tab[] = [
  { id: 'summary', label: t('Summary'), render: summaryTab },
  { id: 'ai', label: 'AI', ofMessages: true, render: aiTab },
  { id: 'headers', label: t('Headers'), ofMessages: true, render: headersTab },
  {
    id: 'request',
    label: t('Request'),
    ofMessages: true,
    render: (exchange, actions) => [
      ...querySection(exchange, actions),
      ...bodyTab(exchange, 'request', actions),
    ],
  },
  {
    id: 'response',
    label: t('Response'),
    ofMessages: true,
    render: (exchange, actions) => bodyTab(exchange, 'response', actions),
  },
  {
    id: 'messages',
    label: t('Messages'),
    ofMessages: true,
    render: (exchange, actions) => actions.messages.show(exchange),
  },
  { id: 'timing', label: t('Timing'), render: timingTab },
  { id: 'connection', label: t('Connection'), render: connectionTab },
];

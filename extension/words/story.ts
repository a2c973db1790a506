/** Names of the events in a debugged program. */
import type { StoryMark } from '../engine/traceStatus.ts';
import { t } from './translate.ts';

export function momentKind({ kind }: Pick<StoryMark, 'kind'>): string {
  switch (kind) {
    case 'output':
      return t('Output');
    case 'error':
      return t('Error output');
    case 'exception':
      return t('Exception');
  }
}

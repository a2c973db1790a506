/** The parameters in a call's URL as a table, decoded. */

import type { ExchangeJson } from '../../engine/exchangeJson.ts';
import { copiedLine } from '../../escape/copied.ts';
import { counted } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import { el } from '../dom.ts';
import { formFields } from './content.ts';
import { copyButton, heading } from './elements.ts';
import type { TabActions } from './tabActions.ts';

const MAX_PARAMETERS = 300;
const MAX_VALUE = 4_096;

export function querySection({ url }: ExchangeJson, actions: TabActions): readonly Node[] {
  const query = /\?([^#]*)/.exec(url ?? '')?.[1] ?? '';
  if (query === '') return [];
  const parameters = formFields(query);
  const rows = parameters
    .slice(0, MAX_PARAMETERS)
    .map(([name, value]) =>
      el(
        'tr',
        {},
        el('th', { scope: 'row' }, visibleLine(shorten(name, MAX_VALUE))),
        el('td', {}, visibleLine(shorten(value, MAX_VALUE))),
      ),
    );
  const left = parameters.length - rows.length;
  if (left > 0) {
    const more = counted(left, 'and {0} more parameter', 'and {0} more parameters');
    rows.push(el('tr', {}, el('td', { colspan: 2, class: 'unknown' }, more)));
  }
  return [
    heading(
      t('Query parameters'),
      copyButton(t('Copy query'), () => actions.copy(copiedLine(query))),
    ),
    el('table', { class: 'fields' }, el('tbody', {}, ...rows)),
  ];
}

/** How a call's server name was resolved, as facts. */

import type { ExchangeJson } from '../../engine/exchangeJson.ts';
import { localized } from '../../words/localized.ts';
import { durationText, numberText } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import type { Fact } from './elements.ts';

/** Empty if not known. */
export function lookupFacts({ lookup, timings }: ExchangeJson): readonly Fact[] {
  if (lookup === null) return [];
  const { name, alias, alsoTried, addresses, server, transport, types, queries, error } = lookup;
  const list: Fact[] = [
    {
      name: t('Name'),
      value: name,
      remark: alias === null ? null : t('alias of {0}', shown(alias)),
      code: true,
    },
  ];
  if (addresses.length > 0) list.push({ name: t('Addresses'), value: addresses.join(', '), code: true });
  if (error !== null) list.push({ name: t('Answer'), value: localized(error), code: true });
  if (alsoTried.length > 0) {
    list.push({
      name: t('Also tried'),
      value: alsoTried.map(shown).join(', '),
      remark: t('by the search list'),
      code: true,
    });
  }
  list.push({
    name: t('Name server'),
    value: transport === 'resolved' ? 'systemd-resolved' : server,
    remark: transport === 'tcp' ? t('over TCP, because the answer was too long') : null,
    code: true,
  });
  list.push({ name: t('Queries'), value: numberText(queries), remark: types.join(', ') });
  if (timings.lookupMs !== null) list.push({ name: t('Lookup'), value: durationText(timings.lookupMs) });
  return list;
}

function shown(name: string): string {
  return visibleLine(shorten(name, 255));
}

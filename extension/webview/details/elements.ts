/** Building blocks of tabs. */

import { copiedLine } from '../../escape/copied.ts';
import { localized } from '../../words/localized.ts';
import { UNKNOWN } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import { el, iconButton } from '../dom.ts';
import { icon } from '../icons.ts';

/** Longer values are of no use here; the body and its editor show everything. */
const MAX_VALUE = 16_384;

export interface Fact {
  readonly name: string;
  /** null: unknown. */
  readonly value: string | null;
  /** Shown muted, after the value. */
  readonly remark?: string | null;
  readonly copy?: ((text: string) => void) | undefined;
  /** A link after the value. */
  readonly action?: { readonly label: string; readonly run: () => void };
  readonly code?: boolean;
}

/** Names and values, one below the other. Values are captured text. */
export function facts(list: readonly Fact[]): HTMLElement {
  const element = el('dl', { class: 'facts' });
  for (const fact of list) {
    const value = el('dd', { class: fact.code === true ? 'code' : null });
    if (fact.value === null) {
      value.append(el('span', { class: 'unknown' }, UNKNOWN));
      value.setAttribute('aria-label', t('unknown'));
    } else {
      value.append(el('span', { class: 'value' }, visibleLine(shorten(fact.value, MAX_VALUE))));
      if (fact.remark) value.append(el('span', { class: 'remark' }, fact.remark));
      if (fact.action !== undefined) value.append(link(fact.action.label, fact.action.run));
      const { copy, value: text } = fact;
      if (copy !== undefined)
        value.append(copyButton(t('Copy {0}', fact.name), () => copy(copiedLine(text))));
    }
    element.append(el('dt', {}, fact.name), value);
  }
  return element;
}

function link(label: string, onClick: () => void): HTMLButtonElement {
  const button = el('button', { type: 'button', class: 'link' }, label);
  button.addEventListener('click', onClick);
  return button;
}

export function copyButton(label: string, onClick: () => void): HTMLButtonElement {
  return iconButton(icon('copy'), label, onClick, 'icon small');
}

export function heading(text: string, ...actions: readonly Node[]): HTMLElement {
  return el('div', { class: 'heading' }, el('h3', {}, text), ...actions);
}

/** A prominent sentence; one from the engine (in English) is translated. */
export function note(sentence: string, tone: 'limit' | 'fault' | 'info' = 'fault'): HTMLElement {
  return el('p', { class: 'note', 'data-tone': tone }, localized(sentence));
}

/** A plain sentence instead of content. */
export function nothing(sentence: string): HTMLElement {
  return el('p', { class: 'nothing' }, sentence);
}

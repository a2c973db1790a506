/** The details of one call: its title, and a tab for each aspect. */

import type { ExchangeJson, StreamMessageJson } from '../../engine/exchangeJson.ts';
import type { ExchangeRow } from '../../engine/row.ts';
import { insteadOfCall } from '../../words/exchange.ts';
import { numberText } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import { callContext } from '../callContext.ts';
import { statusClass } from '../columns.ts';
import { el, iconButton, setText, setTitle } from '../dom.ts';
import { icon } from '../icons.ts';
import { aiTabLabel } from './ai.ts';
import { fromWhole } from './bothEnds.ts';
import { nothing } from './elements.ts';
import { holdsMask, isMasked } from './masked.ts';
import { MessagesView } from './messages.ts';
import type { TabActions } from './tabActions.ts';
import { TabBar } from './tabBar.ts';
import { TABS, type TabId } from './tabs.ts';

export interface DetailsEvents extends Omit<TabActions, 'messages' | 'peer'> {
  /** Asks for one message of the call. */
  readonly message: (id: number, number: number) => void;
  readonly close: () => void;
  readonly tab: (tab: TabId) => void;
  readonly reveal: (reveal: boolean) => void;
  /** To another call, keeping the tab. */
  readonly move: (step: 1 | -1) => void;
}

export class Details {
  #tab: TabId;
  readonly #events: DetailsEvents;
  readonly element: HTMLElement;
  readonly #status = el('span', { class: 'status' });
  readonly #method = el('span', { class: 'method' });
  readonly #path = el('span', { class: 'path' });
  readonly #secrets: HTMLButtonElement;
  readonly #tabs: Map<TabId, HTMLButtonElement>;
  readonly #bar: TabBar;
  readonly #panel = el('div', { class: 'tabpanel', role: 'tabpanel', id: 'tabpanel', tabindex: 0 });
  #row: ExchangeRow | null = null;
  #exchange: ExchangeJson | null = null;
  #peer: ExchangeJson | null = null;
  #revealed = false;
  /** What the tab shows, compared by identity. */
  #rendered: { exchange: ExchangeJson; tab: TabId } | null = null;
  readonly #messages: MessagesView;
  readonly #actions: TabActions;

  constructor(tab: TabId, events: DetailsEvents) {
    this.#tab = tab;
    this.#events = events;
    this.#messages = new MessagesView(events);
    this.#actions = { ...events, messages: this.#messages, peer: () => this.#peer };
    this.#secrets = iconButton(icon('eye'), '', () => {
      this.#setRevealed(!this.#revealed);
      events.reveal(this.#revealed);
    });
    this.#tabs = new Map(TABS.map(({ id, label }) => [id, this.#tabButton(id, label)]));
    const tablist = el(
      'div',
      { class: 'tabs', role: 'tablist', 'aria-label': t('Details') },
      ...this.#tabs.values(),
    );
    this.#bar = new TabBar(tablist, [...this.#tabs.values()]);
    tablist.addEventListener('keydown', (event) => this.#key(event));
    const close = iconButton(icon('close'), t('Close Details (Escape)'), () => events.close());
    this.element = el(
      'section',
      { class: 'details', 'aria-label': t('Details of the call'), hidden: '' },
      el(
        'div',
        { class: 'title' },
        el('h2', {}, this.#status, this.#method, this.#path),
        this.#secrets,
        close,
      ),
      this.#bar.element,
      this.#panel,
    );
    this.element.addEventListener('contextmenu', () => this.#nameMenu(), { capture: true });
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      events.close();
    });
    this.#setRevealed(false);
    this.#showTab(tab);
  }

  /** A call is selected: known facts are shown at once, the rest when the host has sent it. */
  show(row: ExchangeRow): void {
    if (row.id !== this.#row?.id) {
      this.#exchange = null;
      this.#peer = null;
      this.#secrets.hidden = true;
      this.#setRevealed(false);
      this.#messages.forget();
      this.#offer('messages', row.messageFormat !== null);
      this.#offer('ai', row.model !== null);
      this.#offer('request', row.requestSize !== 0 || row.path?.includes('?') === true);
    }
    this.#row = row;
    setText(this.#status, row.status === null ? '' : String(row.status));
    this.#status.dataset['status'] = statusClass(row);
    const instead = insteadOfCall(row);
    setText(this.#method, instead ?? visibleLine(shorten(row.method ?? '', 40)));
    const path =
      instead === null ? (row.path ?? row.host ?? t('request not seen')) : (row.host ?? t('unknown host'));
    setText(this.#path, visibleLine(shorten(path, 300)));
    setTitle(this.#path, visibleLine(shorten(path, 1_000)));
  }

  /**
   * @param exchange null: the host no longer holds it.
   * @param peer the same call as the other side saw it; null: it was not seen there.
   */
  fill(id: number, exchange: ExchangeJson | null, peer: ExchangeJson | null = null): void {
    if (id !== this.#row?.id) return;
    if (exchange === null) {
      this.#rendered = null;
      this.#panel.replaceChildren(
        nothing(t('This call is no longer available: newer calls took its place.')),
      );
      return;
    }
    this.#peer = peer;
    const shown = peer === null ? exchange : fromWhole(exchange, peer);
    this.#exchange = shown;
    const stream = exchange.messageStream;
    const count = stream === null ? '' : ` ${numberText(stream.out + stream.in)}`;
    setText(this.#tabs.get('messages') as Element, `${t('Messages')}${count}`);
    const ai = aiTabLabel(exchange);
    setText(this.#tabs.get('ai') as Element, ai ?? 'AI');
    this.#offer('ai', ai !== null);
    this.#offer('messages', stream !== null);
    this.#offer('request', hasRequestContent(exchange));
    this.#bar.fit();
    this.#secrets.hidden = !this.#revealed && !isMasked(exchange);
    this.#render();
  }

  /** VS Code shows the call's menu, with Copy only if text is selected. */
  #nameMenu(): void {
    const row = this.#row;
    if (row === null) return;
    const selected = getSelection()?.isCollapsed === false;
    this.element.dataset['vscodeContext'] = callContext(row, !selected);
  }

  /** One message in full; null: it is no longer held. */
  fillMessage(id: number, number: number, message: StreamMessageJson | null): void {
    if (id !== this.#row?.id) return;
    if (message !== null && holdsMask(message)) this.#secrets.hidden = false;
    this.#messages.fill(id, number, message);
  }

  get revealing(): boolean {
    return this.#revealed;
  }

  /** Focuses the open tab. */
  focus(): void {
    this.#tabs.get(this.#shownTab)?.focus();
  }

  /** Some tabs are shown only for calls with content for them. */
  #offer(tab: TabId, offered: boolean): void {
    const button = this.#tabs.get(tab) as HTMLElement;
    if (button.hidden === !offered) return;
    button.hidden = !offered;
    this.#showTab(this.#tab);
  }

  /** The chosen tab, or the first if the call lacks it; the choice is kept for the next call. */
  get #shownTab(): TabId {
    return this.#tabs.get(this.#tab)?.hidden === true ? 'summary' : this.#tab;
  }

  #setRevealed(revealed: boolean): void {
    this.#revealed = revealed;
    const label = revealed ? t('Hide Secrets of This Call') : t('Show Secrets of This Call');
    this.#secrets.replaceChildren(icon(revealed ? 'eyeClosed' : 'eye'));
    this.#secrets.title = label;
    this.#secrets.setAttribute('aria-label', label);
    this.#secrets.setAttribute('aria-pressed', String(revealed));
  }

  #tabButton(id: TabId, label: string): HTMLButtonElement {
    const button = el(
      'button',
      { type: 'button', class: 'tab', role: 'tab', id: `tab-${id}`, 'aria-controls': 'tabpanel' },
      label,
    );
    button.addEventListener('click', () => {
      this.#showTab(id);
      this.#events.tab(id);
    });
    return button;
  }

  #showTab(tab: TabId): void {
    this.#tab = tab;
    const shownTab = this.#shownTab;
    for (const [id, button] of this.#tabs) {
      button.setAttribute('aria-selected', String(id === shownTab));
      button.tabIndex = id === shownTab ? 0 : -1;
    }
    this.#bar.fit();
    this.#panel.setAttribute('aria-labelledby', `tab-${shownTab}`);
    this.#panel.dataset['tab'] = shownTab;
    this.#render();
  }

  #render(): void {
    const exchange = this.#exchange;
    const tab = this.#shownTab;
    if (exchange === null) return;
    if (this.#rendered?.exchange === exchange && this.#rendered.tab === tab) return;
    // A running call is sent repeatedly: keep the scroll position.
    const same = this.#rendered?.exchange.id === exchange.id && this.#rendered.tab === tab;
    const { scrollTop } = this.#panel;
    const found = TABS.find(({ id }) => id === tab);
    if (found === undefined) return;
    const why = found.ofMessages === true ? whyNoMessages(exchange) : null;
    const nodes =
      why !== null ? [nothing(t('Not available: {0}.', why))] : found.render(exchange, this.#actions);
    // Elements that stay are not removed and reinserted, because they would lose their scroll position.
    if (
      nodes.length !== this.#panel.childNodes.length ||
      nodes.some((node, i) => node !== this.#panel.childNodes[i])
    ) {
      this.#panel.replaceChildren(...nodes);
    }
    this.#panel.scrollTop = same ? scrollTop : 0;
    this.#rendered = { exchange, tab };
    if (tab === 'messages') this.#messages.shown();
  }

  #key(event: KeyboardEvent): void {
    const ids = [...this.#tabs.keys()].filter((id) => this.#tabs.get(id)?.hidden === false);
    const at = ids.indexOf(this.#shownTab);
    let to: TabId | undefined;
    switch (event.key) {
      case 'ArrowRight':
        to = ids[(at + 1) % ids.length];
        break;
      case 'ArrowLeft':
        to = ids[(at + ids.length - 1) % ids.length];
        break;
      case 'Home':
        to = ids[0];
        break;
      case 'End':
        to = ids.at(-1);
        break;
      case 'ArrowDown':
        this.#events.move(1);
        break;
      case 'ArrowUp':
        this.#events.move(-1);
        break;
      default:
        return;
    }
    event.preventDefault();
    if (to === undefined) return;
    this.#showTab(to);
    this.#events.tab(to);
    this.focus();
  }
}

/** Most requests have neither body nor parameters, only a head. */
function hasRequestContent({ request, url }: ExchangeJson): boolean {
  return (
    request === null || request.bodySize !== 0 || request.bodyNote !== null || url?.includes('?') === true
  );
}

function whyNoMessages({ failure, encrypted }: ExchangeJson): string | null {
  if (failure !== null) return t('no call was made');
  return encrypted === null ? null : t('this connection was not decrypted');
}

/** The panel: creates its parts, connects them, and exchanges messages with the host. */

import { EndedProcesses } from '../engine/endedProcesses.ts';
import { IDLE_STATUS, type TraceStatus } from '../engine/traceStatus.ts';
import { copiedLine } from '../escape/copied.ts';
import { withTerm } from '../filter/edit.ts';
import type { PanelCommand, ToWebview } from '../views/webviewProtocol.ts';
import { addressText } from '../words/address.ts';
import { takeKeyboard } from './arrival.ts';
import { AskedDetails } from './askedDetails.ts';
import { NO_MENU } from './callContext.ts';
import { CallList } from './callList.ts';
import { Clock } from './clock.ts';
import { COLUMN_GAP, ROW_PADDING, type Sort } from './columns.ts';
import { Details } from './details/details.ts';
import { MESSAGE_HEIGHT } from './details/messages.ts';
import { el } from './dom.ts';
import { acceptFiles } from './dropFiles.ts';
import { EmptyState } from './emptyState.ts';
import { FilterInput } from './filterInput.ts';
import { HeldCalls } from './heldCalls.ts';
import { HelpSheet } from './helpSheet.ts';
import type { Host } from './host.ts';
import { listenToKeys } from './keys.ts';
import { knownWidths } from './listHeader.ts';
import { Notices } from './notices.ts';
import { Overview } from './overview.ts';
import { Pauses } from './pauses.ts';
import { causalCalls, relatedCalls } from './relatedCalls.ts';
import type { Chip, TimeRange } from './rowMatcher.ts';
import { RowStore } from './rowStore.ts';
import { ROW_HEIGHT } from './rowView.ts';
import { isSort, knownChoice, knownTab, share } from './savedState.ts';
import { SplitPane } from './splitPane.ts';
import { StoryMarks } from './story.ts';
import { Toolbar } from './toolbar.ts';

const DEFAULT_DETAILS_HEIGHT = 0.5;

/** What the style sheet and the layout in the script must agree on. */
const MEASURES = {
  '--row-height': ROW_HEIGHT,
  '--message-height': MESSAGE_HEIGHT,
  '--column-gap': COLUMN_GAP,
  '--row-padding': ROW_PADDING,
};

export class App {
  readonly #host: Host;
  readonly #store = new RowStore();
  readonly #pauses = new Pauses();
  readonly #story: StoryMarks;
  readonly #ended = new EndedProcesses();
  #status: TraceStatus = IDLE_STATUS;
  readonly #filter: FilterInput;
  readonly #toolbar: Toolbar;
  readonly #overview: Overview;
  readonly #list: CallList;
  readonly #details: Details;
  readonly #split: SplitPane;
  readonly #empty: EmptyState;
  readonly #help = new HelpSheet((text) => this.#filter.set(text));
  readonly #notices = new Notices();
  readonly #held: HeldCalls;
  readonly #asked: AskedDetails;
  readonly #clock: Clock;
  /** For the current filter. */
  #search = { number: 0, query: '' };
  #frame: number | null = null;
  #statusChanged = true;
  /** A call to select as soon as its row arrives. `asked`: the user requested it, so the list gets the focus. */
  #awaited: { id: number; open: boolean; asked: boolean } | null = null;

  constructor(root: HTMLElement, host: Host) {
    this.#host = host;
    const { state } = host;
    this.#held = new HeldCalls(host);
    this.#asked = new AskedDetails(host);
    const copy = (text: string): void => host.send({ type: 'copy', text });
    const command = (name: PanelCommand): void => host.send({ type: 'command', command: name });

    this.#filter = new FilterInput(typeof state.filter === 'string' ? state.filter : '', {
      changed: (filter, text) => {
        host.update({ filter: text });
        this.#store.setFilter(filter);
        this.#search = { number: this.#search.number + 1, query: text };
        this.#filter.showProgress(null);
        this.#rearrange();
      },
      leave: () => this.#list.focus(),
      help: () => this.#help.show(),
      newest: () => this.#store.newest(),
      saved: (filters) => host.send({ type: 'savedFilters', filters }),
    });
    this.#toolbar = new Toolbar(this.#filter, {
      start: () => command('start'),
      stop: () => command('stop'),
      clear: () => command('clear'),
      chip: (chip) => this.#setChip(chip),
      joins: (joins) => host.send({ type: 'joinBothEnds', joins }),
      nests: (nests) => host.send({ type: 'nestCalls', nests }),
    });
    this.#story = new StoryMarks((id) => host.send({ type: 'openMoment', id }));
    this.#overview = new Overview(this.#store, this.#pauses, this.#story, (range) => this.#setRange(range));
    this.#list = new CallList(
      this.#store,
      this.#pauses,
      this.#ended,
      knownWidths(state.widths),
      knownChoice(state.columns),
      {
        selected: (id) => this.#selected(id),
        opened: () => this.#open(),
        escaped: () => this.#escaped(),
        copy: (row) => copy(copiedLine(addressText(row) ?? '')),
        sorted: (sort) => this.#setSort(sort),
        resized: (widths) => host.update({ widths }),
        chosen: (columns) => host.update({ columns }),
        window: (window) => this.#overview.showWindow(window),
        expanded: (id, expanded) => {
          const selected = this.#list.selected;
          const hides = !expanded && selected !== null && this.#store.isBeneath(selected, id);
          this.#store.expand(id, expanded);
          // A row that is folded away cannot stay selected: its parent is selected instead.
          if (hides) {
            this.#list.select(id, 'none');
            this.#selected(id);
          }
          this.#schedule();
        },
        drawn: () => this.#clock.wake(),
      },
    );
    this.#details = new Details(knownTab(state.tab), {
      copy,
      openBody: (id, part) => host.send({ type: 'openBody', id, part }),
      openSource: (id, frame) => host.send({ type: 'openSource', id, frame }),
      openBodyLimit: () => host.send({ type: 'openBodyLimit' }),
      related: (exchange) => {
        const row = this.#store.get(exchange.id);
        return row === undefined
          ? []
          : [...causalCalls(row, this.#store), ...relatedCalls(row, exchange, this.#store.rows())];
      },
      message: (id, number) => host.send({ type: 'message', id, number }),
      close: () => this.#close(),
      tab: (tab) => host.update({ tab }),
      reveal: () => this.#ask(),
      move: (step) => this.#list.move(step),
      show: (id) => {
        this.#awaited = { id, open: true, asked: true };
        this.#schedule();
      },
    });
    this.#split = new SplitPane(
      this.#list.element,
      this.#details.element,
      {
        width: share(state.detailsWidth, null),
        height: share(state.detailsHeight, DEFAULT_DETAILS_HEIGHT),
      },
      ({ width, height }) =>
        host.update({ detailsHeight: height, ...(width === null ? {} : { detailsWidth: width }) }),
    );
    this.#empty = new EmptyState({
      start: () => command('start'),
      pickProcess: () => command('pickProcess'),
      clearFilter: () => this.#clearFilter(),
      manageTrust: () => command('manageTrust'),
      openTrace: () => command('openTrace'),
      whyNothing: () => command('whyNothing'),
    });
    this.#clock = new Clock(
      () => this.#list.live,
      (now) => {
        this.#list.grow(now);
        this.#overview.update(now);
      },
      () => this.#list.pace,
    );
    for (const [name, pixels] of Object.entries(MEASURES)) root.style.setProperty(name, `${pixels}px`);
    root.dataset['vscodeContext'] = NO_MENU;
    root.append(
      this.#toolbar.element,
      this.#filter.message,
      ...this.#notices.elements,
      this.#overview.element,
      el('div', { class: 'stage' }, this.#split.element, this.#empty.element),
      this.#help.element,
    );

    acceptFiles(
      (message) => host.send(message),
      (over) => root.classList.toggle('drop', over),
    );
    if (isSort(state.sort)) this.#store.setSort(state.sort);
    const chip = state.chip === 'errors' || state.chip === 'running' ? state.chip : 'all';
    this.#store.setChip(chip);
    this.#toolbar.showChip(chip);
    this.#filter.apply();
    listenToKeys({ help: () => this.#help.show(), filter: () => this.#filter.focus() });
    takeKeyboard(() => this.#takeKeyboard());
    for (const type of ['focus', 'blur'] as const) {
      window.addEventListener(type, () => host.send({ type: 'focus', focused: type === 'focus' }));
    }
    document.addEventListener('visibilitychange', () => this.#clock.wake());
  }

  handle(message: ToWebview): void {
    switch (message.type) {
      case 'reset':
        this.#reset();
        break;
      case 'rows':
        this.#store.apply(message.rows, message.removed);
        if (this.#toolbar.setComing(message.left ?? 0)) this.#statusChanged = true;
        this.#schedule();
        break;
      case 'status':
        this.#setStatus(message.status);
        break;
      case 'marks':
        this.#story.set(message.marks);
        this.#schedule();
        break;
      case 'details':
        this.#details.fill(message.id, message.exchange, message.peer);
        return;
      case 'message':
        this.#details.fillMessage(message.id, message.number, message.message);
        break;
      case 'found':
        if (message.search !== this.#search.number) return;
        this.#store.setFound(message.results);
        this.#filter.showProgress(message);
        this.#schedule();
        break;
      case 'reveal':
        this.#awaited = { id: message.id, open: true, asked: true };
        this.#schedule();
        break;
      case 'listed':
        this.#host.send({ type: 'listed', ids: this.#store.listedCalls() });
        break;
      case 'narrow':
        this.#filter.set(withTerm(this.#filter.text, message.term));
        break;
      case 'focusFilter':
        this.#filter.focus();
        break;
      case 'savedFilters':
        this.#filter.showSaved(message.filters);
        break;
      case 'joinBothEnds':
        this.#store.setJoins(message.joins);
        this.#keepSelectedListed();
        this.#rearrange();
        break;
      case 'nestCalls':
        this.#store.setNests(message.nests);
        this.#keepSelectedListed();
        this.#rearrange();
        break;
      default:
        message satisfies never;
    }
  }

  #reset(): void {
    this.#toolbar.setComing(0);
    this.#store.reset();
    this.#list.reset();
    this.#asked.forget();
    this.#awaited = null;
    this.#list.select(null, 'none');
    this.#split.open(false);
    this.#store.setRange(null);
    this.#overview.showRange(null);
    this.#overview.redraw();
    this.#schedule();
  }

  #setStatus(status: TraceStatus): void {
    const { selected, detailsOpen } = this.#host.state;
    // Coming back after having been hidden: the same trace, the same call.
    const first = this.#status.startedAt !== status.startedAt || this.#status.list !== status.list;
    const same = selected?.startedAt === status.startedAt && selected.list === status.list;
    if (first && selected !== undefined && same) {
      this.#awaited = { id: selected.id, open: detailsOpen === true, asked: false };
    }
    this.#held.came(status);
    this.#status = status;
    this.#pauses.set(status.pauses);
    this.#ended.update(status);
    this.#statusChanged = true;
    this.#clock.show(status);
    this.#schedule();
  }

  /** Everything that has changed is drawn once, with the next frame. */
  #schedule(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#draw();
    });
  }

  #draw(): void {
    this.#keepSelectedListed();
    const changed = this.#store.flush();
    this.#lookIntoDetails();
    if (changed || this.#statusChanged) this.#showCounts();
    this.#statusChanged = false;
    if (changed) this.#list.refresh();
    this.#goToAwaited();
    if (changed) this.#showSelected();
    const now = this.#clock.now();
    this.#list.grow(now);
    this.#overview.update(now);
    this.#clock.wake();
  }

  /** A selected server's row that turns out to be the same call as a client's is shown beneath it. */
  #keepSelectedListed(): void {
    const id = this.#list.selected;
    const row = id === null ? undefined : this.#store.get(id);
    if (row !== undefined && this.#store.foldOf(row)?.kind === 'server') this.#store.unfold(row.id);
  }

  #showCounts(): void {
    const store = this.#store;
    const status = this.#status;
    this.#toolbar.show(status, store);
    const joins = store.joins && status.pairs > 0;
    this.#list.showFolds(joins, joins || (store.nests && store.hasCauses));
    const { element: split } = this.#split;
    const { element: empty } = this.#empty;
    const before = document.activeElement;
    // Otherwise this could take the focus from an editor.
    const hadKeyboard = document.hasFocus() && (split.contains(before) || empty.contains(before));
    const isEmpty = this.#empty.show(status, store.size, store.length, this.#held.dropped);
    this.#held.remember(status);
    split.hidden = isEmpty;
    const { activeElement } = document;
    const isInPlace = activeElement !== empty && (isEmpty ? empty : split).contains(activeElement);
    if (hadKeyboard && !isInPlace) this.#takeKeyboard();
    this.#overview.element.hidden = store.size === 0;
    this.#notices.show(status, isEmpty);
  }

  /** Focuses the list, or what is shown instead. */
  #takeKeyboard(): void {
    if (this.#split.element.hidden) this.#empty.focus();
    else this.#list.focus();
  }

  #rearrange(by: 'order' | 'filter' = 'filter'): void {
    this.#store.flush();
    this.#lookIntoDetails();
    this.#showCounts();
    this.#list.rearranged(by);
    this.#schedule();
  }

  /** The host evaluates filter terms that need details. */
  #lookIntoDetails(): void {
    const ids = this.#store.takeWanted();
    const { number, query } = this.#search;
    if (ids.length > 0) this.#host.send({ type: 'search', search: number, query, ids });
  }

  #setChip(chip: Chip): void {
    this.#host.update({ chip });
    this.#toolbar.showChip(chip);
    this.#store.setChip(chip);
    this.#rearrange();
  }

  #setRange(range: TimeRange | null): void {
    this.#store.setRange(range);
    this.#rearrange();
  }

  #setSort(sort: Sort): void {
    this.#host.update({ sort });
    this.#store.setSort(sort);
    this.#rearrange('order');
  }

  #clearFilter(): void {
    this.#store.setRange(null);
    this.#overview.showRange(null);
    this.#setChip('all');
    this.#filter.set('');
  }

  #goToAwaited(): void {
    const awaited = this.#awaited;
    if (awaited === null || this.#store.get(awaited.id) === undefined) return;
    this.#awaited = null;
    if (this.#store.reveal(awaited.id)) {
      this.#store.flush();
      this.#list.refresh();
    }
    // A requested call is shown even if the filter hides it.
    if (this.#store.indexOf(awaited.id) < 0) {
      if (!awaited.open) return;
      this.#clearFilter();
    }
    this.#list.select(awaited.id, 'center');
    this.#remember(awaited.id);
    if (awaited.open) this.#open();
    if (awaited.asked) this.#list.focus();
  }

  #selected(id: number): void {
    this.#remember(id);
    const row = this.#store.get(id);
    if (row === undefined || !this.#split.isOpen) return;
    this.#details.show(row);
    this.#asked.soon(() => this.#ask());
  }

  #remember(id: number): void {
    const { startedAt, list } = this.#status;
    if (startedAt !== null) this.#host.update({ selected: { id, startedAt, list } });
    this.#host.send({ type: 'selected', id });
  }

  #open(): void {
    const id = this.#list.selected;
    const row = id === null ? undefined : this.#store.get(id);
    if (row === undefined) return;
    this.#details.show(row);
    this.#split.open(true);
    this.#host.update({ detailsOpen: true });
    this.#ask();
  }

  #close(): void {
    this.#split.open(false);
    this.#host.update({ detailsOpen: false });
    this.#ask();
    this.#list.focus();
  }

  /** Escape goes one step back: closes the details, else clears the time range, else the selection. */
  #escaped(): void {
    if (this.#split.isOpen) this.#close();
    else if (this.#store.range !== null) {
      this.#overview.showRange(null);
      this.#setRange(null);
    } else {
      this.#list.select(null, 'none');
      this.#host.forget('selected');
      this.#host.send({ type: 'selected', id: null });
    }
  }

  #ask(): void {
    this.#asked.ask(this.#split.isOpen ? this.#list.selected : null, this.#details.revealing);
  }

  /** The selected call may have changed, or be gone. */
  #showSelected(): void {
    const id = this.#list.selected;
    if (id === null) return;
    const row = this.#store.get(id);
    if (row !== undefined) {
      if (this.#split.isOpen) this.#details.show(row);
    } else if (!this.#split.isOpen) {
      this.#list.select(null, 'none');
      this.#host.send({ type: 'selected', id: null });
    }
  }
}

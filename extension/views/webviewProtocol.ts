/**
 * Every message between the extension host and the panel's webview. The webview holds nothing that the host
 * cannot send again: on `ready` (first load, or shown again after having been hidden) the host sends `reset`
 * and then everything.
 */
import type { ExchangeJson, StreamMessageJson } from '../engine/exchangeJson.ts';
import type { ExchangeRow } from '../engine/row.ts';
import type { StoryMark, TraceStatus } from '../engine/traceStatus.ts';
import { isFilters } from '../filter/saved.ts';

/** Rows in one `rows` message at most: larger messages make the window stutter. */
export const MAX_ROWS_PER_MESSAGE = 2_000;

/** The only commands that the webview may execute. */
const PANEL_COMMANDS = [
  'start',
  'stop',
  'clear',
  'pickProcess',
  'manageTrust',
  'openTrace',
  'whyNothing',
] as const;
export type PanelCommand = (typeof PANEL_COMMANDS)[number];

export type ToWebview =
  /** Forget everything. */
  | { readonly type: 'reset' }
  /**
   * New and changed rows (same id replaces), and ids that were evicted. `left`: how many of very many rows, as when a
   * file is opened, follow in the next messages.
   */
  | {
      readonly type: 'rows';
      readonly rows: readonly ExchangeRow[];
      readonly removed: readonly number[];
      readonly left?: number;
    }
  | { readonly type: 'status'; readonly status: TraceStatus }
  /** What debugged programs printed, and their exceptions: all that are shown. */
  | { readonly type: 'marks'; readonly marks: readonly StoryMark[] }
  /**
   * Answer to `details`, and sent again when a shown exchange has changed. null: no longer held. Its
   * messages are cut to what a line shows; `message` requests one in full. `peer`: the call as the other side saw it.
   */
  | {
      readonly type: 'details';
      readonly id: number;
      readonly exchange: ExchangeJson | null;
      readonly peer?: ExchangeJson;
    }
  /** Answer to `message`. null: no longer held. */
  | {
      readonly type: 'message';
      readonly id: number;
      readonly number: number;
      readonly message: StreamMessageJson | null;
    }
  /**
   * Filter bits (see Filter) from the details of some calls, and how many of the requested calls are done.
   */
  | {
      readonly type: 'found';
      readonly search: number;
      readonly results: readonly (readonly [id: number, found: number])[];
      readonly done: number;
      readonly total: number;
    }
  /** Select, scroll into view and open the details ("Go to Call…", a tree row). */
  | { readonly type: 'reveal'; readonly id: number }
  /** Asks which calls are listed; `listed` answers. */
  | { readonly type: 'listed' }
  /** Add a term to the filter. */
  | { readonly type: 'narrow'; readonly term: string }
  /** Put the cursor into the filter. */
  | { readonly type: 'focusFilter' }
  /** The setting: both sides of a call are one row. */
  | { readonly type: 'joinBothEnds'; readonly joins: boolean }
  | { readonly type: 'nestCalls'; readonly nests: boolean }
  | { readonly type: 'savedFilters'; readonly filters: readonly string[] };

export type ToHost =
  | { readonly type: 'ready' }
  /** The details of this exchange are shown now; null: none are. `reveal`: with secrets unmasked. */
  | { readonly type: 'details'; readonly id: number | null; readonly reveal: boolean }
  /** One message of the exchange whose details are shown. */
  | { readonly type: 'message'; readonly id: number; readonly number: number }
  /** The call that is selected in the list; null: none is. */
  | { readonly type: 'selected'; readonly id: number | null }
  /**
   * Search the details of these calls for this filter line. Another number replaces a search; the same extends it.
   */
  | {
      readonly type: 'search';
      readonly search: number;
      readonly query: string;
      readonly ids: readonly number[];
    }
  /** The panel has gained or lost focus. */
  | { readonly type: 'focus'; readonly focused: boolean }
  /** Panel shown, but no part is visible. */
  | { readonly type: 'clipped' }
  /** The calls that the list has, in its order. */
  | { readonly type: 'listed'; readonly ids: readonly number[] }
  | { readonly type: 'command'; readonly command: PanelCommand }
  /** Dropped files, by their URIs. */
  | { readonly type: 'openUris'; readonly uris: readonly string[] }
  /** A dropped file's bytes; null: it is too large to pass on, or cannot be read. */
  | { readonly type: 'openFile'; readonly name: string; readonly bytes: Uint8Array | null }
  | { readonly type: 'copy'; readonly text: string }
  /** Changes the setting. */
  | { readonly type: 'joinBothEnds'; readonly joins: boolean }
  | { readonly type: 'nestCalls'; readonly nests: boolean }
  | { readonly type: 'savedFilters'; readonly filters: readonly string[] }
  /** Show the setting for the size of bodies. */
  | { readonly type: 'openBodyLimit' }
  /** Open the line that made a call: one of the frames of its stack, or null for the program's own. Never a path. */
  | { readonly type: 'openSource'; readonly id: number; readonly frame: number | null }
  /** Go to a mark's origin. */
  | { readonly type: 'openMoment'; readonly id: number }
  /** Open a body as a read-only document in an editor. */
  | { readonly type: 'openBody'; readonly id: number; readonly part: 'request' | 'response' };

/** True for a message that has the shape of {@link ToHost}. The webview shows hostile bytes; trust nothing. */
export function isToHost(value: unknown): value is ToHost {
  if (typeof value !== 'object' || value === null) return false;
  const message = value as Record<string, unknown>;
  switch (message['type']) {
    case 'ready':
    case 'clipped':
    case 'openBodyLimit':
      return true;
    case 'details':
      return (
        (message['id'] === null || Number.isSafeInteger(message['id'])) &&
        typeof message['reveal'] === 'boolean'
      );
    case 'selected':
      return message['id'] === null || Number.isSafeInteger(message['id']);
    case 'search':
      return (
        Number.isSafeInteger(message['search']) &&
        typeof message['query'] === 'string' &&
        Array.isArray(message['ids']) &&
        message['ids'].every((id) => Number.isSafeInteger(id))
      );
    case 'focus':
      return typeof message['focused'] === 'boolean';
    case 'joinBothEnds':
      return typeof message['joins'] === 'boolean';
    case 'nestCalls':
      return typeof message['nests'] === 'boolean';
    case 'savedFilters':
      return isFilters(message['filters']);
    case 'message':
      return Number.isSafeInteger(message['id']) && Number.isSafeInteger(message['number']);
    case 'listed':
      return Array.isArray(message['ids']) && message['ids'].every(Number.isSafeInteger);
    case 'command':
      return PANEL_COMMANDS.some((command) => command === message['command']);
    case 'copy':
      return typeof message['text'] === 'string';
    case 'openUris':
      return Array.isArray(message['uris']) && message['uris'].every((uri) => typeof uri === 'string');
    case 'openFile':
      return (
        typeof message['name'] === 'string' &&
        (message['bytes'] === null || message['bytes'] instanceof Uint8Array)
      );
    case 'openSource':
      return (
        Number.isSafeInteger(message['id']) &&
        (message['frame'] === null || Number.isSafeInteger(message['frame']))
      );
    case 'openMoment':
      return Number.isSafeInteger(message['id']);
    case 'openBody':
      return (
        Number.isSafeInteger(message['id']) &&
        (message['part'] === 'request' || message['part'] === 'response')
      );
    default:
      return false;
  }
}

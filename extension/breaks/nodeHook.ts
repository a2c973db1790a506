/**
 * Code evaluated in a Node program under js-debug. `nodeHook` is sent as text (`Function.toString`), so it is
 * self-contained. It keeps one object under a symbol of `globalThis`, and removes it at the end.
 */
import type { Condition, Field } from './condition.ts';

/** A break as hooks know it. */
export interface HookBreak {
  readonly id: number;
  readonly condition: Condition;
}

/** The call at which a hook has stopped, as the program describes it. */
export interface HookHit {
  readonly id: number;
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

/** The name of the function that stops: it shows that a stack belongs to a break. */
export const NODE_STOP = 'httpTraceBreak';

/** @returns what to evaluate to set these breaks, and no others; its value is '' or why they could not be set. */
export function nodeExpression(breaks: readonly HookBreak[], session: string): string {
  const given = JSON.stringify({ breaks, session: session.toLowerCase() });
  return `(${String(nodeHook)})(JSON.parse(${asciiString(given)}), typeof require === 'function' ? require : null)`;
}

/** What to evaluate after a stop; its value is JSON of a {@link HookHit}, or ''. */
export const NODE_HIT = `(() => { try { const k = Symbol.for('http-trace.breaks'); const s = globalThis[k]; const h = s && s.hit; if (s) { s.hit = null; if (s.breaks.length === 0) delete globalThis[k]; } return h ? JSON.stringify(h) : ''; } catch { return ''; } })()`;

/** An ASCII-only JavaScript literal that no content can end. */
export function asciiString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

type Listener = (message: never) => void;

interface Channels {
  channel(name: string): { subscribe(listener: Listener): void; unsubscribe(listener: Listener): void };
}

/** What a hook leaves in the program. */
interface HookState {
  breaks: readonly HookBreak[];
  hit: HookHit | null;
  readonly undo: (() => void)[];
  remove(): void;
}

interface HttpRequest {
  readonly method?: string;
  readonly protocol?: string;
  readonly host?: string;
  readonly path?: string;
  getHeader(name: string): unknown;
}

interface WrappedPrototype {
  _storeHeader?: (...rest: unknown[]) => unknown;
}

interface Undici {
  readonly request: { readonly method?: string; readonly origin?: unknown; readonly path?: string };
}

/** What is known of a call: method, scheme, host, path with its query. */
type Call = readonly [method: unknown, scheme: unknown, host: unknown, path: unknown];

/** Its errors do not reach the program. */
export function nodeHook(
  given: { readonly breaks: readonly HookBreak[]; readonly session: string },
  load: ((name: string) => unknown) | null,
): string {
  const KEY = Symbol.for('http-trace.breaks');
  const world = globalThis as unknown as Record<PropertyKey, HookState | undefined>;
  try {
    const existing = world[KEY];
    if (existing !== undefined && existing.breaks.length === 0) {
      // Removed while stopped at a break.
      delete world[KEY];
    } else if (existing !== undefined) {
      existing.breaks = given.breaks;
      if (given.breaks.length === 0) existing.remove();
      return '';
    }
    if (given.breaks.length === 0) return '';
    if (world['Deno'] !== undefined) return 'Deno does not report when a call is made';
    if (world['Bun'] !== undefined) return 'Bun does not report when a call is made';
    if (typeof process !== 'object' || process.versions?.node === undefined) return 'it is not Node.js';
    const get = (name: string): unknown =>
      typeof process.getBuiltinModule === 'function' ? process.getBuiltinModule(name) : load?.(name);
    const channels = get('diagnostics_channel') as Channels | null | undefined;
    if (channels === undefined || channels === null) return 'this Node.js has no diagnostics_channel';

    const has = (text: string, pieces: readonly string[]): boolean => {
      const first = pieces[0] as string;
      if (pieces.length === 1) return text === first;
      const last = pieces[pieces.length - 1] as string;
      const end = text.length - last.length;
      if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
      let at = first.length;
      for (let index = 1; index < pieces.length - 1; index++) {
        const piece = pieces[index] as string;
        const found = text.indexOf(piece, at);
        if (found < 0 || found + piece.length > end) return false;
        at = found + piece.length;
      }
      return true;
    };
    const holds = (condition: Condition, facts: Record<Field, string>): boolean => {
      if ('all' in condition) return condition.all.every((one) => holds(one, facts));
      if ('any' in condition) return condition.any.some((one) => holds(one, facts));
      if ('not' in condition) return !holds(condition.not, facts);
      return has(facts[condition.field], condition.pieces);
    };

    const state: HookState = {
      breaks: given.breaks,
      hit: null,
      undo: [],
      remove() {
        for (const undo of state.undo.splice(0)) {
          try {
            undo();
          } catch {
            // The rest is still removed.
          }
        }
        // Kept until a pending hit has been read.
        if (state.hit === null) delete world[KEY];
      },
    };
    Object.defineProperty(world, KEY, { value: state, configurable: true });
    const isWanted = ([method, scheme, host, path]: Call): boolean => {
      const call = { method: String(method), host: String(host), path: String(path) };
      const facts = {
        method: call.method.toLowerCase(),
        scheme: String(scheme).toLowerCase(),
        host: call.host.toLowerCase(),
        path: call.path.toLowerCase(),
        session: given.session,
        route: '',
        text: '',
      };
      const port = facts.scheme === 'https' ? ':443' : ':80';
      if (facts.host.endsWith(port)) facts.host = facts.host.slice(0, -port.length);
      facts.route = facts.path.split(/[?#]/, 1)[0] as string;
      facts.text = `${facts.method} ${facts.host}${facts.path}`;
      for (const one of state.breaks) {
        if (!holds(one.condition, facts)) continue;
        state.hit = { id: one.id, ...call };
        return true;
      }
      return false;
    };
    const hook = {
      /**
       * The top frame of a stop, recognised by this name: bundlers do not shorten property names.
       */
      httpTraceBreak(read: () => Call): void {
        let wanted = false;
        try {
          wanted = isWanted(read());
        } catch {
          // A call that cannot be read is not stopped.
        }
        // biome-ignore lint/suspicious/noDebugger: this is what the hook is for
        if (wanted) debugger;
      },
    };
    const listen = (name: string, listener: Listener): void => {
      const channel = channels.channel(name);
      channel.subscribe(listener);
      state.undo.push(() => channel.unsubscribe(listener));
    };

    const ofHttp = (request: HttpRequest): Call => [
      request.method,
      String(request.protocol ?? 'http:').slice(0, -1),
      request.getHeader('host') ?? request.host,
      request.path,
    ];
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    if (major > 23 || (major === 23 && minor >= 2) || (major === 22 && minor >= 12)) {
      listen('http.client.request.created', ({ request }: { readonly request: HttpRequest }) =>
        hook.httpTraceBreak(() => ofHttp(request)),
      );
    } else {
      // Releases without that channel: where the head is built, in the program's call.
      const { ClientRequest } = get('http') as { ClientRequest: { prototype: WrappedPrototype } };
      const original = ClientRequest.prototype._storeHeader;
      const own = Object.getOwnPropertyDescriptor(ClientRequest.prototype, '_storeHeader');
      const wrapped = function (this: HttpRequest, ...rest: unknown[]) {
        hook.httpTraceBreak(() => ofHttp(this));
        return original?.apply(this, rest);
      };
      ClientRequest.prototype._storeHeader = wrapped;
      state.undo.push(() => {
        if (ClientRequest.prototype._storeHeader !== wrapped) return;
        if (own === undefined) delete ClientRequest.prototype._storeHeader;
        else Object.defineProperty(ClientRequest.prototype, '_storeHeader', own);
      });
    }
    listen('undici:request:create', ({ request }: Undici) =>
      hook.httpTraceBreak(() => {
        const [scheme = '', host = ''] = String(request.origin).split('://');
        return [request.method, scheme, host, request.path];
      }),
    );
    listen('http2.client.stream.created', ({ headers }: { readonly headers: Record<string, unknown> }) =>
      hook.httpTraceBreak(() => [
        headers[':method'] ?? 'GET',
        headers[':scheme'] ?? 'https',
        headers[':authority'] ?? headers['host'] ?? '',
        headers[':path'] ?? '/',
      ]),
    );
    return '';
  } catch (error) {
    try {
      world[KEY]?.remove();
    } catch {
      // Then there is nothing to remove.
    }
    return `its hook failed: ${String((error as Error)?.message ?? error).slice(0, 200)}`;
  }
}

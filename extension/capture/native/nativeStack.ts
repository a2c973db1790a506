/** Which frames of a native program's stack are its author's. Pure. */

import type { NativeFrame } from './nativeLines.ts';

/** Functions that run event loops: libuv, libevent, GLib, libev, systemd. */
export const EVENT_LOOPS: ReadonlySet<string> = new Set([
  'uv_run',
  'event_base_loop',
  'g_main_context_iteration',
  'g_main_loop_run',
  'ev_run',
  'sd_event_run',
]);
export const EVENT_LOOP_PREFIXES = ['uv_run', 'event_base_loop', 'g_main_', 'ev_run', 'sd_event_run'];

/** Libraries of the system, whatever is known of their lines. */
const SYSTEM_LIBRARY = /^\/(?:usr\/)?lib(?:32|64|x32)?\/|^\/snap\/|^\/nix\/store\//;
/** Headers of the C and C++ libraries and of other libraries that are installed; Rust's library and crates of others. */
const OF_OTHERS = new RegExp(
  [
    '^/usr/(?:local/)?include/',
    '^/usr/lib/(?:gcc|llvm)',
    '/include/c\\+\\+/',
    '^/rustc/',
    '^/rust/deps/',
    '/lib/rustlib/src/',
    '/\\.cargo/(?:registry|git)/',
    '/registry/src/[^/]+/',
    '(?:^|/)vendor/[^/]+/.*\\.rs$',
    '/_deps/[^/]+-src/',
    '/third[_-]party/',
    '/vcpkg(?:_installed)?/',
    '/\\.conan2?/',
    '(?:^|/)<[^/]*>$',
  ].join('|'),
);
/** Runs what was handed over to it: tokio's tasks (crates tokio, async-executor), Boost.Asio's handlers. */
const RUNS_TASKS =
  /\/tokio-\d[^/]*\/src\/runtime\/task\/|\/async-(?:executor|task)-\d[^/]*\/|\/asio\/(?:detail\/)?(?:impl\/)?(?:scheduler|io_context)/;

export function isSystemLibrary(path: string): boolean {
  return SYSTEM_LIBRARY.test(path);
}

/** What is said of one address. */
export interface ModuleFrames {
  readonly frames: readonly NativeFrame[];
  /** Nothing that was compiled into the function is missing. */
  readonly certain: boolean;
  /** The function runs an event loop: what it calls was not asked for by its callers. */
  readonly loop: boolean;
}

/** One call of the stack. */
export interface NativeCall extends ModuleFrames {
  /** The file that has its code. */
  readonly module: string;
}

export interface NativeStack {
  /** From the innermost frame of the program's own to the outermost one. */
  readonly frames: readonly NativeFrame[];
  /** null: there is none, or it is not certain. */
  readonly own: NativeFrame | null;
}

const NOTHING: NativeStack = { frames: [], own: null };

/** @param calls innermost first */
export function nativeStack(calls: readonly NativeCall[]): NativeStack {
  const frames: NativeFrame[] = [];
  let own: NativeFrame | null = null;
  let last = 0;
  for (const { module, frames: inner, certain, loop } of calls) {
    if (own === null && loop) return NOTHING;
    if (isSystemLibrary(module)) continue;
    for (const frame of inner) {
      const others = OF_OTHERS.test(frame.path);
      if (own === null && RUNS_TASKS.test(frame.path)) return NOTHING;
      if (own === null && others) continue;
      own ??= frame;
      frames.push(frame);
      if (!others) last = frames.length;
    }
    // The caller's own line may be one that something of others was compiled into.
    if (own === null && !certain) return NOTHING;
  }
  return own === null ? NOTHING : { frames: frames.slice(0, last), own };
}

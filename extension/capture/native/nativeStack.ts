/** Finds the frames of a native program's stack that are the author's own code. Pure. */

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

/** System libraries, even if their lines are known. */
const SYSTEM_LIBRARY = /^\/(?:usr\/)?lib(?:32|64|x32)?\/|^\/snap\/|^\/nix\/store\//;
/** Installed headers of C and C++ libraries; Rust's standard library and third-party crates. */
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
/** Functions that run queued tasks: those of tokio and async-executor, and Boost.Asio's handlers. */
const RUNS_TASKS =
  /\/tokio-\d[^/]*\/src\/runtime\/task\/|\/async-(?:executor|task)-\d[^/]*\/|\/asio\/(?:detail\/)?(?:impl\/)?(?:scheduler|io_context)/;

export function isSystemLibrary(path: string): boolean {
  return SYSTEM_LIBRARY.test(path);
}

/** What is known of one address. */
export interface ModuleFrames {
  readonly frames: readonly NativeFrame[];
  /** All inlined frames are known. */
  readonly certain: boolean;
  /** The function runs an event loop: its callers did not cause what it calls. */
  readonly loop: boolean;
}

/** One call of the stack. */
export interface NativeCall extends ModuleFrames {
  /** The file that has its code. */
  readonly module: string;
}

export interface NativeStack {
  /** From the program's innermost own frame to its outermost. */
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
    // The caller's line may be inside library code that was inlined.
    if (own === null && !certain) return NOTHING;
  }
  return own === null ? NOTHING : { frames: frames.slice(0, last), own };
}

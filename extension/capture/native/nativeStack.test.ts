import { describe, expect, it } from 'vitest';
import { type NativeCall, nativeStack } from './nativeStack.ts';

function call(
  paths: readonly string[],
  { module = '/home/me/shop', certain = true, loop = false } = {},
): NativeCall {
  return {
    module,
    certain,
    loop,
    frames: paths.map((path, index) => ({ path, line: index + 1, function: '' })),
  };
}

function own(...calls: NativeCall[]): string | null {
  return nativeStack(calls).own?.path ?? null;
}

const LIBC = call([], { module: '/usr/lib/x86_64-linux-gnu/libc.so.6' });
const MAIN = call(['/home/me/main.c']);

describe('which frame is the program’s own', () => {
  it('the innermost that is of no library', () => {
    expect(own(LIBC, call(['/home/me/pay.c']), MAIN)).toBe('/home/me/pay.c');
    expect(own(LIBC, call(['/usr/include/c++/12/bits/stl_algo.h', '/home/me/pay.cpp']), MAIN)).toBe(
      '/home/me/pay.cpp',
    );
    for (const path of [
      '/rustc/59807616e1fa/library/std/src/io/mod.rs',
      '/home/me/.rustup/toolchains/stable/lib/rustlib/src/rust/library/core/src/ptr.rs',
      '/home/me/.cargo/registry/src/index.crates.io-1/ureq-2.9/src/unit.rs',
      '/home/me/shop/vendor/ureq/src/unit.rs',
      '/home/me/build/_deps/curl-src/lib/easy.c',
      '/usr/local/include/httplib.h',
      '/home/me/<artificial>',
    ])
      expect(own(call([path]), MAIN), path).toBe('/home/me/main.c');
    expect(own(call(['/home/me/vendor/pay.c']), MAIN)).toBe('/home/me/vendor/pay.c');
  });

  it('not of a library of the system, even where its lines are known', () => {
    expect(own(call(['/build/glibc/socket/send.c'], { module: LIBC.module }), MAIN)).toBe('/home/me/main.c');
  });

  it('none if inlined frames are not known', () => {
    expect(own(call(['/usr/include/c++/12/bits/stl_algo.h'], { certain: false }), MAIN)).toBeNull();
    expect(own(call([], { certain: false }), MAIN)).toBeNull();
    expect(own(call(['/home/me/pay.c'], { certain: false }), MAIN)).toBe('/home/me/pay.c');
  });

  it('none if an event loop or a runtime sends a request that other code has queued', () => {
    expect(own(LIBC, call([], { module: '/usr/lib/libuv.so.1', loop: true }), MAIN)).toBeNull();
    expect(own(call(['/home/me/handler.c']), call([], { loop: true }), MAIN)).toBe('/home/me/handler.c');
    const task = call(['/home/me/.cargo/registry/src/i/tokio-1.38.0/src/runtime/task/core.rs']);
    expect(own(task, MAIN)).toBeNull();
    expect(own(call(['/home/me/shop.rs']), task, MAIN)).toBe('/home/me/shop.rs');
  });

  it('the stack goes from it to the outermost frame of the program', () => {
    const { frames } = nativeStack([
      LIBC,
      call(['/usr/include/inner.h', '/home/me/pay.c']),
      call(['/usr/include/between.h']),
      MAIN,
      call(['/usr/include/start.h']),
    ]);
    expect(frames.map(({ path }) => path)).toEqual([
      '/home/me/pay.c',
      '/usr/include/between.h',
      '/home/me/main.c',
    ]);
  });
});

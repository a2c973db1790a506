import { expect, it } from 'vitest';
import type { GoFrame } from './goLines.ts';
import { goStack } from './goStack.ts';

/** `function path:line`, innermost first. */
function frames(text: string): GoFrame[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', place = ''] = line.trim().split(' ');
      const [path = '', number = ''] = place.split(':');
      return { function: name, path, line: Number(number) };
    });
}

const own = (text: string) => {
  const found = goStack(frames(text)).own;
  return found === null ? null : `${found.path}:${found.line}`;
};

it('takes the first frame outside of the standard library, wherever that was installed', () => {
  const stack = (root: string, program: string) => `
    net/http.(*Transport).roundTrip ${root}net/http/transport.go:600
    net/http.(*Client).Do ${root}net/http/client.go:581
    main.pay ${program}pay.go:12
    sync.(*Once).Do ${root}sync/once.go:74
    main.main ${program}main.go:9
    runtime.main ${root}runtime/proc.go:250`;
  expect(own(stack('/usr/lib/go-1.19/src/', '/home/me/shop/'))).toBe('/home/me/shop/pay.go:12');
  expect(own(stack('/home/me/go/pkg/mod/golang.org/toolchain@v0.0.1-go1.22.0/src/', '/home/me/shop/'))).toBe(
    '/home/me/shop/pay.go:12',
  );
  expect(own(stack('', 'example.com/shop/'))).toBe('example.com/shop/pay.go:12');
  expect(own(stack('', './'))).toBe('./pay.go:12');
  expect(goStack(frames(stack('/go/src/', '/shop/'))).frames.map(({ line }) => line)).toEqual([12, 74, 9]);
});

it('skips third-party modules', () => {
  const stack = (module: string) => `
    net/http.(*Client).Do /go/src/net/http/client.go:581
    github.com/a/b.(*Client).Get ${module}client.go:5
    main.main /shop/main.go:9`;
  for (const module of [
    '/home/me/go/pkg/mod/github.com/a/b@v1.2.3/',
    'github.com/a/b@v1.2.3/',
    '/shop/vendor/github.com/a/b/',
  ])
    expect(own(stack(module))).toBe('/shop/main.go:9');
});

const SENT = `
  net/http.(*Transport).roundTrip /go/src/net/http/transport.go:600
  net/http.(*Transport).RoundTrip /go/src/net/http/roundtrip.go:17`;
const CLIENT = `
  net/http.send /go/src/net/http/client.go:251
  net/http.(*Client).Do /go/src/net/http/client.go:581`;

it('skips a RoundTripper of the program, unless the program called it or it makes a call of its own', () => {
  const logged = '\nmain.logged.RoundTrip /shop/log.go:7';
  expect(own(`${SENT}${logged}${CLIENT}\nmain.pay /shop/pay.go:12`)).toBe('/shop/pay.go:12');
  expect(own(`${SENT}${logged}\nmain.pay /shop/pay.go:12`)).toBe('/shop/log.go:7');
  expect(own(`${SENT}${CLIENT}${logged}${CLIENT}\nmain.pay /shop/pay.go:12`)).toBe('/shop/log.go:7');
});

it('names none if the standard library is not known, or the stack has nothing else', () => {
  expect(own('main.pay /shop/pay.go:12')).toBeNull();
  expect(own(SENT)).toBeNull();
  // Files that are not named as the package is.
  expect(own('net/http.send /elsewhere/a.go:1\nmain.pay /shop/pay.go:12')).toBeNull();
});

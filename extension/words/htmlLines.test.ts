import { describe, expect, it } from 'vitest';
import type { CodeLine } from './codeLines.ts';
import { htmlLines } from './htmlLines.ts';

const shown = (lines: readonly CodeLine[]): string =>
  lines
    .map(
      ({ indent, pieces, verbatim }) =>
        `${verbatim === true ? '' : '  '.repeat(indent)}${pieces.map(({ text }) => text).join('')}\n`,
    )
    .join('');

describe('HTML', () => {
  it('has a block a line, and texts with what is in them in one', () => {
    const page =
      '<!doctype html><html lang=en><head><meta charset="utf-8"><title>Shop &amp; more</title><style>a{b:c}</style>' +
      '<script>let a=1;let b="</p>"</script><script type="application/ld+json">{"a":[1]}</script></head>\n<body>' +
      '<h1>Hello,  <b>you</b>\n there</h1><ul><li>One<li>Two <a href="/x">x</a>.</ul><p>A<br>b<div><p>c</div>' +
      '<!-- end --><img src=a><input value="a>b"></body></html>';
    expect(shown(htmlLines(page))).toBe(`<!doctype html>
<html lang=en>
  <head>
    <meta charset="utf-8">
    <title>Shop &amp; more</title>
    <style>
      a {
        b: c
      }
    </style>
    <script>
      let a = 1;
      let b = "</p>"
    </script>
    <script type="application/ld+json">
      {
        "a": [
          1
        ]
      }
    </script>
  </head>
  <body>
    <h1>Hello, <b>you</b> there</h1>
    <ul>
      <li>One
      <li>Two <a href="/x">x</a>.
    </ul>
    <p>A<br>b
    <div>
      <p>c
    </div>
    <!-- end -->
    <img src=a><input value="a>b">
  </body>
</html>
`);
  });

  it('leaves white space that is shown', () => {
    const page = '<div><pre>\n a\n  <b>b</b>\n</pre><textarea>\n x </textarea></div>';
    expect(shown(htmlLines(page))).toBe(
      '<div>\n  <pre>\n a\n  <b>b</b>\n</pre>\n  <textarea>\n x </textarea>\n</div>\n',
    );
    expect(shown(htmlLines('<p title="a\n   b">c</p>'))).toBe('<p title="a\n   b">c</p>\n');
  });

  it('lays out what is not well-formed as far as it goes', () => {
    expect(shown(htmlLines('</div><p>a</i></section>b<div'))).toBe(
      '</div>\n<p>a</i>\n  </section>\n  b\n<div\n',
    );
    expect(shown(htmlLines('<return"\n'))).toBe('<return"\n');
    expect(shown(htmlLines('a < b'))).toBe('a < b\n');
    expect(shown(htmlLines('<script>if(a<b'))).toBe('<script>\n  if (a < b\n');
    expect(htmlLines('')).toEqual([]);
  });
});

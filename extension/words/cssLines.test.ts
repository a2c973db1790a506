import { describe, expect, it } from 'vitest';
import type { CodeLine } from './codeLines.ts';
import { cssLines } from './cssLines.ts';

const shown = (lines: readonly CodeLine[]): string[] =>
  lines.map(({ indent, pieces }) => '  '.repeat(indent) + pieces.map(({ text }) => text).join(''));

describe('CSS', () => {
  it('has a selector, a declaration and a brace a line', () => {
    expect(
      shown(cssLines('a,b>c:hover{color:red;margin:0 auto!important}@media (max-width:600px){a{top:0}}')),
    ).toEqual([
      'a,',
      'b>c:hover {',
      '  color: red;',
      '  margin: 0 auto !important',
      '}',
      '@media (max-width:600px) {',
      '  a {',
      '    top: 0',
      '  }',
      '}',
    ]);
  });

  it('what is in strings, addresses and comments is left as it is', () => {
    const text =
      '/* a{b:c} */a::before{content:"};{";background:url(data:image/png;base64,AA{==) no-repeat/* x;y */;color:#fff}';
    expect(shown(cssLines(text))).toEqual([
      '/* a{b:c} */',
      'a::before {',
      '  content: "};{";',
      '  background: url(data:image/png;base64,AA{==) no-repeat/* x;y */;',
      '  color: #fff',
      '}',
    ]);
  });

  it('commas in parentheses part no selectors, and those in values stay in the line', () => {
    expect(shown(cssLines('a:is(b,i),u{font:1px a,b;transform:translate(1px,2px)}'))).toEqual([
      'a:is(b, i),',
      'u {',
      '  font: 1px a, b;',
      '  transform: translate(1px, 2px)',
      '}',
    ]);
  });

  it('a beginning is laid out as far as it goes, and what is wrong stays', () => {
    expect(shown(cssLines('a{b:"c'))).toEqual(['a {', '  b: "c']);
    expect(shown(cssLines('}}a{b:c'))).toEqual(['}', '}', 'a {', '  b: c']);
    expect(cssLines('')).toEqual([]);
  });

  it('colours names, values and rules', () => {
    const pieces = cssLines('@media print{a{width:12px;x:"s"}}').flatMap((line) => line.pieces);
    expect(pieces).toContainEqual({ kind: 'literal', text: '@media' });
    expect(pieces).toContainEqual({ kind: 'attribute', text: 'width' });
    expect(pieces).toContainEqual({ kind: 'number', text: '12px' });
    expect(pieces).toContainEqual({ kind: 'string', text: '"s"' });
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import type { CodeLine } from './codeLines.ts';
import { indentation } from './laidOut.ts';
import { scriptLines } from './scriptLines.ts';

const shown = (lines: readonly CodeLine[]): string =>
  lines.map((line) => `${indentation(line)}${line.pieces.map(({ text }) => text).join('')}\n`).join('');

describe('JavaScript', () => {
  it('of a bundle has a statement a line', () => {
    const bundle =
      '!function(e,t){"use strict";var n=1,r=/[/"]+/g,o={a:1,b:[1,2]};if(e>t){return n?-r:+o}else for(var i=0;i<3;i++)t(i);' +
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what is laid out.
      'switch(e){case 1:x();break;default:y()}try{z()}catch(e){}var f=async(a,...b)=>{await a;return`${a}:{${b}}`};' +
      'e.exports=class A extends B{constructor(){super();this.x=a/b/c}}}(window,document);';
    expect(shown(scriptLines(bundle))).toBe(`!function(e, t) {
  "use strict";
  var n = 1,
    r = /[/"]+/g,
    o = { a: 1, b: [1, 2] };
  if (e > t) {
    return n ? -r : +o
  } else for (var i = 0; i < 3; i++) t(i);
  switch (e) {
    case 1:
      x();
      break;
    default:
      y()
  }
  try {
    z()
  } catch (e) {}
  var f = async (a, ...b) => {
    await a;
    return \`\${a}:{\${b}}\`
  };
  e.exports = class A extends B {
    constructor() {
      super();
      this.x = a / b / c
    }
  }
}(window, document);
`);
  });

  it('means the same when it is laid out', () => {
    for (const file of ['callList.ts', 'filterInput.ts', 'details/messages.ts', 'details/cookies.ts']) {
      const source = readFileSync(join(import.meta.dirname, '../webview', file), 'utf8');
      for (const minify of [true, false]) {
        const script = transformSync(source, { loader: 'ts', minify }).code;
        const laidOut = shown(scriptLines(script));
        expect(laidOut.split('\n').length).toBeGreaterThan(50);
        expect(transformSync(laidOut, { minify: true }).code).toBe(
          transformSync(script, { minify: true }).code,
        );
      }
    }
  });

  it('keeps the white space of templates, and the order of comments', () => {
    expect(shown(scriptLines('f(`a\n  b\n`)//c\n/* d\n    e */g()'))).toBe(
      'f(`a\n  b\n`) //c\n/* d\ne */ g()\n',
    );
  });
});

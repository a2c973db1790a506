/** What must hold of every layout of code: nothing but white space is changed, whatever the text, in time that is linear. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import { cpuTime } from '../engine/testing/cpuTime.ts';
import type { CodeLine } from './codeLines.ts';
import { cssLines } from './cssLines.ts';
import { htmlLines } from './htmlLines.ts';
import { MAX_INDENT } from './jsonLines.ts';
import { scriptLines } from './scriptLines.ts';

const PARTS =
  '{ } ( ) [ ] ; , : . ? => = + ++ - -- / // /* */ * ! " \' ` ${ \\ \n \r\n # @ < > <!-- --> <a <div> </div> <p> <pre> ' +
  '</pre> <li> </li> <b> </b> <br> <script> </script> <style> </style> <textarea> </textarea> <title> </title> ' +
  '<script type=json> type= a b1 0x1f 1e+5 .5 for if else switch case default return function class url( !important é \u2028';
const text = fc
  .array(fc.oneof(fc.constantFrom(...PARTS.split(' '), ' '), fc.string({ maxLength: 3 })), { maxLength: 60 })
  .map((parts) => parts.join(''));

/** What could be read again and again: what opens and does not end, what ends nothing, and what may be several things. */
const HOSTILE =
  '{ } ( [ ; , ? / /* =/ =/[ ` ${ `${ {a: {a,b,c,d,e,f,g, " \' \\ < <!-- </ <a_b=" <a_ <div> </div> <p> <pre> <script> </script> url(a a:b, #'
    .split(' ')
    .map((part) => part.replace('_', ' '));

const written = (lines: readonly CodeLine[]): string =>
  lines.map(({ pieces }) => pieces.map((piece) => piece.text).join('')).join('');
const withoutSpace = (given: string): string => given.replace(/\s+/g, '');

describe.each([
  ['HTML', htmlLines],
  ['CSS', cssLines],
  ['JavaScript', scriptLines],
] as const)('%s', (_, layOut) => {
  it('changes nothing but white space', () => {
    fc.assert(
      fc.property(text, (given) => {
        const lines = layOut(given);
        expect(withoutSpace(written(lines))).toBe(withoutSpace(given));
        for (const { indent, pieces } of lines) {
          expect(indent).toBeGreaterThanOrEqual(0);
          expect(indent).toBeLessThanOrEqual(MAX_INDENT);
          for (const piece of pieces) expect(piece.text).not.toContain('\n');
        }
      }),
      { numRuns: runs(2_000) },
    );
  });

  it('takes time that is linear', () => {
    for (const part of HOSTILE) {
      const took = cpuTime(() => {
        layOut(part.repeat(64_000 / part.length));
      });
      expect(took, part).toBeLessThan(1_000);
    }
  });
});

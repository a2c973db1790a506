import { expect, it } from 'vitest';
import { cpuTime } from '../engine/testing/cpuTime.ts';
import { type XmlLine, xmlLines } from './xmlLines.ts';

const shown = (lines: readonly XmlLine[] | null): string | null =>
  lines === null
    ? null
    : lines
        .map(({ indent, pieces }) => '  '.repeat(indent) + pieces.map(({ text }) => text).join(''))
        .join('\n');

it('lays elements out, text beside its tags', () => {
  const text =
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a x="1"\n  y=\'2\'><b>text</b><c/><d> <e>f</e> tail <![CDATA[g<h]]></d><!-- i --></a>';
  expect(shown(xmlLines(text))).toBe(
    [
      '<?xml version="1.0"?>',
      '<!DOCTYPE a [<!ENTITY b "c">]>',
      '<a x="1" y=\'2\'>',
      '  <b>text</b>',
      '  <c/>',
      '  <d>',
      '    <e>f</e>',
      '    tail',
      '    <![CDATA[g<h]]>',
      '  </d>',
      '  <!-- i -->',
      '</a>',
    ].join('\n'),
  );
  const tag = xmlLines('<a x="1"/>')?.[0]?.pieces.map(({ kind, text: part }) => `${kind} ${part}`);
  expect(tag).toEqual(['tag <a ', 'attribute x', 'tag =', 'string "1"', 'tag />']);
});

it('goes as far as a beginning does', () => {
  expect(shown(xmlLines('<a><b>te'))).toBe('<a>\n  <b>te');
  expect(shown(xmlLines('<a><b c="d'))).toBe('<a>\n  <b c="d');
  expect(shown(xmlLines('<a><!-- b'))).toBe('<a>\n  <!-- b');
});

it('refuses what is not well-formed', () => {
  for (const text of ['a', '<a></b>', '</a>', '<a>1 < 2</a>', '{"a":1}', 'text <a/>']) {
    expect(xmlLines(text), text).toBeNull();
  }
});

it('takes time that is linear', () => {
  for (const part of [
    '<a>',
    '<a b="',
    '<!--',
    '<![CDATA[',
    '<!',
    '<!DOCTYPE "',
    "<a '",
    '<?',
    '<a b=c ',
    '<a/>',
  ]) {
    const took = cpuTime(() => {
      xmlLines(part.repeat(256_000 / part.length));
    });
    expect(took, part).toBeLessThan(2_000);
  }
});

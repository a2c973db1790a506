import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuTime, QUADRATIC } from '../engine/testing/cpuTime.ts';
import { maskBody } from './maskBody.ts';
import { maskXml } from './maskXml.ts';
import { MASK } from './secrets.ts';

const XML = { essence: 'application/xml', boundary: null };

describe('XML', () => {
  it.each([
    ['<a><password>hunter2</password><b>kept</b></a>', `<a><password>${MASK}</password><b>kept</b></a>`],
    ['<a password="hunter2" b=\'c\'/>', `<a password="${MASK}" b='c'/>`],
    ['<a client_secret = \'x>y\' b="c">d</a>', `<a client_secret = '${MASK}' b="c">d</a>`],
    ['<w:Password Type="t">x</w:Password>', `<w:Password Type="t">${MASK}</w:Password>`],
    ['<a ns:token="x"/>', `<a ns:token="${MASK}"/>`],
    ['<token><![CDATA[a<b]]></token><c>d</c>', `<token><![CDATA[${MASK}]]></token><c>d</c>`],
    [
      '<secret><b c="d">e</b>\n<f>g</f></secret>h',
      `<secret><b c="${MASK}">${MASK}</b>\n<f>${MASK}</f></secret>h`,
    ],
    ['<token><token>a</token>b</token>c', `<token><token>${MASK}</token>${MASK}</token>c`],
    ['<add key="Token" value="x"/>', `<add key="Token" value="${MASK}"/>`],
    [
      '<add value="x" ref="?sig=1" key="api_key"/>',
      `<add value="${MASK}" ref="?sig=${MASK}" key="api_key"/>`,
    ],
    ['<param name="pwd">x</param>', `<param name="pwd">${MASK}</param>`],
    ['<password/>x<password></password>y<password> </password>', null],
    ['<a>http://u:p@h/?token=x</a>', `<a>http://${MASK}@h/?token=${MASK}</a>`],
    ['<!-- <password>x</password> --><?php $a ?><!DOCTYPE a [<!ENTITY b "c">]>', null],
    ['<passwords>many</passwords><pass word="x">y</pass>', null],
    ['<password>cut', `<password>${MASK}`],
    ['<password a="cut', `<password a="cut`],
    ['<a token="cut', `<a token="${MASK}`],
    ['<a><b>1 < 2 & 3 > 2</b></a>', null],
  ])('%s', (text, expected) => {
    expect(maskBody(text, XML)).toBe(expected ?? text);
  });

  it('is known by its type or its beginning', () => {
    const text = '<?xml version="1.0"?><password>x</password>';
    for (const essence of ['text/xml', 'application/soap+xml', '', 'text/plain']) {
      expect(maskBody(text, { essence, boundary: null }), essence).not.toContain('>x<');
    }
    expect(maskBody('<soap:Envelope><pin>1</pin>', { essence: '', boundary: null })).not.toContain('>1<');
  });
});

it('in HTML only attributes count: its elements have names of their own', () => {
  const html = { essence: 'text/html', boundary: null };
  const text = '<code>x</code><input type=password name=password value=hunter2><a href="/?token=x&b=c">t</a>';
  expect(maskBody(text, html)).toBe(
    `<code>x</code><input type=password name=password value=${MASK}><a href="/?token=${MASK}&b=c">t</a>`,
  );
  expect(maskBody('<meta name="csrf-token" content="x">', html)).toBe(
    `<meta name="csrf-token" content="${MASK}">`,
  );
});

describe('any markup', () => {
  const piece = fc.constantFrom(
    ...[
      '<',
      '>',
      '</',
      '/>',
      '"',
      "'",
      '=',
      ' ',
      'a',
      'password',
      '<password>',
      '</password>',
      '<!--',
      '-->',
    ],
    ...['<![CDATA[', ']]>', '<?', '?>', 'name="token" ', 'value="', 'SECRET', '\n'],
  );

  it('keeps all that is not masked, and a secret element never shows what it holds', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('');
        const kept = maskXml(text, false).split(MASK);
        // What is left stands in the text in this order.
        let at = 0;
        for (const part of kept) {
          const found = text.indexOf(part, at);
          expect(found).toBeGreaterThanOrEqual(0);
          at = found + part.length;
        }
      }),
    );
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom('<b>', '</b>', '<c d="SECRET"/>', 'SECRET', ' ', '<password>SECRET</password>'),
        ),
        (inner) => {
          expect(maskXml(`<a><password>${inner.join('')}</password></a>`, false)).not.toContain('SECRET');
        },
      ),
    );
  });

  it('takes time that is linear', () => {
    for (const part of [
      '<',
      '<a',
      '<password>',
      '</b>',
      '<a b="',
      "<a '",
      '<!--',
      '<![CDATA[',
      '<a b=c ',
      '&',
      '<?',
    ]) {
      const took = cpuTime(() => {
        maskXml(`<token>${part.repeat(500_000 / part.length)}`, false);
      });
      expect(took, part).toBeLessThan(QUADRATIC);
    }
  });
});

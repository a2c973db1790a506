import { expect, it } from 'vitest';
import { call, exchangeOf, message } from '../../../test/webview/harness/calls.ts';
import { MASK } from '../../privacy/secrets.ts';
import { isMasked } from './masked.ts';

const plain = { request: message(), response: null };

it('finds a masked secret wherever one can be', () => {
  const row = call({});
  const masked = [
    { url: `http://h/?token=${MASK}` },
    { url: `http://h/?token=${encodeURIComponent(MASK)}` },
    { request: message({ headers: [['Cookie', MASK]] }) },
    { response: message({ trailers: [['x-token', `Bearer ${MASK}`]] }) },
    { response: message({ body: { text: `{"otp":"${MASK}"}` } }) },
    { interim: [{ status: 103, statusText: '', headers: [['Set-Cookie', MASK]] as const }] },
  ];
  for (const change of masked) expect(isMasked(exchangeOf(row, { ...plain, ...change }))).toBe(true);
  expect(isMasked(exchangeOf(row, plain))).toBe(false);
  expect(isMasked(exchangeOf(row, { ...plain, response: message({ body: { base64: 'AA==' } }) }))).toBe(
    false,
  );
});

/** Name lookups with every way to send and receive, on each backend. */
import { same } from '../kit/check.ts';
import type { Scenario } from './scenarios.ts';

const NOT_FOUND = 'name lookup failed: the name does not exist (NXDOMAIN from 127.0.0.1:53)';

/** Answered with NXDOMAIN. With `sendmmsg` three are asked for at once, and at least one answer is received. */
const WAYS = ['write', 'writev', 'send', 'sendmsg', 'sendto', 'tcp'];

export const names: Scenario = {
  name: 'names, in every way to send and receive',
  command: ({ peer }, id) => `${peer} names id=${id}`,
  check({ id }, { exchanges }) {
    const reasons = new Map(
      exchanges
        .filter(({ lookup }) => lookup?.name.endsWith(`.${id}.test`))
        .map(({ lookup, failure }) => [lookup?.name.split('.')[0] ?? '', failure?.reason]),
    );
    for (const way of WAYS) same(`the lookup by ${way}`, reasons.get(way), NOT_FOUND);
    same(
      'the one without an answer',
      reasons.get('silent'),
      'name lookup failed: no answer from 127.0.0.1:53 (1 query)',
    );
    const together = [0, 1, 2].map((i) => reasons.get(`sendmmsg${i}`));
    same('sent by one call', together.filter((reason) => reason !== undefined).length, 3);
    same('received by one call', together.includes(NOT_FOUND), true);
    same('lookups', reasons.size, WAYS.length + 1 + 3);
    return undefined;
  },
};

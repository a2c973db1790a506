/**
 * Conversations by whose beginning it is decided what a connection carries: odd requests, protocols of proxies around
 * HTTP, and other protocols.
 */
import { Ending, WireProtocol } from '../record.ts';
import type { Golden } from './golden.ts';
import type { Step } from './records.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const BAD = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad';
const BAD_END = '→ 400 [complete] res 3 "bad"';
const GET_OK = 'GET http://a/ → 200 [complete] res 2 "ok"';
const RULE_3_2 =
  '!request RFC 9112 section 3.2: The request target has none of the four forms: path, URI, authority or asterisk.';
const CASE =
  '!request RFC 9110 section 9.1: Methods are case-sensitive: this one differs from a registered method only in case.';
const NOT_HTTP = '!response RFC 9112 section 4: The answer is not HTTP';
const REFUSED =
  '!request RFC 9113 section 3.4: The server did not respond with HTTP/2: this port does not support it.';

function undecided(name: string, steps: readonly Step[], expected: readonly string[]): Golden[] {
  const options = { protocol: WireProtocol.Undecided };
  const server = steps.map((step): Step => {
    if ('out' in step) return { in: step.out };
    if ('in' in step) return { out: step.in };
    if ('end' in step) return { end: step.end === 'in' ? 'out' : 'in', ending: step.ending };
    return step;
  });
  return [
    { name: `${name}, client`, steps, options, expected },
    { name: `${name}, server`, steps: server, options: { ...options, side: 'server' }, expected },
  ];
}

function odd(line: string, expected: string): Golden[] {
  const steps = [{ out: `${line}\r\nHost: a\r\n\r\n` }, { in: BAD }];
  return undecided(`beginning: ${JSON.stringify(line)}`, steps, [expected]);
}

/** The other server's answer is read up to the end of its direction. */
function toOther(name: string, before: readonly Step[], answer: string, expected: string): Golden[] {
  const steps = [...before, { out: GET }, { in: answer }, { end: 'in', ending: Ending.Fin } as const];
  return undecided(`beginning: HTTP to ${name}`, steps, [expected]);
}

function foreign(name: string, steps: readonly Step[]): Golden[] {
  return undecided(`beginning: no HTTP, ${name}`, [...steps, { close: true }], []);
}

const V2 = '\r\n\r\n\0\r\nQUIT\n';
const SOCKS5_REPLY = '\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90';
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';

function proxied(name: string, before: readonly Step[]): Golden[] {
  return undecided(`beginning: ${name}`, [...before, { out: GET }, { in: OK }], [GET_OK]);
}

const lines = Array.from({ length: 5 }, (_, i) => `GET /part${i} HTTP/1.1\r\nHost: inner\r\n\r\n`);

export const GOLDEN_BEGINNINGS: readonly Golden[] = [
  ...odd('get /x HTTP/1.1', `get http://a/x ${BAD_END} ${CASE}`),
  ...odd('patch /x HTTP/1.1', `patch http://a/x ${BAD_END} ${CASE}`),
  ...odd('FOO.BAR /x HTTP/1.1', `FOO.BAR http://a/x ${BAD_END}`),
  ...odd('GET index.html HTTP/1.1', `GET http://a/index.html ${BAD_END} ${RULE_3_2}`),
  ...odd('GET ?q=1 HTTP/1.1', `GET http://a/?q=1 ${BAD_END} ${RULE_3_2}`),
  ...odd('GET ftp://h/f HTTP/1.1', `GET ftp://h/f ${BAD_END}`),
  ...odd('\r\nGET /x HTTP/1.1', `GET http://a/x ${BAD_END}`),
  ...odd(
    ' GET /x HTTP/1.1',
    `GET http://a/x ${BAD_END} !request RFC 9112 section 3: White space precedes the request line; it is skipped.`,
  ),
  ...odd(
    'GET /x',
    `GET http://a/x ${BAD_END} !request RFC 9112 section 2.3: The request line names no HTTP version; it is read as HTTP/0.9 with fields.`,
  ),
  ...undecided(
    'beginning: shoutcast',
    [
      { out: 'GET /stream HTTP/1.0\r\n\r\n' },
      { in: 'ICY 200 OK\r\nicy-name: x\r\n\r\nmp3' },
      { end: 'in', ending: Ending.Fin },
    ],
    [
      'GET http://10.0.0.9:80/stream → 200 [complete] res 3 "mp3" !response RFC 9112 section 2.3: The HTTP version is not written as HTTP/DIGIT.DIGIT or is not a version of HTTP/1.',
    ],
  ).map((golden) => ({
    ...golden,
    options:
      golden.options?.side === 'server'
        ? { ...golden.options, local: '10.0.0.9:80' }
        : { ...golden.options, remote: '10.0.0.9:80' },
  })),
  ...toOther(
    'Redis',
    [],
    "-ERR unknown command 'GET'\r\n",
    `GET http://a/ → - [complete] res 28 "-ERR unknown command 'GET'\\r\\n" ${NOT_HTTP} (-ERR unknown command 'GET').`,
  ),
  ...toOther(
    'SSH',
    [{ in: 'SSH-2.0-x\r\n' }],
    'bye',
    `GET http://a/ → - [complete] res 14 "SSH-2.0-x\\r\\nbye" ${NOT_HTTP} (SSH-2.0-x).`,
  ),
  ...toOther(
    'MySQL',
    [{ in: '\x05\0\0\0\x0a8.0\0' }],
    '',
    `GET http://a/ → - [complete] res 9 base64:BQAAAAo4LjAA ${NOT_HTTP} (\\x05\\x00\\x00\\x00\\x0a8.0\\x00).`,
  ),
  ...toOther(
    'HTTP/2',
    [],
    '\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64',
    `GET http://a/ → - [complete] res 15 base64:AAAGBAAAAAAAAAMAAABk ${NOT_HTTP} (frames of HTTP/2).`,
  ),
  ...toOther(
    'HTTP/2 that sends first',
    [{ in: '\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64' }],
    '',
    `GET http://a/ → - [complete] res 15 base64:AAAGBAAAAAAAAAMAAABk ${NOT_HTTP} (frames of HTTP/2).`,
  ),
  ...undecided(
    'beginning: HTTP/2 to HTTP/1',
    [{ out: PREFACE }, { in: BAD }, { close: true }],
    [`PRI http://127.0.0.1:80 ${BAD_END} ${REFUSED}`],
  ).map((golden) => ({
    ...golden,
    options:
      golden.options?.side === 'server'
        ? { ...golden.options, local: '127.0.0.1:80' }
        : { ...golden.options, remote: '127.0.0.1:80' },
  })),
  ...proxied('PROXY protocol 1', [{ out: 'PROXY TCP4 10.0.0.1 10.0.0.2 4000 80\r\n' }]),
  ...proxied('PROXY protocol 1, unknown', [{ out: 'PROXY UNKNOWN\r\n' }]),
  ...proxied('PROXY protocol 2', [{ out: `${V2}\x21\x11\0\x0c\x0a\0\0\x01\x0a\0\0\x02\x0f\xa0\0\x50` }]),
  ...proxied('PROXY protocol 2, local', [{ out: `${V2}\x20\0\0\0` }]),
  ...proxied('SOCKS 4', [{ out: '\x04\x01\0\x50\x0a\x09\x08\x07me\0' }, { in: '\0\x5a\0\0\0\0\0\0' }]),
  ...proxied('SOCKS 4A', [{ out: '\x04\x01\0\x50\0\0\0\x01\0name.test\0' }, { in: '\0\x5a\0\0\0\0\0\0' }]),
  ...proxied('SOCKS 5', [
    { out: '\x05\x02\0\x01' },
    { in: '\x05\0' },
    { out: '\x05\x01\0\x01\x0a\x09\x08\x07\0\x50' },
    { in: SOCKS5_REPLY },
  ]),
  ...proxied('SOCKS 5 with a password', [
    { out: '\x05\x01\x02' },
    { in: '\x05\x02' },
    { out: '\x01\x02me\x06secret' },
    { in: '\x01\0' },
    { out: '\x05\x01\0\x03\x09name.test\0\x50' },
    { in: SOCKS5_REPLY },
  ]),
  ...foreign('an access log', [{ out: 'GET /a 200 0.1 ms - 57\n' }, { out: 'POST /b 200 2 ms - 5\n' }]),
  ...foreign('an access log with versions', [{ out: 'GET /a HTTP/1.1 200 57\nGET /b HTTP/1.1 200 57\n' }]),
  ...foreign('memcached', [{ out: 'get /key\r\n' }, { in: 'VALUE /key 0 5\r\nhello\r\nEND\r\n' }]),
  ...foreign('SMTP', [{ in: '220 a ESMTP\r\n' }, { out: 'EHLO b\r\n' }, { in: '250 a\r\n' }]),
  ...foreign('NATS', [
    { in: 'INFO {}\r\n' },
    { out: 'CONNECT {"verbose":false}\r\nPING\r\n' },
    { in: 'PONG\r\n' },
  ]),
  ...foreign('PostgreSQL', [{ out: '\0\0\0\x08\x04\xd2\x16\x2f' }, { in: 'N' }]),
  ...foreign('Redis', [{ out: '*1\r\n$4\r\nPING\r\n' }, { in: '+PONG\r\n' }]),
  ...foreign('HTTP/0.9, which cannot be distinguished from other text', [
    { out: 'GET /x\r\n' },
    { in: '<html>' },
  ]),
  {
    name: 'SOCKS that is refused',
    steps: [{ out: '\x05\x01\0' }, { in: '\x05\xff' }, { close: true }],
    options: { protocol: WireProtocol.Undecided },
    expected: ['? ? → - [connect-failed]'],
  },
  {
    name: 'joined late: lines of a body that look like requests',
    steps: [...lines.map((out) => ({ out })), { in: OK }, { out: GET }, { in: OK }],
    options: { joinedLate: true },
    expected: ['? ? → 200 [joined-late] res 2 "ok"', GET_OK],
  },
  {
    name: 'joined late: the end of a body, and a request behind it in one call',
    steps: [{ out: `end of a body\r\n${GET}` }, { in: OK }, { out: GET }, { in: OK }],
    options: { joinedLate: true },
    expected: ['? ? → 200 [joined-late] res 2 "ok"', GET_OK],
  },
  {
    // A TLS read that was already waiting returns unseen bytes.
    name: 'joined late: bytes of an answered request are missing',
    steps: [{ in: OK }, { unseen: 'out', size: 1 }, { out: GET }, { in: OK }, { out: GET }, { in: OK }],
    options: { joinedLate: true },
    expected: ['? ? → 200 [joined-late] res 2 "ok"', GET_OK, GET_OK],
  },
  {
    // A client's read that was already waiting: the answer to the first request is not seen.
    name: 'joined late: an answer is missing',
    steps: [{ out: GET }, { unseen: 'in', size: 1 }, { out: GET }, { in: OK }, { out: GET }, { in: OK }],
    options: { joinedLate: true },
    expected: ['GET http://a/ → - [response-gap one-sided]', GET_OK, GET_OK],
  },
  {
    name: 'joined late: lines of a body that look like requests, and bytes of the server are missing',
    steps: [
      ...lines.map((out) => ({ out })),
      { unseen: 'in', size: 1 },
      { in: OK },
      { out: GET },
      { in: OK },
    ],
    options: { joinedLate: true },
    expected: ['? ? → 200 [one-sided] res 2 "ok"', GET_OK],
  },
  {
    name: 'joined late: bytes are missing before the first answer',
    steps: [{ unseen: 'out', size: 1 }, { out: GET }, { in: OK }, { out: GET }, { in: OK }],
    options: { joinedLate: true },
    expected: ['? ? → 200 [joined-late] res 2 "ok"', GET_OK],
  },
  {
    name: 'joined late: a request that is never answered, by a server that closes',
    steps: [{ out: GET }, { end: 'in', ending: Ending.Fin }, { close: true }],
    options: { joinedLate: true },
    expected: ['GET http://a/ → - [unanswered]'],
  },
  {
    name: 'joined late: a line that looks like a request, and then the trace ends',
    steps: [{ out: GET }],
    options: { joinedLate: true },
    expected: [],
  },
];

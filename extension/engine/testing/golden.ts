/** Conversations and the exchanges expected from them; golden.test.ts reads each at every split point. */
import { Ending, Omission } from '../record.ts';
import type { ConversationOptions, Step } from './records.ts';
import { binary, close, continuation, frame, MASK, ping, switching, text, UPGRADE } from './webSocket.ts';

export interface Golden {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly options?: ConversationOptions;
  /** Recognised by where a call began, so splitting it differently changes the evidence. */
  readonly byBoundary?: true;
  /** Of so many places to split or exchange, one is tried; all of them unless it is too long. */
  readonly stride?: number;
  /** Summaries (testing/summary.ts) after finish(). */
  readonly expected: readonly string[];
}

const H = 'Host: a\r\n';
const GET = `GET / HTTP/1.1\r\n${H}\r\n`;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const get = (path: string, extra = ''): string => `GET ${path} HTTP/1.1\r\n${H}${extra}\r\n`;
const ok = (body: string, extra = ''): string =>
  `HTTP/1.1 200 OK\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`;
const eof = { end: 'in', ending: Ending.ReadEof } as const;

export const GOLDEN: readonly Golden[] = [
  {
    name: 'one call',
    steps: [{ out: GET }, { in: OK }],
    expected: ['GET http://a/ → 200 [complete] res 2 "ok"'],
  },
  {
    name: 'keep-alive',
    steps: [{ out: get('/1') }, { in: ok('a') }, { out: get('/2') }, { in: ok('b') }],
    expected: ['GET http://a/1 → 200 [complete] res 1 "a"', 'GET http://a/2 → 200 [complete] res 1 "b"'],
  },
  {
    name: 'server side',
    steps: [{ in: get('/1') }, { out: ok('a') }, { close: true }],
    options: { side: 'server' },
    expected: ['GET http://a/1 → 200 [complete] res 1 "a"'],
  },
  {
    name: 'side unknown, request sent',
    steps: [{ out: get('/1') }, { in: ok('a') }],
    options: { side: null },
    expected: ['GET http://a/1 → 200 [complete] res 1 "a"'],
  },
  {
    name: 'side unknown, response seen first',
    steps: [{ out: ok('late') }, { in: get('/2') }, { out: ok('b') }],
    options: { side: null, joinedLate: true },
    expected: ['? ? → 200 [joined-late] res 4 "late"', 'GET http://a/2 → 200 [complete] res 1 "b"'],
  },
  {
    name: 'no opened record',
    steps: [{ out: get('/1') }, { in: ok('a') }, { close: true }],
    options: { anonymous: true },
    expected: ['GET http://a/1 → 200 [socket-unknown] res 1 "a"'],
  },
  {
    name: 'pipelined requests in one write',
    steps: [{ out: get('/1') + get('/2') + get('/3') }, { in: ok('1') + ok('2') }, { in: ok('3') }],
    expected: [
      'GET http://a/1 → 200 [complete] res 1 "1"',
      'GET http://a/2 → 200 [complete] res 1 "2"',
      'GET http://a/3 → 200 [complete] res 1 "3"',
    ],
  },
  {
    name: 'pipelined with HEAD in the middle',
    steps: [
      { out: `${get('/1')}HEAD /2 HTTP/1.1\r\n${H}\r\n${get('/3')}` },
      { in: `${ok('1')}HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n${ok('3')}` },
    ],
    expected: [
      'GET http://a/1 → 200 [complete] res 1 "1"',
      'HEAD http://a/2 → 200 [complete]',
      'GET http://a/3 → 200 [complete] res 1 "3"',
    ],
  },
  {
    name: 'request body by length',
    steps: [{ out: `POST /p HTTP/1.1\r\n${H}Content-Length: 5\r\n\r\nhello` }, { in: OK }],
    expected: ['POST http://a/p → 200 [complete] req 5 "hello" res 2 "ok"'],
  },
  {
    name: 'request body chunked',
    steps: [
      { out: `POST /p HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n` },
      { in: OK },
    ],
    expected: ['POST http://a/p → 200 [complete] req 6 "hello!" res 2 "ok"'],
  },
  {
    name: 'response chunked with extensions and trailers',
    steps: [
      { out: GET },
      {
        in: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3;a=b;c="d;e"\r\nabc\r\n000A ; x\r\n0123456789\r\n0\r\nX-Sum: 13\r\nX-More: y\r\n\r\n',
      },
      { out: get('/next') },
      { in: OK },
    ],
    expected: [
      'GET http://a/ → 200 [complete] res 13 "abc0123456789"',
      'GET http://a/next → 200 [complete] res 2 "ok"',
    ],
  },
  {
    name: 'upper-case chunk size',
    steps: [
      { out: GET },
      { in: `HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\nB\r\nhello world\r\n0\r\n\r\n` },
    ],
    expected: ['GET http://a/ → 200 [complete] res 11 "hello world"'],
  },
  {
    name: 'close-delimited',
    steps: [{ out: GET }, { in: 'HTTP/1.0 200 OK\r\n\r\nabc' }, { in: 'def' }, eof, { close: true }],
    expected: ['GET http://a/ → 200 [complete] res 6 "abcdef"'],
  },
  {
    name: 'close-delimited on the server side',
    steps: [{ in: 'GET / HTTP/1.0\r\n\r\n' }, { out: 'HTTP/1.0 200 OK\r\n\r\nabc' }, { close: true }],
    options: { side: 'server' },
    expected: ['GET http://127.0.0.1:40000/ → 200 [complete] res 3 "abc"'],
  },
  {
    name: 'close-delimited, reset',
    steps: [
      { out: GET },
      { in: 'HTTP/1.1 200 OK\r\n\r\nabc' },
      { end: 'in', ending: Ending.Reset },
      { close: true },
    ],
    expected: ['GET http://a/ → 200 [aborted] res null "abc"'],
  },
  {
    name: 'close-delimited, still open',
    steps: [{ out: GET }, { in: 'HTTP/1.1 200 OK\r\n\r\nabc' }],
    expected: ['GET http://a/ → 200 [response-truncated] res null "abc"'],
  },
  {
    name: '204 and 304 with lengths',
    steps: [
      { out: get('/1') },
      { in: 'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n' },
      { out: get('/2') },
      { in: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n' },
      { out: get('/3') },
      { in: OK },
    ],
    expected: [
      'GET http://a/1 → 204 [complete] !response RFC 9110 section 8.6: Content-Length in a response that has no body; it is ignored.',
      'GET http://a/2 → 304 [complete]',
      'GET http://a/3 → 200 [complete] res 2 "ok"',
    ],
  },
  {
    name: 'HEAD',
    steps: [
      { out: `HEAD / HTTP/1.1\r\n${H}\r\n` },
      { in: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' },
      { out: GET },
      { in: OK },
    ],
    expected: ['HEAD http://a/ → 200 [complete]', 'GET http://a/ → 200 [complete] res 2 "ok"'],
  },
  {
    name: '100 Continue and 103 Early Hints',
    steps: [
      { out: `PUT /x HTTP/1.1\r\n${H}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n` },
      { in: 'HTTP/1.1 100 Continue\r\n\r\n' },
      { out: 'abc' },
      { in: 'HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n' },
      { in: OK },
    ],
    expected: ['PUT http://a/x → (100) (103) 200 [complete] req 3 "abc" res 2 "ok"'],
  },
  {
    name: 'CONNECT accepted, and HTTP inside',
    steps: [
      { out: 'CONNECT b:80 HTTP/1.1\r\nHost: b:80\r\n\r\n' },
      { in: 'HTTP/1.1 200 Connection established\r\n\r\n' },
      { out: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' },
      { in: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' },
      { close: true },
    ],
    expected: ['CONNECT b:80 → 200 [complete]', 'GET http://a/ → 200 [complete] res 2 "ok"'],
  },
  {
    name: 'CONNECT accepted, and no HTTP inside',
    steps: [
      { out: 'CONNECT b:25 HTTP/1.1\r\nHost: b:25\r\n\r\n' },
      { in: 'HTTP/1.1 200 Connection established\r\n\r\n220 b ESMTP\r\n' },
      { out: 'EHLO a\r\n' },
      { in: '250 b\r\n' },
      { close: true },
    ],
    expected: ['CONNECT b:25 → 200 [complete]'],
  },
  {
    name: 'CONNECT refused, connection goes on',
    steps: [
      { out: 'CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n' },
      { in: 'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno' },
      { out: GET },
      { in: OK },
    ],
    expected: ['CONNECT b:443 → 407 [complete] res 2 "no"', 'GET http://a/ → 200 [complete] res 2 "ok"'],
  },
  {
    name: 'CONNECT with bytes sent early',
    steps: [
      { out: 'CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n\x16\x03\x01' },
      { in: 'HTTP/1.1 200 OK\r\n\r\n\x16\x03' },
      { close: true },
    ],
    expected: ['CONNECT b:443 → 200 [complete]', '? ? → - [encrypted]'],
  },
  {
    name: 'upgrade accepted',
    steps: [
      { out: get('/ws', 'Connection: Upgrade\r\nUpgrade: other\r\n') },
      {
        in: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n\x81\x02hi',
      },
      { out: '\x81\x80GET / HTTP/1.1\r\n\r\n' },
      { close: true },
    ],
    expected: ['GET http://a/ws → 101 [complete]'],
  },
  {
    name: 'upgrade ignored',
    steps: [
      {
        out:
          get('/1', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n') +
          get('/2'),
      },
      { in: ok('1') + ok('2') },
    ],
    expected: ['GET http://a/1 → 200 [complete] res 1 "1"', 'GET http://a/2 → 200 [complete] res 1 "2"'],
  },
  {
    name: 'absolute-form and asterisk-form',
    steps: [
      { out: 'GET http://user:pw@b:81/x?token=t&q=1 HTTP/1.1\r\nHost: b:81\r\n\r\n' },
      { in: OK },
      { out: `OPTIONS * HTTP/1.1\r\n${H}\r\n` },
      { in: OK },
    ],
    expected: [
      'GET http://••••••@b:81/x?token=••••••&q=1 → 200 [complete] res 2 "ok"',
      'OPTIONS http://a → 200 [complete] res 2 "ok"',
    ],
  },
  {
    name: 'obs-fold',
    steps: [{ out: `GET / HTTP/1.1\r\n${H}X-Folded: one\r\n  two\r\n\tthree\r\n\r\n` }, { in: OK }],
    expected: [
      'GET http://a/ → 200 [complete] res 2 "ok" !request RFC 9112 section 5.2: A field value is folded over several lines; they are joined by a space.',
    ],
  },
  {
    name: 'bare LF',
    steps: [{ out: 'GET / HTTP/1.1\nHost: a\n\n' }, { in: 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok' }],
    expected: [
      'GET http://a/ → 200 [complete] res 2 "ok" !request RFC 9112 section 2.2: A line ends with a line feed alone. !response RFC 9112 section 2.2: A line ends with a line feed alone.',
    ],
  },
  {
    name: 'empty lines before the request',
    steps: [{ out: `\r\n\r\n${GET}` }, { in: OK }, { out: `\r\n${GET}` }, { in: OK }],
    expected: ['GET http://a/ → 200 [complete] res 2 "ok"', 'GET http://a/ → 200 [complete] res 2 "ok"'],
  },
  {
    name: 'empty line before the status line',
    steps: [{ out: GET }, { in: `\r\n${OK}` }],
    expected: [
      'GET http://a/ → 200 [complete] res 2 "ok" !response RFC 9112 section 2.2: Carriage returns or line feeds precede the status line; they are skipped.',
    ],
  },
  {
    name: 'Content-Length and Transfer-Encoding',
    steps: [
      {
        out: `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`,
      },
      { in: OK },
    ],
    expected: [
      'POST http://a/ → 200 [complete] req 2 "ab" res 2 "ok" !request RFC 9112 section 6.3: Both Transfer-Encoding and Content-Length are present; Content-Length is ignored.',
    ],
  },
  {
    name: 'two differing Content-Lengths',
    steps: [{ out: `POST / HTTP/1.1\r\n${H}Content-Length: 2\r\nContent-Length: 3\r\n\r\nab` }, { in: OK }],
    expected: [
      'POST http://a/ → 200 [complete] req 2 "ab" res 2 "ok" !request RFC 9112 section 6.3: Several Content-Length values differ; the first is used.',
    ],
  },
  {
    name: 'repeated equal Content-Length',
    steps: [{ out: `POST / HTTP/1.1\r\n${H}Content-Length: 2, 2\r\n\r\nab` }, { in: OK }],
    expected: [
      'POST http://a/ → 200 [complete] req 2 "ab" res 2 "ok" !request RFC 9110 section 8.6: Content-Length is given more than once, with the same value.',
    ],
  },
  {
    name: 'Content-Length no number',
    steps: [{ out: GET }, { in: 'HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok' }, eof],
    expected: [
      'GET http://a/ → 200 [complete] res 2 "ok" !response RFC 9112 section 6.3: Content-Length is not a valid number; that value is ignored.',
    ],
  },
  {
    name: 'bad chunk size',
    steps: [
      { out: get('/1') },
      { in: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nxyz\r\nok\r\n0\r\n\r\n' },
      { out: get('/2') },
      { in: ok('2') },
      { close: true },
    ],
    expected: [
      'GET http://a/1 → 200 [response-truncated] res null "ok" !response RFC 9112 section 7.1: A chunk size is not a hexadecimal number; the reader searches for the end of the body.',
      'GET http://a/2 → 200 [complete] res 1 "2"',
    ],
  },
  {
    name: 'chunk longer than its size',
    steps: [
      { out: get('/1') },
      { in: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\noktoomuch\r\n0\r\n\r\n' },
      { out: get('/2') },
      { in: ok('2') },
      { close: true },
    ],
    expected: [
      'GET http://a/1 → 200 [response-truncated] res null "ok" !response RFC 9112 section 7.1: A chunk is longer than its size says; the reader searches for the end of the body.',
      'GET http://a/2 → 200 [complete] res 1 "2"',
    ],
  },
  {
    name: 'bare CR in a field',
    steps: [{ out: `GET / HTTP/1.1\r\n${H}X: a\rb\r\n\r\n` }, { in: OK }],
    expected: [
      'GET http://a/ → 200 [complete] res 2 "ok" !request RFC 9112 section 2.2: A carriage return without line feed is inside a line; it is kept as part of it.',
    ],
  },
  {
    name: 'NUL and control characters in fields',
    steps: [{ out: `GET / HTTP/1.1\r\n${H}X: a\0b\r\nY: \x01\r\n\r\n` }, { in: OK }],
    expected: [
      'GET http://a/ → 200 [complete] res 2 "ok" !request RFC 9110 section 5.5: A field value contains NUL. !request RFC 9110 section 5.5: A field value contains control characters.',
    ],
  },
  {
    name: 'space before colon, no colon, empty name',
    steps: [{ out: `GET / HTTP/1.1\r\n${H}X : 1\r\nnonsense\r\n: empty\r\n\r\n` }, { in: OK }],
    expected: [
      'GET http://a/ → 200 [complete] res 2 "ok" !request RFC 9112 section 5.1: White space precedes the colon of a field; it is removed. !request RFC 9112 section 5: A field line has no colon; it is kept as a name with an empty value. !request RFC 9110 section 5.1: A field name is not a token; it is kept as it is.',
    ],
  },
  {
    name: 'white space before the first field',
    steps: [{ out: `GET / HTTP/1.1\r\n X: 1\r\n${H}\r\n` }, { in: OK }],
    expected: [
      'GET http://a/ → 200 [complete] res 2 "ok" !request RFC 9112 section 2.2: White space precedes the first field; that line is ignored.',
    ],
  },
  {
    name: 'bad versions',
    steps: [
      { out: `GET /1 HTTP/1.10\r\n${H}\r\n` },
      { in: OK },
      { out: `GET /2 http/1.1\r\n${H}\r\n` },
      { in: 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok' },
      { out: `GET /3\r\n${H}\r\n` },
      { in: OK },
    ],
    expected: [
      'GET http://a/1 → 200 [complete] res 2 "ok" !request RFC 9112 section 2.3: The HTTP version is not written as HTTP/DIGIT.DIGIT or is not a version of HTTP/1.',
      'GET http://a/2 → 200 [complete] res 2 "ok" !request RFC 9112 section 2.3: The HTTP version is not written as HTTP/DIGIT.DIGIT or is not a version of HTTP/1. !response RFC 9112 section 2.3: The HTTP version is not written as HTTP/DIGIT.DIGIT or is not a version of HTTP/1.',
      'GET http://a/3 → 200 [complete] res 2 "ok" !request RFC 9112 section 2.3: The request line names no HTTP version; it is read as HTTP/0.9 with fields.',
    ],
  },
  {
    name: 'spaces in the request line',
    steps: [
      { out: `GET  /a b c\tHTTP/1.1 \r\n${H}\r\n` },
      { in: 'HTTP/1.1  200\r\nContent-Length: 0\r\n\r\n' },
    ],
    expected: [
      'GET http://a/a b c → 200 [complete] !request RFC 9112 section 3: The parts of the request line are not separated by one space. !request RFC 9112 section 3.2: The request target contains characters that no URI may contain. !response RFC 9112 section 4: The parts of the status line are not separated by one space.',
    ],
  },
  {
    name: 'strange status codes',
    steps: [
      { out: get('/1') },
      { in: 'HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n' },
      { out: get('/2') },
      { in: 'HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n' },
    ],
    expected: [
      'GET http://a/1 → 99 [complete] !response RFC 9110 section 15: The status code is not a number from 100 to 599.',
      'GET http://a/2 → 1000 [complete] !response RFC 9110 section 15: The status code is not a number from 100 to 599.',
    ],
  },
  {
    name: 'no Host, two Hosts',
    steps: [
      { out: 'GET /1 HTTP/1.1\r\n\r\n' },
      { in: OK },
      { out: 'GET /2 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n' },
      { in: OK },
    ],
    expected: [
      'GET http://127.0.0.1:8080/1 → 200 [complete] res 2 "ok" !request RFC 9112 section 3.2: The HTTP/1.1 request has no Host field.',
      'GET http://a/2 → 200 [complete] res 2 "ok" !request RFC 9112 section 3.2: The request has more than one Host field; the first is used.',
    ],
  },
  {
    name: 'garbage between messages',
    steps: [
      { out: get('/1') },
      { in: ok('1') },
      { out: `no http at all\r\n${get('/2')}` },
      { in: ok('2') },
      { close: true },
    ],
    expected: [
      'GET http://a/1 → 200 [complete] res 1 "1"',
      'GET http://a/2 → 200 [complete] res 1 "2" !request RFC 9112 section 2.1: Bytes that are not an HTTP message precede this one; they are skipped.',
    ],
  },
  {
    name: 'unanswered at close',
    steps: [{ out: GET }, eof, { close: true }],
    expected: ['GET http://a/ → - [unanswered]'],
  },
  {
    name: 'unanswered at the end of the trace',
    steps: [{ out: GET }],
    expected: ['GET http://a/ → - [unanswered]'],
  },
  {
    name: 'request cut',
    steps: [{ out: `POST / HTTP/1.1\r\n${H}Content-Length: 9\r\n\r\nabc` }, { close: true }],
    expected: ['POST http://a/ → - [unanswered aborted] req null "abc"'],
  },
  {
    name: 'response cut',
    steps: [{ out: GET }, { in: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc' }, eof, { close: true }],
    expected: ['GET http://a/ → 200 [aborted] res null "abc"'],
  },
  {
    name: 'response head cut',
    steps: [{ out: GET }, { in: 'HTTP/1.1 200 OK\r\nContent-Le' }, eof, { close: true }],
    expected: ['GET http://a/ → 200 [headers-incomplete aborted] res null'],
  },
  {
    name: 'request line cut',
    steps: [{ out: 'GET /never-fini' }, { close: true }],
    expected: [
      'GET http://127.0.0.1:8080/never-fini → - [headers-incomplete unanswered aborted] req null !request RFC 9112 section 3: Only the beginning of the request line was sent or read. A server that expects TLS first reads 5 bytes: this one may have received plain HTTP.',
    ],
  },
  ...(['GET /', 'POST ', 'PATCH', 'DELET'] as const).map(
    (beginning): Golden => ({
      name: `${beginning}, of which a TLS server reads no more`,
      options: { side: 'server' },
      steps: [
        { in: beginning },
        { out: 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n' },
        { close: true },
      ],
      expected: [
        `${beginning.split(' ')[0]} ? → 400 [headers-incomplete aborted] req null res 48 "Client sent an HTTP request to an HTTPS server.\\n" !request RFC 9112 section 3: Only the beginning of the request line was sent or read. A server that expects TLS first reads 5 bytes: this one may have received plain HTTP.`,
      ],
    }),
  ),
  {
    name: 'early response, then close',
    steps: [
      { out: `POST / HTTP/1.1\r\n${H}Content-Length: 100\r\n\r\nabc` },
      { in: 'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' },
      eof,
      { close: true },
    ],
    expected: ['POST http://a/ → 413 [aborted] req null "abc"'],
  },
  {
    name: 'early response, request goes on',
    steps: [
      { out: `POST / HTTP/1.1\r\n${H}Content-Length: 6\r\n\r\nabc` },
      { in: OK },
      { out: 'def' },
      { out: get('/2') },
      { in: OK },
    ],
    expected: [
      'POST http://a/ → 200 [complete] req 6 "abcdef" res 2 "ok"',
      'GET http://a/2 → 200 [complete] res 2 "ok"',
    ],
  },
  {
    name: 'unsolicited response',
    steps: [
      { in: 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' },
      eof,
      { close: true },
    ],
    expected: ['? ? → 408 [one-sided]'],
  },
  {
    name: 'joined late, in an exchange',
    steps: [{ in: ok('late') }, { out: get('/2') }, { in: ok('2') }],
    options: { joinedLate: true },
    expected: ['? ? → 200 [joined-late] res 4 "late"', 'GET http://a/2 → 200 [complete] res 1 "2"'],
  },
  {
    name: 'joined late, in a body',
    steps: [{ in: 'rest of a body\r\nwith lines\r\n' }, { out: get('/2') }, { in: ok('2') }],
    options: { joinedLate: true },
    expected: ['GET http://a/2 → 200 [complete] res 1 "2"'],
  },
  {
    name: 'joined late, response to HEAD',
    steps: [{ in: 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n' }, { out: get('/2') }, { in: ok('2') }],
    options: { joinedLate: true },
    expected: ['? ? → 200 [joined-late]', 'GET http://a/2 → 200 [complete] res 1 "2"'],
  },
  {
    name: 'joined late, responses to HEAD and GET at once',
    steps: [{ in: `HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n${ok('x')}` }],
    options: { joinedLate: true },
    expected: ['? ? → 200 [joined-late]', '? ? → 200 [joined-late] res 1 "x"'],
  },
  {
    name: 'body beyond the budget',
    steps: [
      { out: GET },
      { in: 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc' },
      { omit: 'in', size: 997, omission: Omission.Limit },
      { out: get('/2') },
      { in: OK },
    ],
    expected: [
      'GET http://a/ → 200 [response-truncated] res 1000 "abc"',
      'GET http://a/2 → 200 [complete] res 2 "ok"',
    ],
  },
  {
    name: 'body sent by sendfile',
    steps: [
      { in: GET },
      { out: 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n' },
      { omit: 'out', size: 1000, omission: Omission.NoBytes },
      { in: get('/2') },
      { out: OK },
    ],
    options: { side: 'server' },
    expected: ['GET http://a/ → 200 [response-gap] res 1000', 'GET http://a/2 → 200 [complete] res 2 "ok"'],
  },
  {
    name: 'chunked body beyond the budget, inside a chunk',
    steps: [
      { out: GET },
      { in: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\nabc' },
      { omit: 'in', size: 997, omission: Omission.Limit },
      { in: '\r\n0\r\n\r\n' },
      { out: get('/2') },
      { in: OK },
    ],
    expected: [
      'GET http://a/ → 200 [response-truncated] res 1000 "abc"',
      'GET http://a/2 → 200 [complete] res 2 "ok"',
    ],
  },
  {
    name: 'lost record inside a body of known length',
    steps: [
      { out: GET },
      { in: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc' },
      { lose: 'in', size: 4 },
      { in: 'hij' },
      { out: get('/2') },
      { in: OK },
    ],
    expected: [
      'GET http://a/ → 200 [response-gap] res 10 "abc"',
      'GET http://a/2 → 200 [complete] res 2 "ok"',
    ],
  },
  {
    name: 'body moved past every hook',
    steps: [
      { out: GET },
      { in: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n' },
      { unseen: 'in', size: 10 },
      { in: ok('?') },
    ],
    expected: ['GET http://a/ → 200 [response-gap] res 10', '? ? → 200 [one-sided] res 1 "?"'],
  },
  {
    name: 'lost request',
    steps: [
      { out: get('/1') },
      { in: ok('1') },
      { lose: 'out', size: 40 },
      { in: ok('?') },
      { out: get('/3') },
      { in: ok('3') },
      { out: get('/4') },
      { in: ok('4') },
      { close: true },
    ],
    expected: [
      'GET http://a/1 → 200 [complete] res 1 "1"',
      '? ? → 200 [request-gap one-sided] res 1 "?"',
      'GET http://a/3 → 200 [complete] res 1 "3"',
      'GET http://a/4 → 200 [complete] res 1 "4"',
    ],
  },
  {
    name: 'lost response',
    steps: [
      { out: get('/1') },
      { in: ok('1') },
      { out: get('/2') },
      { lose: 'in', size: 40 },
      { out: get('/3') },
      { in: ok('3') },
      { out: get('/4') },
      { in: ok('4') },
      { close: true },
    ],
    expected: [
      'GET http://a/1 → 200 [complete] res 1 "1"',
      'GET http://a/2 → - [response-gap one-sided]',
      'GET http://a/3 → 200 [complete] res 1 "3"',
      'GET http://a/4 → 200 [complete] res 1 "4"',
    ],
  },
  {
    name: 'lost exchange',
    steps: [
      { out: get('/1') },
      { in: ok('1') },
      { lose: 'out', size: 40 },
      { lose: 'in', size: 40 },
      { out: get('/3') },
      { in: ok('3') },
      { out: get('/4') },
      { in: ok('4') },
      { close: true },
    ],
    expected: [
      'GET http://a/1 → 200 [complete] res 1 "1"',
      'GET http://a/3 → 200 [complete] res 1 "3"',
      'GET http://a/4 → 200 [complete] res 1 "4"',
    ],
  },
  {
    name: 'lost request between pipelined ones',
    steps: [
      { out: get('/1') + get('/2') },
      { lose: 'out', size: 40 },
      { out: get('/4') },
      { in: ok('1') + ok('2') + ok('?') + ok('4') },
      { close: true },
    ],
    expected: [
      'GET http://a/1 → 200 [complete] res 1 "1"',
      'GET http://a/2 → 200 [complete] res 1 "2"',
      'GET http://a/4 → - [one-sided]',
      '? ? → 200 [request-gap one-sided] res 1 "?"',
      '? ? → 200 [request-gap one-sided] res 1 "4"',
    ],
  },
  {
    name: 'lost part of a head',
    steps: [
      { out: `GET /1 HTTP/1.1\r\n${H}X-Part` },
      { lose: 'out', size: 20 },
      { out: '\r\n\r\n' },
      { in: ok('1') },
      { out: get('/2') },
      { in: ok('2') },
      { close: true },
    ],
    expected: [
      'GET http://a/1 → 200 [request-gap headers-incomplete] req null res 1 "1"',
      'GET http://a/2 → 200 [complete] res 1 "2"',
    ],
  },
  {
    name: 'TLS plaintext',
    steps: [{ out: GET }, { in: OK }],
    options: { session: {} },
    expected: ['GET https://a/ → 200 [socket-unknown] res 2 "ok"'],
  },
  {
    name: 'HTTP/2 preface',
    steps: [
      { out: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0' },
      { in: '\0\0\0\x04\0\0\0\0\0' },
      { close: true },
    ],
    expected: [],
  },
  {
    name: 'a port scanner',
    steps: [
      { in: '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03' },
      { in: 'HELP\r\n\r\n' },
      { in: 'GET /nice%20ports%2C/Tri%6Eity.txt%2ebak HTTP/1.0\r\n\r\n' },
      { out: 'HTTP/1.0 404 Not Found\r\n\r\n' },
      { close: true },
    ],
    options: { side: 'server' },
    expected: [
      'GET http://127.0.0.1:40000/nice%20ports%2C/Tri%6Eity.txt%2ebak → 404 [complete] !request RFC 9112 section 2.1: Bytes that are not an HTTP message precede this one; they are skipped.',
    ],
  },
  {
    name: 'messages filtered by latency',
    steps: [
      { out: get('/1') },
      { in: ok('1') },
      { omit: 'out', size: 80, omission: Omission.Filter },
      { omit: 'in', size: 60, omission: Omission.Filter },
      { out: get('/4') },
      { in: ok('4') },
      { close: true },
    ],
    expected: ['GET http://a/1 → 200 [complete] res 1 "1"', 'GET http://a/4 → 200 [complete] res 1 "4"'],
  },
  {
    name: 'expected 100, refused, body never sent',
    steps: [
      { out: `PUT /1 HTTP/1.1\r\n${H}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n` },
      { in: 'HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n' },
      { out: get('/2') },
      { in: OK },
    ],
    expected: ['PUT http://a/1 → 417 [complete]', 'GET http://a/2 → 200 [complete] res 2 "ok"'],
  },
  {
    name: 'expected 100, answered early, body sent nevertheless',
    steps: [
      { out: `PUT /1 HTTP/1.1\r\n${H}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n` },
      { in: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' },
      { out: 'GETxx' },
      { close: true },
    ],
    expected: ['PUT http://a/1 → 200 [complete] req 5 "GETxx"'],
  },
  {
    name: 'expected 100, refused, then closed',
    steps: [
      { out: `PUT /1 HTTP/1.1\r\n${H}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n` },
      { in: 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n' },
      { close: true },
    ],
    expected: ['PUT http://a/1 → 401 [complete]'],
  },
  {
    name: 'chunked body beyond the budget, across chunks, with the tail of the call',
    steps: [
      { out: get('/1') },
      { in: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\nabc' },
      { omit: 'in', size: 3000, omission: Omission.Limit },
      { in: 'xxxxxxxxxxxxxxxx\r\n0\r\nX-Sum: 7\r\n\r\n' },
      { out: get('/2') },
      { in: OK },
    ],
    expected: [
      'GET http://a/1 → 200 [response-truncated] res null "abc"',
      'GET http://a/2 → 200 [complete] res 2 "ok"',
    ],
  },
  {
    name: 'chunked body beyond the budget, next message found without an end',
    byBoundary: true,
    steps: [
      { out: get('/1') },
      { in: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\nabc' },
      { omit: 'in', size: 3000, omission: Omission.Limit },
      { out: get('/2') },
      { in: OK },
    ],
    expected: [
      'GET http://a/1 → 200 [response-truncated] res null "abc"',
      'GET http://a/2 → 200 [complete] res 2 "ok"',
    ],
  },
  {
    name: 'a WebSocket',
    steps: [
      { out: UPGRADE },
      { in: Buffer.concat([Buffer.from(switching()), text('hi'), text('frag', { final: false })]) },
      { out: Buffer.concat([text('hello ä', { mask: MASK }), ping('p', { mask: MASK }), binary('b')]) },
      { in: Buffer.concat([ping(), continuation('ment'), text('x'.repeat(130))]) },
      { out: close(1000, 'bye', { mask: MASK }) },
      { in: close(1000) },
      { close: true },
    ],
    expected: [
      'GET http://a/chat → 101 [complete] <text 2 "hi" >text 8 "hello ä" >ping 1 "p"' +
        ' >binary 1 base64:Yg== !RFC 6455 section 5.1 <ping 0 "" <text fragments=2 8 "fragment"' +
        ` <text 130 "${'x'.repeat(130)}" >close code=1000 meaning=Normal Closure 3 "bye"` +
        ' <close code=1000 meaning=Normal Closure 0 ""' +
        ' !request RFC 6455 section 5.1: The client did not mask the frame.',
    ],
  },
  {
    name: 'a WebSocket with compression (examples of RFC 7692 section 7.2.3)',
    steps: [
      { out: UPGRADE },
      { in: switching('permessage-deflate') },
      {
        in: Buffer.concat([
          frame({ opcode: 1, reserved: 4, payload: Buffer.from('f248cdc9c90700', 'hex') }),
          frame({ opcode: 1, reserved: 4, payload: Buffer.from('f200110000', 'hex') }),
        ]),
      },
      { end: 'in', ending: Ending.ReadEof },
    ],
    expected: ['GET http://a/chat → 101 [complete] <text 5 "Hello" (7 sent) <text 5 "Hello" (5 sent)'],
  },
];

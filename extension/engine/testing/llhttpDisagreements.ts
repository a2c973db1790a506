/** Where the engine reads an input of llhttp's tests otherwise than llhttp, and why. */
const CR_IS_NO_LINE_END =
  'With this lenient flag llhttp takes a bare CR for a line end, which RFC 9112 section 2.2 forbids.';
const NAME_TRIMMED =
  'White space before the colon is no part of the name (RFC 9112 section 5.1); llhttp keeps it with this flag.';
const HEAD_NEVER_ENDS =
  'llhttp judges a framing field when it has read it; the engine when the head is complete, which this one never is.';
const LINE_NEVER_ENDS =
  'The line that llhttp refuses never ends: the engine does not show half a field line.';
const ANY_TOKEN = 'Any token is a method (RFC 9110 section 9.1); llhttp knows a fixed list.';
const NOT_HTTP =
  'RTSP and ICE are not HTTP: read, and labelled as another version; llhttp serves them as well.';
const EMPTY_LINE_BEFORE_STATUS =
  'Only a server may ignore empty lines before a message (RFC 9112 section 2.2): skipped, but labelled.';

export const DISAGREEMENTS: Readonly<Record<string, string>> = {
  'request/connection.md Invalid whitespace token with `Connection` header field (lenient)': NAME_TRIMMED,
  'request/content-length.md Invalid whitespace token with `Content-Length` header field (lenient)':
    NAME_TRIMMED,
  'request/content-length.md Error on `Content-Length` overflow': HEAD_NEVER_ENDS,
  'request/content-length.md Error on duplicate `Content-Length`': HEAD_NEVER_ENDS,
  'request/content-length.md Missing CRLF-CRLF before body': LINE_NEVER_ENDS,
  'request/content-length.md Missing CRLF-CRLF before body (lenient)': CR_IS_NO_LINE_END,
  'request/invalid.md HTTP protocol and ANNOUNCE method': ANY_TOKEN,
  'request/invalid.md Invalid method': ANY_TOKEN,
  'request/invalid.md Headers separated by dummy characters (lenient)': CR_IS_NO_LINE_END,
  'request/invalid.md Invalid space after start line': LINE_NEVER_ENDS,
  'request/invalid.md Only LFs present (lenient)':
    'After the last chunk and an empty line the body has ended; llhttp lets the trailers follow the empty line.',
  'request/lenient-headers.md Empty headers separated by CR (lenient)': CR_IS_NO_LINE_END,
  'request/method.md SOURCE request with ICE': NOT_HTTP,
  'request/method.md OPTIONS request with RTSP': NOT_HTTP,
  'request/method.md ANNOUNCE request with RTSP': NOT_HTTP,
  'request/sample.md No HTTP version':
    'A request line without a version breaks RFC 9112 section 3 and is labelled; llhttp takes it for HTTP/0.9.',
  'request/transfer-encoding.md Chunk header not terminated by CRLF (lenient)': CR_IS_NO_LINE_END,
  'response/transfer-encoding.md `chunkedchunked` transfer-encoding does not enable chunked enconding':
    'Nobody registered that transfer coding (RFC 9112 section 7), which the engine says.',
  'response/connection.md HTTP 304 with Content-Length': EMPTY_LINE_BEFORE_STATUS,
  'response/connection.md HTTP 100 first, then 400': EMPTY_LINE_BEFORE_STATUS,
  'response/invalid.md Bare CR after response line (lenient)': CR_IS_NO_LINE_END,
  'response/invalid.md Invalid space after start line': LINE_NEVER_ENDS,
  'response/pipelining.md Should parse multiple events': EMPTY_LINE_BEFORE_STATUS,
  'response/sample.md Response starting with CRLF': EMPTY_LINE_BEFORE_STATUS,
  'response/sample.md RTSP response': 'RTSP is not HTTP: its status line is not recognised.',
  'response/sample.md ICE response': 'ICE is not HTTP: its status line is not recognised.',
  'response/sample.md HTTP version 0.9':
    'HTTP/0.9 has no status line (RFC 1945 section 6); the version is labelled, the rest read as by llhttp.',
};

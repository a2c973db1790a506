/**
 * The rules of HTTP/1 that a message can break, each with the section that states it and how the bytes are
 * read in that case. The texts contain no captured bytes, except for the quoted beginning of non-HTTP data.
 */
export const HTTP1_RULES = {
  'method-token': ['RFC 9110 section 9.1', 'The method is not a token.'],
  'method-case': [
    'RFC 9110 section 9.1',
    'Methods are case-sensitive: this one differs from a registered method only in case.',
  ],
  'line-cut': [
    'RFC 9112 section 3',
    'Only the beginning of the request line was sent or read. A server that expects TLS first reads 5 bytes: this one may have received plain HTTP.',
  ],
  'leading-space': ['RFC 9112 section 3', 'White space precedes the request line; it is skipped.'],
  'target-form': [
    'RFC 9112 section 3.2',
    'The request target has none of the four forms: path, URI, authority or asterisk.',
  ],
  surplus: [
    'RFC 9112 section 6.3',
    'The bytes after the message are not the beginning of another one: its Content-Length is too small, or it must not have a body.',
  ],
  'not-http': ['RFC 9112 section 4', 'The answer is not HTTP.'],
  'request-not-http': ['RFC 9112 section 3', 'The request is not HTTP.'],
  'request-line-spaces': [
    'RFC 9112 section 3',
    'The parts of the request line are not separated by one space.',
  ],
  'request-target': [
    'RFC 9112 section 3.2',
    'The request target contains characters that no URI may contain.',
  ],
  'no-version': [
    'RFC 9112 section 2.3',
    'The request line names no HTTP version; it is read as HTTP/0.9 with fields.',
  ],
  version: [
    'RFC 9112 section 2.3',
    'The HTTP version is not written as HTTP/DIGIT.DIGIT or is not a version of HTTP/1.',
  ],
  'status-code': ['RFC 9110 section 15', 'The status code is not a number from 100 to 599.'],
  'status-line-spaces': [
    'RFC 9112 section 4',
    'The parts of the status line are not separated by one space.',
  ],
  'reason-phrase': ['RFC 9112 section 4', 'The reason phrase contains control characters.'],
  'line-too-long': [
    'RFC 9110 section 5.4',
    'The head is larger than what is kept; the rest of it is left out.',
  ],
  'too-many-fields': [
    'RFC 9110 section 5.4',
    'There are more fields than are kept; the others are left out.',
  ],
  'bare-cr': [
    'RFC 9112 section 2.2',
    'A carriage return without line feed is inside a line; it is kept as part of it.',
  ],
  'bare-lf': ['RFC 9112 section 2.2', 'A line ends with a line feed alone.'],
  'empty-lines': [
    'RFC 9112 section 2.2',
    'Carriage returns or line feeds precede the status line; they are skipped.',
  ],
  'leading-cr': [
    'RFC 9112 section 2.2',
    'A carriage return without line feed precedes the message; it is skipped.',
  ],
  'space-before-fields': [
    'RFC 9112 section 2.2',
    'White space precedes the first field; that line is ignored.',
  ],
  'space-before-colon': ['RFC 9112 section 5.1', 'White space precedes the colon of a field; it is removed.'],
  'no-colon': ['RFC 9112 section 5', 'A field line has no colon; it is kept as a name with an empty value.'],
  'field-name': ['RFC 9110 section 5.1', 'A field name is not a token; it is kept as it is.'],
  'framing-lookalike': [
    'RFC 9112 section 11.2',
    'A field name resembles Content-Length or Transfer-Encoding; it is ignored here, but other parsers may obey it.',
  ],
  'framing-in-trailer': [
    'RFC 9110 section 6.5.1',
    'A trailer field would delimit or route the message; it is ignored here, but other parsers may obey it.',
  ],
  'field-nul': ['RFC 9110 section 5.5', 'A field value contains NUL.'],
  'field-control': ['RFC 9110 section 5.5', 'A field value contains control characters.'],
  'obs-fold': [
    'RFC 9112 section 5.2',
    'A field value is folded over several lines; they are joined by a space.',
  ],
  'host-missing': ['RFC 9112 section 3.2', 'The HTTP/1.1 request has no Host field.'],
  'host-twice': ['RFC 9112 section 3.2', 'The request has more than one Host field; the first is used.'],
  'host-differs': [
    'RFC 9112 section 3.2.2',
    'Host differs from the authority in the request target; the target is followed.',
  ],
  'host-invalid': [
    'RFC 9112 section 3.2',
    'Host is not a valid host name or address, with or without a port.',
  ],
  'length-invalid': ['RFC 9112 section 6.3', 'Content-Length is not a valid number; that value is ignored.'],
  'length-differs': ['RFC 9112 section 6.3', 'Several Content-Length values differ; the first is used.'],
  'length-repeated': ['RFC 9110 section 8.6', 'Content-Length is given more than once, with the same value.'],
  'length-and-coding': [
    'RFC 9112 section 6.3',
    'Both Transfer-Encoding and Content-Length are present; Content-Length is ignored.',
  ],
  'coding-in-1.0': ['RFC 9112 section 6.1', 'Transfer-Encoding in an HTTP/1.0 message; it is applied.'],
  'chunked-not-last': [
    'RFC 9112 section 6.3',
    'The last transfer coding of the request is not chunked; its body is read up to the end of the stream.',
  ],
  'chunked-twice': [
    'RFC 9112 section 6.1',
    'The chunked coding is applied more than once; it is removed once.',
  ],
  'coding-unknown': [
    'RFC 9112 section 7',
    'A transfer coding is not registered; it is not treated as chunked here, but other parsers may treat it so.',
  ],
  'coding-in-bodiless': [
    'RFC 9112 section 6.1',
    'Transfer-Encoding in a response that has no body; it is ignored.',
  ],
  'length-in-bodiless': [
    'RFC 9110 section 8.6',
    'Content-Length in a response that has no body; it is ignored.',
  ],
  'upgrade-missing': [
    'RFC 9110 section 15.2.2',
    'A 101 response has no Upgrade field; the protocol that the request offered is assumed, if it offered only one.',
  ],
  'chunk-size': [
    'RFC 9112 section 7.1',
    'A chunk size is not a hexadecimal number; the reader searches for the end of the body.',
  ],
  'chunk-size-space': ['RFC 9112 section 7.1', 'White space follows a chunk size; it is ignored.'],
  'chunk-extension': ['RFC 9112 section 7.1.1', 'A chunk extension is malformed or too long; it is ignored.'],
  'chunk-line-end': ['RFC 9112 section 7.1', 'A chunk-size line or chunk does not end with CRLF.'],
  'chunk-data-end': [
    'RFC 9112 section 7.1',
    'A chunk is longer than its size says; the reader searches for the end of the body.',
  ],
  'after-close': [
    'RFC 9112 section 9.6',
    'A message follows one that announced the end of the connection; it is read anyway.',
  ],
  unrecognised: [
    'RFC 9112 section 2.1',
    'Bytes that are not an HTTP message precede this one; they are skipped.',
  ],
} as const satisfies Record<string, readonly [rule: string, message: string]>;

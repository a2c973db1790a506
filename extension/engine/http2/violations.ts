/** The rules of HTTP/2 and HPACK that a message can break; http1/violations.ts has those of HTTP/1. */
export const HTTP2_RULES = {
  'h2-refused': [
    'RFC 9113 section 3.4',
    'The server did not respond with HTTP/2: this port does not support it.',
  ],
  'hpack-index': [
    'RFC 7541 section 2.3.3',
    'A field refers to a table entry that does not exist; it is shown as unknown.',
  ],
  'hpack-integer': [
    'RFC 7541 section 5.1',
    'An integer in the field block is too large; the rest of the block is left out.',
  ],
  'hpack-string': [
    'RFC 7541 section 5.2',
    'A string in the field block is wrongly encoded; it is shown as unknown.',
  ],
  'hpack-cut': ['RFC 7541 section 3.1', 'The field block ends within a field; that field is left out.'],
  'hpack-size-update': [
    'RFC 7541 section 4.2',
    'The size of the dynamic table is changed after a field, or beyond what the receiver allows; the change is applied.',
  ],
  'h2-block-size': [
    'RFC 9113 section 10.5.1',
    'The field block is larger than what is kept; the rest of it is left out.',
  ],
  'h2-field-count': [
    'RFC 9113 section 10.5.1',
    'The field block contains more fields than are kept; the others are left out.',
  ],
  'h2-field-name': [
    'RFC 9113 section 8.2.1',
    'A field name contains characters that are not allowed, such as upper-case letters.',
  ],
  'h2-field-value': [
    'RFC 9113 section 8.2.1',
    'A field value contains a line end or NUL, or begins or ends with white space.',
  ],
  'h2-connection-field': [
    'RFC 9113 section 8.2.2',
    'A connection-specific field is present; it has no meaning in HTTP/2.',
  ],
  'h2-pseudo-order': ['RFC 9113 section 8.3', 'A pseudo-header field follows a regular field.'],
  'h2-pseudo-twice': [
    'RFC 9113 section 8.3',
    'A pseudo-header field is given more than once; the first is used.',
  ],
  'h2-pseudo-unknown': [
    'RFC 9113 section 8.3',
    'A pseudo-header field does not belong here; it is shown among the fields.',
  ],
  'h2-pseudo-missing': ['RFC 9113 section 8.3', 'A pseudo-header field that is required is missing.'],
  'h2-status': ['RFC 9113 section 8.3.2', 'The status is not a number from 100 to 599.'],
  'h2-length': ['RFC 9113 section 8.1.1', 'Content-Length differs from the length of the content.'],
  'h2-trailers': [
    'RFC 9113 section 8.1',
    'A second field section does not end the message; it is read as trailers.',
  ],
  'h2-informational': ['RFC 9113 section 8.1', 'An interim response ends the stream; it is read as final.'],
  'h2-padding': ['RFC 9113 section 6.1', 'The padding is longer than the frame; the frame has no content.'],
  'h2-interleaved': [
    'RFC 9113 section 4.3',
    'Another frame interrupts a field block; the block is read up to there.',
  ],
  'h2-frame-size': [
    'RFC 9113 section 4.2',
    'A frame is larger or smaller than allowed; it is read by its length.',
  ],
  'h2-flow-control': ['RFC 9113 section 6.9.1', 'More content was sent than the receiver had allowed.'],
  'h2-stream-order': [
    'RFC 9113 section 5.1.1',
    'The identifier of the new stream is not one that its sender may use.',
  ],
} as const satisfies Record<string, readonly [rule: string, message: string]>;

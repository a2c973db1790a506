import type { GapReason } from '../byteStream.ts';

/**
 * Labels of a message: rules that it breaks, with the section that states them, and which parts of it are
 * not known (no rule). Sentences never contain captured bytes.
 */
export const LABELS = {
  cut: [null, 'The stream ended before the message did.'],
  open: [null, 'The trace ended before the message did.'],
  gap: [null, 'Bytes of the message are missing.'],
  truncated: [null, 'Bytes of the message were left out by the capture limit.'],
  shed: [null, 'Bytes of the message were not captured: too much data at once.'],
  'content-memory': [null, 'The content is not kept: the memory for captured bytes is used up.'],
  'inflate-limit': [null, 'The message was decompressed only up to a limit.'],
  'inflate-unknown': [
    null,
    'The compressed message refers to earlier ones that are unknown, so it cannot be decompressed.',
  ],
  'coding-unread': [null, 'The content coding is not supported; the messages in it are unknown.'],
  'coding-broken': [null, 'The content coding is malformed; later messages are unknown.'],
  'coding-gap': [null, 'Bytes of the content coding are missing; later messages are unknown.'],
  'coding-limit': [null, 'The content was decoded only up to a limit.'],
  'message-coding-unread': [
    null,
    'The compression of the message is not supported; its bytes are shown as they were sent.',
  ],
  'message-coding-broken': [
    null,
    'The compressed message is malformed; what could be decompressed is shown.',
  ],
  'base64-broken': [
    null,
    'The body is not valid base64, although its type says so; later messages are unknown.',
  ],
  'grpc-lost': [
    null,
    'Bytes are missing, so the start of the next message is unknown; the rest is not read.',
  ],
  'grpc-flags': ['gRPC PROTOCOL-HTTP2', 'A reserved bit is set in the flags of the message; it is ignored.'],
  'grpc-encoding': [
    'gRPC PROTOCOL-HTTP2',
    'The message is marked as compressed, but grpc-encoding names no compression; its bytes are shown as they are.',
  ],
  'sse-no-data': [null, 'It has no data, so no event is dispatched.'],
  'sse-incomplete': [
    null,
    'The stream ended before the empty line that dispatches the event; clients discard it (HTML section 9.2.6).',
  ],
  'sse-utf8': ['HTML section 9.2.5', 'The event stream is not valid UTF-8.'],
  'ws-lost': [
    null,
    'Bytes are missing, so the start of the next frame is unknown; messages may be missing here.',
  ],
  'ws-begun': [null, 'The beginning of the message is missing.'],
  'ws-extension': [null, 'The frame belongs to an unsupported extension; its bytes are shown as they are.'],
  'ws-no-close': [
    null,
    'The connection ended without a Close frame, which programs see as code 1006 (RFC 6455 section 7.1.5).',
  ],
  'ws-accept': [
    'RFC 6455 section 4.2.2',
    'Sec-WebSocket-Accept does not answer the Sec-WebSocket-Key of the request.',
  ],
  'ws-parameter': [
    'RFC 7692 section 7.1',
    'A parameter of permessage-deflate is unknown, repeated or out of range; it is ignored.',
  ],
  'ws-rsv': ['RFC 6455 section 5.2', 'A reserved bit is set that no extension defines; it is ignored.'],
  'ws-rsv1': [
    'RFC 7692 section 6.1',
    'The bit for compression is set on a control frame or a later fragment; it is ignored.',
  ],
  'ws-opcode': ['RFC 6455 section 5.2', 'The opcode is reserved; the frame is shown as bytes.'],
  'ws-unmasked': ['RFC 6455 section 5.1', 'The client did not mask the frame.'],
  'ws-masked': ['RFC 6455 section 5.1', 'The server masked the frame; the mask is removed.'],
  'ws-length': ['RFC 6455 section 5.2', 'The length is not written in the fewest bytes.'],
  'ws-length-range': [
    'RFC 6455 section 5.2',
    'The length is larger than any frame can be; the reader searches for the next frame.',
  ],
  'ws-control-fragment': ['RFC 6455 section 5.5', 'A control frame is fragmented; it is read as whole.'],
  'ws-control-length': ['RFC 6455 section 5.5', 'A control frame is longer than 125 bytes.'],
  'ws-continuation': [
    'RFC 6455 section 5.4',
    'A continuation frame has no message to continue; it is read as a message of its own.',
  ],
  'ws-interleaved': ['RFC 6455 section 5.4', 'Another message begins before the last fragment of this one.'],
  'ws-close-length': [
    'RFC 6455 section 5.5.1',
    'A Close frame has a body of one byte; a status code takes two.',
  ],
  'ws-close-code': ['RFC 6455 section 7.4', 'The close code is one that must not be sent.'],
  'ws-after-close': ['RFC 6455 section 5.5.1', 'A frame follows a Close frame.'],
  'ws-utf8': ['RFC 6455 section 8.1', 'The text is not valid UTF-8.'],
  'ws-deflate': [
    'RFC 7692 section 7.2.2',
    'The compressed data is malformed; what came before that is shown.',
  ],
} as const satisfies Record<string, readonly [rule: string | null, message: string]>;

export type LabelName = keyof typeof LABELS;

/** Section and sentence of a label. The rule is null when none was broken. */
export function labelText(name: LabelName): { readonly rule: string | null; readonly message: string } {
  const [rule, message] = LABELS[name];
  return { rule, message };
}

/** The label of a message whose bytes are missing for this reason. */
export function gapLabel(reason: GapReason): 'truncated' | 'shed' | 'gap' {
  if (reason === 'limit') return 'truncated';
  return reason === 'shed' ? 'shed' : 'gap';
}

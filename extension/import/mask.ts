/** Masks the secrets of a call that was read from a file, as the engine does for its calls. */
import { maskBytes } from '../engine/bodyJson.ts';
import type { BodyJson, ExchangeJson, MessageJson, StreamMessageJson } from '../engine/exchangeJson.ts';
import { readContentType } from '../http/contentType.ts';
import { maskBody } from '../privacy/maskBody.ts';
import { maskFields } from '../privacy/maskFields.ts';
import { maskMessage } from '../privacy/maskMessage.ts';
import { maskText } from '../privacy/maskText.ts';
import { maskTarget } from '../privacy/maskUrl.ts';

const UNTYPED = { essence: '', boundary: null } as const;

export function maskCall(call: ExchangeJson): ExchangeJson {
  const { url, statusText, ending, grpc } = call;
  return {
    ...call,
    url: url === null ? null : maskTarget(url),
    statusText: statusText === null ? null : maskText(statusText),
    ending: ending === null || ending.error === null ? ending : { ...ending, error: maskText(ending.error) },
    grpc: grpc === null || grpc.message === null ? grpc : { ...grpc, message: maskText(grpc.message) },
    request: call.request === null ? null : maskContent(call.request),
    response: call.response === null ? null : maskContent(call.response),
    messages: call.messages.map(maskStreamMessage),
  };
}

export function maskStreamMessage(message: StreamMessageJson): StreamMessageJson {
  if ('base64' in message) return { ...message, base64: maskBase64(message.base64, UNTYPED) };
  return message.text === null ? message : { ...message, text: maskMessage(message.text, '') };
}

function maskContent(message: MessageJson): MessageJson {
  const { headers, body } = message;
  const field = headers.find(([name]) => name?.toLowerCase() === 'content-type')?.[1] ?? null;
  return {
    ...message,
    headers: maskFields(headers),
    body: body === null ? null : masked(body, readContentType(field)),
  };
}

function masked(body: BodyJson, type: ReturnType<typeof readContentType>): BodyJson {
  return 'text' in body ? { text: maskBody(body.text, type) } : { base64: maskBase64(body.base64, type) };
}

function maskBase64(base64: string, type: Parameters<typeof maskBytes>[1]): string {
  const bytes = Buffer.from(base64, 'base64');
  const changed = maskBytes(bytes, type);
  return changed === bytes ? base64 : changed.toString('base64');
}

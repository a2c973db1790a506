/** Trailer fields (RFC 9110 section 6.5). */
import type { Field } from '../exchange.ts';
import type { StoredMessage } from '../storedMessage.ts';
import { isFramingField } from './framingFields.ts';

/** @param position of the section's last line. */
export function setTrailers(message: StoredMessage, trailers: readonly Field[], position: number): void {
  if (trailers.some(([name]) => isFramingField(name.toLowerCase()))) {
    message.breaks('framing-in-trailer', position);
  }
  message.setTrailers(trailers);
}

/** Line ends and control characters of HTTP/1 (RFC 9112 section 2.2), over Latin-1 strings of bytes. */
import { isValueCode } from '../../http/fieldSyntax.ts';

export const CR = 13;
export const LF = 10;

export type Control = 'none' | 'nul' | 'cr' | 'other';

/** The worst control character in a line: NUL, then bare CR, then any other but HTAB. */
export function worstControl(text: string): Control {
  let worst: Control = 'none';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isValueCode(code)) continue;
    if (code === 0) return 'nul';
    if (code === CR) worst = 'cr';
    else if (worst === 'none') worst = 'other';
  }
  return worst;
}

/** Visible ASCII, as in every form of a request target (RFC 3986 section 2). */
export function isTarget(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isTargetCode(text.charCodeAt(i))) return false;
  return text.length > 0;
}

export function isTargetCode(code: number): boolean {
  return code > 32 && code < 127;
}

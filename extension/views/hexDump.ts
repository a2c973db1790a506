/** Bytes as text. */
import { counted } from '../words/numbers.ts';

/** Bytes that are shown: the text is five times as long. */
const MAX_DUMP = 1024 * 1024;

/** Offset, sixteen bytes, the same as ASCII: as `hexdump -C` shows them. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  const shown = Math.min(bytes.length, MAX_DUMP);
  for (let at = 0; at < shown; at += 16) {
    const row = [...bytes.subarray(at, Math.min(at + 16, shown))];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0'));
    const ascii = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
    const halves = `${hex.slice(0, 8).join(' ')}  ${hex.slice(8).join(' ')}`;
    lines.push(`${at.toString(16).padStart(8, '0')}  ${halves.padEnd(48)}  |${ascii.join('')}|`);
  }
  if (bytes.length > shown)
    lines.push(`… ${counted(bytes.length - shown, '{0} more byte', '{0} more bytes')}`);
  return `${lines.join('\n')}\n`;
}

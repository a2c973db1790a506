/** Addresses of sockets as text. */
import type { OpenedRecord } from './record.ts';

/** `127.0.0.1:80`, `[::1]:80`; null where the record has none (a Unix socket, or neither address nor port). */
export function formatAddress(
  family: OpenedRecord['family'],
  address: Uint8Array,
  port: number,
): string | null {
  if (family === 'unix') return null;
  if (family === 'ipv4') {
    const bytes = address.subarray(0, 4);
    if (port === 0 && bytes.every((byte) => byte === 0)) return null;
    return `${bytes.join('.')}:${port}`;
  }
  if (port === 0 && address.every((byte) => byte === 0)) return null;
  return `[${formatIPv6(address)}]:${port}`;
}

/** RFC 5952: lower case, no leading zeros, the longest run of zeros as `::`, IPv4-mapped as dotted. */
export function formatIPv6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return `::ffff:${bytes.subarray(12, 16).join('.')}`;
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > length) {
      start = i;
      length = run;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

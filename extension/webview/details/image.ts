/**
 * Type and size from an image's first bytes. Only formats whose size is known before decoding, because a small file
 * can claim a size larger than memory. Pure.
 */

export interface ImageInfo {
  readonly type: 'image/png' | 'image/gif' | 'image/jpeg' | 'image/webp' | 'image/bmp';
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** Maximum pixels of a drawn image: four bytes each. */
export const MAX_PIXELS = 40_000_000;

/** @returns null for other formats, or if the bytes do not tell. */
export function imageInfo(bytes: Uint8Array): ImageInfo | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (starts(bytes, '\x89PNG\r\n\x1a\n') && ascii(bytes, 12, 4) === 'IHDR') {
      return made('image/png', view.getUint32(16), view.getUint32(20));
    }
    if (starts(bytes, 'GIF8')) return made('image/gif', view.getUint16(6, true), view.getUint16(8, true));
    if (starts(bytes, 'BM')) {
      return made('image/bmp', view.getInt32(18, true), Math.abs(view.getInt32(22, true)));
    }
    if (starts(bytes, 'RIFF') && ascii(bytes, 8, 4) === 'WEBP') return webp(bytes, view);
    if (starts(bytes, '\xff\xd8\xff')) return jpeg(view);
  } catch {
    // Not enough bytes.
  }
  return null;
}

function made(type: ImageInfo['type'], width: number, height: number): ImageInfo | null {
  return width > 0 && height > 0 ? { type, width, height } : null;
}

/** RFC 9649. */
function webp(bytes: Uint8Array, view: DataView): ImageInfo | null {
  switch (ascii(bytes, 12, 4)) {
    case 'VP8 ':
      return made('image/webp', view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
    case 'VP8L': {
      const bits = view.getUint32(21, true);
      return made('image/webp', (bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
    }
    case 'VP8X': {
      const width = (view.getUint32(24, true) & 0xffffff) + 1;
      return made('image/webp', width, (view.getUint32(26, true) >>> 8) + 1);
    }
    default:
      return null;
  }
}

/** ITU T.81: segments up to the frame header (SOF0 to SOF15, not DHT, JPG or DAC). */
function jpeg(view: DataView): ImageInfo | null {
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return made('image/jpeg', view.getUint16(at + 7), view.getUint16(at + 5));
    }
    at += 2 + view.getUint16(at + 2);
  }
}

function starts(bytes: Uint8Array, text: string): boolean {
  return ascii(bytes, 0, text.length) === text;
}

function ascii(bytes: Uint8Array, from: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(from, from + length));
}

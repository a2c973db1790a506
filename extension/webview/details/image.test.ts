import { deflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { imageInfo } from './image.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

it('knows the formats and sizes of real images', () => {
  // Each 3 × 2 pixels, made by Chromium's canvas, ImageMagick's bmp and gif.
  expect(
    imageInfo(bytes('iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAYAAACddGYaAAAADElEQVR4nGNgIBYAAAAmAAG5')),
  ).toEqual({
    type: 'image/png',
    width: 3,
    height: 2,
  });
  expect(imageInfo(bytes('R0lGODlhAwACAIAAAAAAAAAAACH5BAEAAAAALAAAAAADAAIAAAICRF4AOw=='))).toEqual({
    type: 'image/gif',
    width: 3,
    height: 2,
  });
  const jpeg = Buffer.from(
    'ffd8ffe000104a46494600010100000100010000ffdb000300ffc00011080002000303012200021101031101',
    'hex',
  );
  expect(imageInfo(jpeg)).toEqual({ type: 'image/jpeg', width: 3, height: 2 });
  const bmp = Buffer.alloc(54);
  bmp.write('BM');
  bmp.writeInt32LE(3, 18);
  bmp.writeInt32LE(-2, 22);
  expect(imageInfo(bmp)).toEqual({ type: 'image/bmp', width: 3, height: 2 });
  const lossless = Buffer.from(`RIFF\0\0\0\0WEBPVP8L\0\0\0\0/`, 'latin1');
  expect(imageInfo(Buffer.concat([lossless, Buffer.from([0x02, 0x40, 0, 0, 0])]))).toEqual({
    type: 'image/webp',
    width: 3,
    height: 2,
  });
  const extended = Buffer.alloc(30);
  extended.write('RIFF\0\0\0\0WEBPVP8X', 'latin1');
  extended.writeUIntLE(2, 24, 3);
  extended.writeUIntLE(1, 27, 3);
  expect(imageInfo(extended)).toEqual({ type: 'image/webp', width: 3, height: 2 });
});

it('is unknown for anything else, and for too few bytes', () => {
  const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');
  for (const value of [
    '',
    '\x89PNG\r\n\x1a\n',
    '<svg width="9" height="9"/>',
    '\xff\xd8\xff',
    'GIF89a',
    'RIFF....WEBPVP8?',
    'BM',
  ])
    expect(imageInfo(text(value)), value).toBeNull();
  expect(imageInfo(deflateSync('x'))).toBeNull();
  const endless = Buffer.alloc(100_000, 0xff);
  endless.set([0xff, 0xd8, 0xff]);
  expect(imageInfo(endless)).toBeNull();
});

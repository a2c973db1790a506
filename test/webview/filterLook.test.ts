/** The filter line as it is painted. */
import { expect, it } from 'vitest';
import { variants } from '../kit/tier.mjs';
import { openPanel, type ThemeName } from './harness/panelPage.ts';

const THEMES = ['dark', 'light', 'high-contrast', 'high-contrast-light'] satisfies ThemeName[];

it.each(variants(THEMES))('text that is selected can be read: %s', async (theme) => {
  const panel = await openPanel({ theme });
  const line = panel.page.locator('.filter div.line');
  /** Pixels of the line, by colour. */
  const colours = async (): Promise<Map<string, number>> => {
    const png = (await line.screenshot({ caret: 'hide' })).toString('base64');
    const pixels = await panel.page.evaluate(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
      context?.drawImage(image, 0, 0);
      const { data } = context?.getImageData(0, 0, image.width, image.height) ?? { data: [] };
      return Array.from(
        { length: data.length / 4 },
        (_, i) => `${data[4 * i]},${data[4 * i + 1]},${data[4 * i + 2]}`,
      );
    }, png);
    const counted = new Map<string, number>();
    for (const pixel of pixels) counted.set(pixel, (counted.get(pixel) ?? 0) + 1);
    return counted;
  };
  await panel.page.fill('.filter input', 'orders');
  const text = await panel.page.$eval('.filter .painted', (element) => getComputedStyle(element).color);
  const [red = 0, green = 0, blue = 0] = (/[\d., ]+/.exec(text)?.[0] ?? '').split(',').map(Number);
  const near = (pixel: string): boolean => {
    const [r = 0, g = 0, b = 0] = pixel.split(',').map(Number);
    return Math.abs(r - red) + Math.abs(g - green) + Math.abs(b - blue) < 60;
  };
  const ofText = (all: Map<string, number>): number =>
    [...all].reduce((sum, [pixel, count]) => (near(pixel) ? sum + count : sum), 0);
  const before = ofText(await colours());
  expect(before).toBeGreaterThan(10);
  await panel.page.focus('.filter input');
  await panel.page.keyboard.press('Control+a');
  expect(ofText(await colours())).toBeGreaterThan(before / 3);
  expect(panel.problems).toEqual([]);
  await panel.close();
});

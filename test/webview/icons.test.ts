/**
 * One icon for one meaning: the icons of the panel's buttons are collected from the page, drawn again, and compared as
 * pixels. Icons of commands, tree and status bar are VS Code's: test/unit/icons.test.ts.
 */
import { expect, it } from 'vitest';
import { variants } from '../kit/tier.mjs';
import { calls, exchangeOf, message, statusOf } from './harness/calls.ts';
import { openPanel, type PanelPage, type ThemeName } from './harness/panelPage.ts';

/** Signs, by what they are on. */
const MEANINGS = {
  start: [/^Start$/],
  stop: [/^Stop$/],
  clear: [/^Clear$/],
  dismiss: [/^Close$/, /^Close Details/, /^Clear Filter$/, /^Remove \(Delete\)$/],
  'both ends': [/^Both Ends of a Call in One Row$/],
  nest: [/^Nest Calls/],
  help: [/^Filter and Keys/],
  'saved filters': [/^Saved Filters$/],
  copy: [/^Copy/],
  'show secrets': [/^Show Secrets/],
  'hide secrets': [/^Hide Secrets/],
  'more tabs': [/^More Tabs$/],
  'to the newest': [/^\d+ new$/],
} as const;

interface Sign {
  readonly label: string;
  /** Filled or line, and SVG path data. */
  readonly paths: readonly (readonly [filled: boolean, data: string])[];
  /** CSS pixels. */
  readonly width: number;
  readonly color: string;
}

function signs(panel: PanelPage): Promise<Sign[]> {
  return panel.page.$$eval('button svg', (found) =>
    found.flatMap((svg) => {
      const button = svg.closest('button');
      if (button === null || button.getClientRects().length === 0) return [];
      const paths = [...svg.querySelectorAll('path')].map(
        (path) => [path.classList.contains('filled'), path.getAttribute('d') ?? ''] as const,
      );
      const label = button.getAttribute('aria-label') ?? button.title;
      return [
        {
          label: label === '' ? button.textContent : label,
          paths,
          width: svg.getBoundingClientRect().width,
          color: getComputedStyle(svg).color,
        },
      ];
    }),
  );
}

/** Pixels of 32 by 32 that it covers, with lines as thick as in the panel: what looks the same covers the same. */
function inked(panel: PanelPage, paths: Sign['paths']): Promise<number[]> {
  return panel.page.evaluate((drawn) => {
    const canvas = new OffscreenCanvas(32, 32);
    const context = canvas.getContext('2d')!;
    context.scale(2, 2);
    context.lineWidth = 1.2;
    for (const [filled, data] of drawn) {
      if (filled) context.fill(new Path2D(data));
      else context.stroke(new Path2D(data));
    }
    const { data } = context.getImageData(0, 0, 32, 32);
    return Array.from({ length: 32 * 32 }, (_, i) => i).filter((i) => data[i * 4 + 3]! > 96);
  }, paths);
}

/** Every sign that buttons of the panel have, in one state after the other. */
async function collect(theme: ThemeName): Promise<{ panel: PanelPage; all: Sign[] }> {
  const rows = calls(200);
  const [one, two, cause] = rows;
  const paired = [
    { ...one!, side: 'client' as const, peer: 2 },
    { ...two!, side: 'server' as const, peer: 1 },
    { ...cause!, cause: { id: 2, by: 'time' as const, doubt: null } },
    ...rows.slice(3),
  ];
  const status = { ...statusOf(paired), pairs: 1 };
  const panel = await openPanel({ theme, width: 900 });
  await panel.fill(paired.slice(0, 150), { ...status, phase: 'stopped' });
  const all = await signs(panel);
  await panel.post({ type: 'status', status: { ...status, phase: 'running' } });
  await panel.page.hover('.scroller');
  await panel.page.mouse.wheel(0, -2_000);
  await panel.page.locator('#call-130').waitFor({ state: 'detached' });
  await panel.post({ type: 'rows', rows: paired.slice(150), removed: [] });
  await panel.page.locator('.hint').waitFor();
  all.push(...(await signs(panel)));
  // With another filter the list follows again.
  await panel.page.fill('input', '/');
  all.push(...(await signs(panel)));
  await panel.post({ type: 'reveal', id: 4 });
  // With the tab of its body there are more tabs than have room.
  const request = message({ body: { text: 'password=a' }, bodySize: 10, bodyCaptured: 10 });
  await panel.post({ type: 'details', id: 4, exchange: exchangeOf(rows[3]!, { request }) });
  await panel.page.click('#tab-headers');
  all.push(...(await signs(panel)));
  const secrets = panel.page.getByRole('button', { name: /^Show Secrets/ });
  await secrets.click();
  await panel.settled();
  all.push(...(await signs(panel)));
  await panel.page.getByRole('button', { name: /^Filter and Keys/ }).click();
  all.push(...(await signs(panel)));
  return { panel, all };
}

it('each sign stands for one thing, and no two look alike', async () => {
  const { panel, all } = await collect('dark');
  const byMeaning = new Map<string, Sign['paths']>();
  const drawings = new Map<string, Set<string>>();
  for (const { label, paths } of all) {
    const meaning = Object.entries(MEANINGS).find(([, labels]) => labels.some((one) => one.test(label)))?.[0];
    expect(meaning, `a sign on “${label}”, which is not in the table`).toBeDefined();
    byMeaning.set(meaning!, paths);
    const drawing = JSON.stringify(paths);
    drawings.set(drawing, (drawings.get(drawing) ?? new Set()).add(meaning!));
  }
  expect([...byMeaning.keys()].sort()).toEqual(Object.keys(MEANINGS).sort());
  for (const meanings of drawings.values()) expect([...meanings]).toHaveLength(1);
  expect(drawings.size).toBe(byMeaning.size);

  const ink = new Map<string, Set<number>>();
  for (const [meaning, paths] of byMeaning) ink.set(meaning, new Set(await inked(panel, paths)));
  const alike: string[] = [];
  for (const [a, pixels] of ink) {
    expect(pixels.size, `${a} is seen`).toBeGreaterThan(60);
    for (const [b, others] of ink) {
      if (a >= b) continue;
      const common = [...pixels].filter((pixel) => others.has(pixel)).length;
      const share = common / (pixels.size + others.size - common);
      if (share > 0.5) alike.push(`${a} and ${b}: ${share.toFixed(2)}`);
    }
  }
  expect(alike).toEqual([]);
  await panel.close();
});

it.each(variants(['dark', 'light', 'high-contrast', 'high-contrast-light'] as const, 1, 2))(
  'signs stand out from what is behind them: %s',
  async (theme) => {
    const { panel, all } = await collect(theme);
    const background = await panel.page.evaluate(() => {
      const color = getComputedStyle(document.documentElement).getPropertyValue('--vscode-panel-background');
      const probe = document.createElement('span');
      probe.style.color = color;
      document.body.append(probe);
      return getComputedStyle(probe).color;
    });
    for (const { label, color, width } of all) {
      expect(width, label).toBeGreaterThanOrEqual(12);
      // WCAG 2.2, 1.4.11: what is needed to know a control. The button "n new" has a background of its own.
      if (!/ new$/.test(label)) expect(contrast(color, background), label).toBeGreaterThanOrEqual(3);
    }
    await panel.close();
  },
);

function contrast(one: string, other: string): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/** WCAG's relative luminance of `rgb(r, g, b)`. */
function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = (color.match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

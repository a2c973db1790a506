/** A panel that is shown but not drawn, as after VS Code has moved it (extension/webview/clipped.ts). */
import { expect, inject, it } from 'vitest';
import { openPanel } from './harness/panelPage.ts';

it('reports that nothing of it is drawn, again while that lasts, and no more when it is', async () => {
  const panel = await openPanel();
  const { page } = panel;
  // Any page of the same server that has no Content-Security-Policy, with the panel in a frame.
  await page.goto(`${inject('panel')}dist/panel.css`);
  const openFrame = async (top: number): Promise<() => Promise<number>> => {
    const handle = await page.evaluateHandle(
      ([address, offset]) => {
        document.body.innerHTML = '<div style="position: relative; height: 300px; overflow: hidden"></div>';
        const frame = document.createElement('iframe');
        frame.style.cssText = `position: absolute; top: ${offset}px; width: 800px; height: 300px`;
        frame.src = address;
        document.body.firstElementChild?.append(frame);
        return frame;
      },
      [inject('panel'), top] as const,
    );
    const sent = (type: string): Promise<number> =>
      handle.evaluate(
        ({ contentWindow }, wanted) =>
          contentWindow?.sentToHost?.filter((message) => message.type === wanted).length ?? 0,
        type,
      );
    await expect.poll(() => sent('ready')).toBe(1);
    return () => sent('clipped');
  };

  const away = await openFrame(2_000);
  await expect.poll(away, { timeout: 30_000 }).toBe(1);
  await expect.poll(away, { timeout: 30_000 }).toBe(2);

  const inView = await openFrame(0);
  await page.waitForTimeout(1_500);
  expect(await inView()).toBe(0);
  await panel.close();
});

// A program that is already running, without a debugger.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export async function picking(steps, workbench, { url, workspace }) {
  const { page, rows } = workbench;
  const program = spawn(process.execPath, [join(workspace, 'both.js')], { stdio: 'ignore' });
  try {
    await steps.step(
      'without a debug session Start asks for a process, found by its command line',
      async () => {
        await workbench.open(url, workspace);
        await workbench.command('Start HTTP Trace for Process…');
        await workbench.picks.first().waitFor();
        await page.keyboard.press('Escape');
        await workbench.command('Start HTTP Trace');
        await workbench.answer('both.js');
        await workbench.picks
          .filter({ hasText: String(program.pid) })
          .first()
          .waitFor();
        await workbench.picture('process-picker-dark');
        await page.keyboard.press('Enter');
        await rows.filter({ hasText: '/orders' }).first().waitFor();
      },
    );

    await steps.step('the trace ends with the process, and the calls stay', async () => {
      program.kill();
      await page.locator('.statusbar-item[id*="httpTrace"] .codicon-debug-stop').waitFor();
      assert((await rows.count()) > 0);
    });
  } finally {
    program.kill();
  }
}

/**
 * Context of a panel element for VS Code's menus: for the conditions in package.json, and as the argument of commands.
 */
import type { ExchangeRow } from '../engine/row.ts';

/** @param only without Cut, Copy and Paste, which VS Code adds to every webview menu */
export function callContext(row: ExchangeRow, only: boolean): string {
  return JSON.stringify({
    webviewSection: 'call',
    callId: row.id,
    callPinned: row.pinned,
    callSource: row.debug?.source != null,
    preventDefaultContextMenuItems: only,
  });
}

/** Without any menu. */
export const NO_MENU = JSON.stringify({ preventDefaultContextMenuItems: true });
/** For text inputs. */
export const TEXT_MENU = JSON.stringify({ preventDefaultContextMenuItems: false });

/** The extension under test, and shortcuts to what it shows. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { ExchangeRow } from '../../../extension/engine/row.ts';
import type { Insight } from '../../../extension/extension.ts';
import type { TreeNode } from '../../../extension/views/callTree.ts';
import { eventually } from './harness.ts';

export function extension(): vscode.Extension<Insight> {
  const found = vscode.extensions.getExtension<Insight>('http-trace.http-trace');
  assert(found, 'the extension is installed');
  return found;
}

export function insight(): Insight {
  return extension().exports;
}

export function rows(): ExchangeRow[] {
  return [...insight().trace.rows.values()];
}

/** `GET /products?page=1 200`, with the side that saw it. */
export function inWords(row: ExchangeRow): string {
  return `${row.side} ${row.method} ${row.path} ${row.status}`;
}

/** Labels of the tree as a user would read them, without calls' durations. */
export function outline(node?: TreeNode): string[] {
  const { calls } = insight();
  return calls.getChildren(node).flatMap((child) => {
    const { label } = calls.getTreeItem(child);
    return [String(label), ...outline(child).map((line) => `  ${line}`)];
  });
}

export async function debug(configuration: string): Promise<void> {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert(await vscode.debug.startDebugging(folder, configuration), `${configuration} starts`);
}

/** Ends all debug sessions and waits until they are gone. */
export async function stopDebugging(): Promise<void> {
  await vscode.debug.stopDebugging();
  await eventually(() => insight().sessions.all.length === 0, 'no debug session is left');
}

export async function command(name: string, ...args: unknown[]): Promise<void> {
  await vscode.commands.executeCommand(name, ...args);
}

/** Every call of a round of the sample's customer, as the side that makes it and the side that answers it sees it. */
export const ROUND = [
  'GET / 200',
  'GET /products?page=1 200',
  'HEAD /products 200',
  'GET /catalogue 200',
  'POST /orders 201',
  'PUT /cart 204',
  'GET /stock 200',
  'GET /lamps 301',
  'GET /chairs 404',
  'DELETE /cash-register 500',
  'GET /report 200',
] as const;

export const BOTH_SIDES = ROUND.flatMap((call) => [`client ${call}`, `server ${call}`]);

/** Waits until every expected call has ended, and fails when any other was seen. */
export async function expectCalls(expected: readonly string[], after = 0): Promise<void> {
  const seen = () => rows().filter((row) => row.id > after && row.state === 'ended' && row.side !== null);
  try {
    await eventually(() => {
      const words = new Set(seen().map(inWords));
      return expected.every((call) => words.has(call));
    }, 'all calls of a round');
  } catch (error) {
    const words = new Set(seen().map(inWords));
    const missing = expected.filter((call) => !words.has(call));
    throw new Error(
      `${(error as Error).message}; missing: ${missing.join(', ')}; seen: ${[...words].join(', ')}`,
    );
  }
  const known = new Set<string>(expected);
  // A call that was under way when the trace began is known in part only; it says so.
  const others = seen().filter(
    (row) => !known.has(inWords(row)) && !row.completeness.includes('joined-late'),
  );
  assert.deepEqual(
    others.map((row) => `${inWords(row)} [${row.completeness}]`),
    [],
  );
}

/**
 * As the user does. The editor knows of a request of its own alone that the program runs again: not all adapters say so.
 */
export async function continueDebugging(): Promise<void> {
  await command('workbench.action.debug.continue');
}

/**
 * To be called repeatedly: continues a program that is stopped at a break, once for each stop. debugpy 1.6 answers a
 * second `continue` only when the program has stopped once more, and until then no other request.
 */
export function continuing(): () => void {
  let continued: unknown = null;
  return () => {
    const [hit] = insight().callBreaks.currentHits;
    const isShown = vscode.debug.activeStackItem instanceof vscode.DebugStackFrame;
    if (hit === undefined || hit === continued || !isShown) return;
    continued = hit;
    void continueDebugging();
  };
}

/** Ruby's debugger stops as soon as its program is loaded; before that it could not be continued. */
export async function goOnFromStart(): Promise<void> {
  const isStopped = () => vscode.debug.activeStackItem instanceof vscode.DebugStackFrame;
  await eventually(isStopped, 'the program is stopped');
  await continueDebugging();
}

/** Traces that survive a window reload, or the exit of VS Code: where they are kept, and how they are restored. */

import { join } from 'node:path';
import * as vscode from 'vscode';
import {
  byTrace,
  comesBack,
  isRunning,
  type KeptPart,
  keptParts,
  makeFolder,
  removeParts,
  takeOver,
  thisRun,
} from './capture/keptFiles.ts';
import type { KeepOptions } from './capture/traceKeeper.ts';
import type { WorkerTrace } from './capture/workerTrace.ts';
import { type KeepCalls, Setting } from './contributions.ts';
import { t } from './words/translate.ts';

const DEFAULT_LIMIT = 256 * 1024 * 1024;
/** As in package.json; VS Code warns about other values, but passes them on. */
const MIN_LIMIT = 1024 * 1024;
const MAX_LIMIT = 64 * 1024 * 1024 * 1024;
/** How long the previous extension host may take to exit, and how often it is polled, in milliseconds. */
const ENDING = 15_000;
const INTERVAL = 250;

export class KeptTraces implements vscode.Disposable {
  /** null: a window without a workspace, whose traces cannot come back to it. */
  readonly #workspaceFolder: string | null;
  readonly #folder: string;
  readonly #run = thisRun();
  readonly #supported: boolean;
  #listener: vscode.Disposable | null = null;
  #disposed = false;

  constructor(context: vscode.ExtensionContext, supported: boolean) {
    const storage = context.storageUri?.scheme === 'file' ? context.storageUri.fsPath : null;
    this.#workspaceFolder = storage === null ? null : join(storage, 'kept');
    this.#folder = this.#workspaceFolder ?? join(context.globalStorageUri.fsPath, 'kept');
    this.#supported = supported;
  }

  /** null: nothing is kept. */
  get options(): KeepOptions | null {
    if (!this.#supported || keepCalls() === 'never' || !vscode.workspace.isTrusted) return null;
    const limit = vscode.workspace.getConfiguration().get<unknown>(Setting.keepLimit);
    const bytes = typeof limit === 'number' && Number.isSafeInteger(limit) ? limit : DEFAULT_LIMIT;
    return { folder: this.#folder, limit: Math.min(MAX_LIMIT, Math.max(MIN_LIMIT, bytes)), run: this.#run };
  }

  /** Restores kept traces, removes unwanted ones. */
  async restore(trace: WorkerTrace): Promise<void> {
    this.#listener = vscode.workspace.onDidChangeConfiguration((change) => {
      if (!change.affectsConfiguration(Setting.keepCalls)) return;
      if (keepCalls() !== 'never') void makeFolder(this.#folder);
      else {
        trace.forgetKept();
        void keptParts(this.#folder).then((parts) => removeParts(parts.filter(isOwn)));
      }
    });
    if (!this.#supported || !vscode.workspace.isTrusted) return;
    if (keepCalls() !== 'never') await makeFolder(this.#folder);
    const left = await this.#left();
    const wanted = left.filter(({ run }) => this.#isWanted(run));
    await removeParts(left.filter((part) => !wanted.includes(part)));
    for (const parts of byTrace(await takeOver(this.#folder, wanted))) {
      if (this.#disposed) return;
      // Shown on the rows. A trace that cannot be read is of another version, or holds nothing.
      const name = parts[0]?.run === this.#run ? t('before the reload') : t('an earlier run');
      await trace.restore(parts, name).catch(() => removeParts(parts));
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#listener?.dispose();
  }

  #isWanted(run: string): boolean {
    return this.#workspaceFolder !== null && comesBack(keepCalls(), run, this.#run);
  }

  /** Parts of exited extension hosts: this window's last one may be about to. */
  async #left(): Promise<KeptPart[]> {
    const deadline = Date.now() + ENDING;
    for (;;) {
      const parts = (await keptParts(this.#folder)).filter((part) => !isOwn(part));
      const left = parts.filter(({ pid }) => !isRunning(pid));
      if (left.length === parts.length || Date.now() > deadline || this.#disposed) return left;
      await new Promise((resolve) => setTimeout(resolve, INTERVAL));
    }
  }
}

function isOwn({ pid }: KeptPart): boolean {
  return pid === process.pid;
}

function keepCalls(): KeepCalls {
  const value = vscode.workspace.getConfiguration().get<unknown>(Setting.keepCalls);
  return value === 'never' || value === 'always' ? value : 'reload';
}

/**
 * The .proto files of the workspace, read when the first gRPC call is seen and again when one changes. Only a
 * trusted workspace's files are read: their names are shown as facts.
 */
import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { MAX_PROTO_BYTES, MAX_PROTO_FILES } from './limits.ts';
import type { ProtoFile } from './readProtos.ts';

const FILES = '**/*.proto';
const SKIPPED = '**/{node_modules,.git}/**';
/** Several files are saved at once. */
const SETTLE_MS = 500;

export class WorkspaceProtos implements vscode.Disposable {
  readonly #trace: Trace;
  readonly #disposables: vscode.Disposable[] = [];
  #waiting: { dispose(): void } | null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#waiting = trace.onDidChangeRows(({ rows }) => {
      if (!vscode.workspace.isTrusted || !rows.some((row) => row.messageFormat === 'grpc')) return;
      this.#waiting?.dispose();
      this.#waiting = null;
      this.#watch();
      void this.#read();
    });
  }

  dispose(): void {
    this.#waiting?.dispose();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #watch(): void {
    const watcher = vscode.workspace.createFileSystemWatcher(FILES);
    const again = (): void => {
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#read(), SETTLE_MS);
    };
    this.#disposables.push(
      watcher,
      watcher.onDidChange(again),
      watcher.onDidCreate(again),
      watcher.onDidDelete(again),
    );
  }

  /** A file that cannot be read or parsed is passed over: the message is then shown by wire type. */
  async #read(): Promise<void> {
    const files: ProtoFile[] = [];
    let bytes = 0;
    for (const uri of await vscode.workspace.findFiles(FILES, SKIPPED, MAX_PROTO_FILES)) {
      try {
        const content = await vscode.workspace.fs.readFile(uri);
        bytes += content.length;
        if (bytes > MAX_PROTO_BYTES) break;
        files.push({ path: uri.path, text: Buffer.from(content).toString() });
      } catch {}
    }
    if (files.length === 0) return;
    const { readProtos } = await import('./readProtos.ts');
    this.#trace.setProtos(readProtos(files).schema);
  }
}

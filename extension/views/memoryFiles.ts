/** Documents in memory only, as a VS Code file system provider. */
import * as vscode from 'vscode';

/** The oldest are dropped, the newest never. */
const MAX_FILES = 100;
const MAX_BYTES = 64 * 1024 * 1024;

interface MemoryFile {
  bytes: Uint8Array;
  changed: number;
}

export class MemoryFiles implements vscode.FileSystemProvider, vscode.Disposable {
  readonly #scheme: string;
  readonly #files = new Map<string, MemoryFile>();
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly #registration: vscode.Disposable;
  #made = 0;

  readonly onDidChangeFile = this.#changed.event;

  constructor(scheme: string, isReadonly: boolean) {
    this.#scheme = scheme;
    this.#registration = vscode.workspace.registerFileSystemProvider(scheme, this, {
      isCaseSensitive: true,
      isReadonly,
    });
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  /** @param name of the file: what its tab says. */
  create(name: string, bytes: Uint8Array): vscode.Uri {
    this.#made += 1;
    const uri = vscode.Uri.from({ scheme: this.#scheme, path: `/${this.#made}/${name}` });
    this.#files.set(uri.path, { bytes, changed: Date.now() });
    let size = [...this.#files.values()].reduce((sum, file) => sum + file.bytes.length, 0);
    for (const [path, file] of this.#files) {
      if (path === uri.path || (this.#files.size <= MAX_FILES && size <= MAX_BYTES)) break;
      this.#files.delete(path);
      size -= file.bytes.length;
    }
    return uri;
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    const { bytes, changed } = this.#file(uri);
    return { type: vscode.FileType.File, ctime: changed, mtime: changed, size: bytes.length };
  }

  readFile(uri: vscode.Uri): Uint8Array {
    return this.#file(uri).bytes;
  }

  writeFile(uri: vscode.Uri, content: Uint8Array): void {
    const file = this.#file(uri);
    file.bytes = content;
    file.changed = Date.now();
    this.#changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  #file(uri: vscode.Uri): MemoryFile {
    const file = this.#files.get(uri.path);
    // The window may restore an editor whose request was in another one.
    if (file === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return file;
  }
}

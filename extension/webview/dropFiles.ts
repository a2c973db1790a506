/** Files dropped on the panel: from VS Code's Explorer as URIs, from the operating system as content. */
import type { ToHost } from '../views/webviewProtocol.ts';

/** Maximum bytes of a file sent; a larger one is opened by its path, with Open Trace…. */
const MAX_DROPPED = 128 * 1024 * 1024;
/** Files per drop. */
const MAX_FILES = 20;
/** VS Code's, then the standard. */
const URI_TYPES = ['application/vnd.code.uri-list', 'text/uri-list'];

/** @param mark receives whether files are being dragged over the panel. */
export function acceptFiles(send: (message: ToHost) => void, mark: (over: boolean) => void): void {
  let left: ReturnType<typeof setTimeout> | null = null;
  const over = (is: boolean): void => {
    if (left !== null) clearTimeout(left);
    left = null;
    mark(is);
  };
  window.addEventListener('dragover', (event) => {
    if (!holdsFiles(event.dataTransfer)) return;
    event.preventDefault();
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = 'copy';
    over(true);
    // Browsers do not always send `dragleave`.
    left = setTimeout(() => over(false), 500);
  });
  window.addEventListener('dragleave', () => over(false));
  window.addEventListener('drop', (event) => {
    over(false);
    const { dataTransfer } = event;
    if (dataTransfer === null || !holdsFiles(dataTransfer)) return;
    event.preventDefault();
    const uris = urisOf(dataTransfer);
    if (uris.length > 0) send({ type: 'openUris', uris });
    else for (const file of [...dataTransfer.files].slice(0, MAX_FILES)) void handOver(file, send);
  });
}

function holdsFiles(data: DataTransfer | null): boolean {
  const types = data?.types ?? [];
  return types.includes('Files') || URI_TYPES.some((type) => types.includes(type));
}

function urisOf(data: DataTransfer): string[] {
  for (const type of URI_TYPES) {
    const lines = data.getData(type).split(/\r?\n/);
    const uris = lines.filter((line) => line !== '' && !line.startsWith('#'));
    if (uris.length > 0) return uris.slice(0, MAX_FILES);
  }
  return [];
}

async function handOver(file: File, send: (message: ToHost) => void): Promise<void> {
  const { name, size } = file;
  const bytes = size > MAX_DROPPED ? null : await file.arrayBuffer().catch(() => null);
  send({ type: 'openFile', name, bytes: bytes === null ? null : new Uint8Array(bytes) });
}

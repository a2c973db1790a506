/** Opens files in the engine's thread, even while a trace runs. All calls of a file are added to the list at once. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { History } from './history.ts';
import { joined, type KeptPart, thisRun } from './keptFiles.ts';
import { readFile } from './openFile.ts';
import { TraceError } from './trace.ts';
import type { FromWorker, ToWorker } from './workerProtocol.ts';

/** Bytes: large enough to be fast, small enough that a running trace is served in between. */
const PIECE = 256 * 1024;

type Open = Extract<ToWorker, { type: 'open' }>;

export class FileOpener {
  readonly #history: History;
  readonly #send: (message: FromWorker) => void;
  /** Requests that were cancelled while in progress. */
  readonly #cancelled = new Set<number>();

  constructor(history: History, send: (message: FromWorker) => void) {
    this.#history = history;
    this.#send = send;
  }

  cancel(request: number): void {
    this.#cancelled.add(request);
  }

  /** @returns whether the times of all rows have changed. @throws TraceError */
  async open({ request, content, name }: Open): Promise<boolean> {
    try {
      const kept = isKept(content) ? content : null;
      const pieces = this.#counted(request, piecesOf(content), await sizeOf(content));
      const file = await readFile(pieces, {
        cancelled: () => this.#cancelled.has(request),
        unended: kept !== null,
      });
      const { source, began, calls } = file;
      const note = kept === null ? file.note : keptNote(kept, file.note);
      const earlier = this.#history.add(source, began, { name, note, kept: kept !== null });
      this.#send({ type: 'opened', request, calls, note });
      return earlier;
    } catch (error) {
      throw error instanceof TraceError ? error : new TraceError('file', reasonOf(error));
    } finally {
      this.#cancelled.delete(request);
    }
  }

  async *#counted(
    request: number,
    pieces: AsyncIterable<Uint8Array>,
    size: number,
  ): AsyncGenerator<Uint8Array> {
    let read = 0;
    let reported = 0;
    for await (const piece of pieces) {
      yield piece;
      read += piece.length;
      const percent = size === 0 ? 0 : Math.min(100, Math.floor((read / size) * 100));
      if (percent > reported) this.#send({ type: 'opening', request, percent });
      reported = percent;
      // Lets other waiting work run first.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

type Content = Open['content'];

function isKept(content: Content): content is readonly KeptPart[] {
  return Array.isArray(content);
}

/** @param note a further remark for the user. */
function keptNote(parts: readonly KeptPart[], note: string | null): string {
  const dropped =
    (parts[0]?.part ?? 1) > 1 ? ' Its oldest part was dropped, because more was captured than is kept.' : '';
  const more = note === null ? '' : ` ${note}`;
  return parts[0]?.run === thisRun()
    ? `Kept from before the window was reloaded: that trace has ended.${dropped}${more}`
    : `Kept from an earlier run of VS Code: that trace has ended.${dropped}${more}`;
}

async function sizeOf(content: Content): Promise<number> {
  if (isKept(content)) return content.reduce((sum, { size }) => sum + size, 0);
  if (typeof content !== 'string') return content.length;
  const stats = await stat(content);
  // Opening a pipe could wait forever.
  if (!stats.isFile()) throw new TraceError('file', 'This is not a file.');
  return stats.size;
}

function piecesOf(content: Content): AsyncIterable<Uint8Array> {
  if (isKept(content)) return joined(content, PIECE);
  if (typeof content === 'string') return createReadStream(content, { highWaterMark: PIECE });
  return cut(content);
}

async function* cut(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'There is no such file.',
  EACCES: 'You do not have permission to read this file.',
  EPERM: 'You do not have permission to read this file.',
  EISDIR: 'This is a folder.',
};

function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? `The file cannot be read: ${message}`;
}

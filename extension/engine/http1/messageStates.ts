/** The state machine that reads one direction: the current state and the transitions between states. */
import type { Origin, Outcome } from '../byteStream.ts';
import type { StoredMessage } from '../storedMessage.ts';
import { BodyProbe } from './bodyProbe.ts';
import { ChunkedBody } from './chunkedBody.ts';
import { ChunkSearch } from './chunkSearch.ts';
import { ForeignAnswer } from './foreignAnswer.ts';
import { type Framing, persists } from './framing.ts';
import type { FramingFields } from './framingFields.ts';
import { HeadReader } from './headReader.ts';
import { type Line, LineReader } from './lineReader.ts';
import type { MessageProgress } from './messageProgress.ts';
import { CloseDelimitedBody, LengthBody } from './plainBody.ts';
import { HELD, type ReaderState, type Transitions } from './readerState.ts';
import { StartReader } from './startReader.ts';
import { Tunnel, Unread } from './unreadBytes.ts';

export class MessageStates implements Transitions {
  readonly #progress: MessageProgress;
  readonly #line = new LineReader();
  readonly #start: StartReader;
  readonly #head: HeadReader;
  readonly #length: LengthBody;
  // Created on first use: many connections never need them.
  #probe: BodyProbe | null = null;
  #closeDelimited: CloseDelimitedBody | null = null;
  #chunked: ChunkedBody | null = null;
  #chunkSearch: ChunkSearch | null = null;

  #current: ReaderState;
  #tunnelNext = false;

  /** @param midStream when the first byte need not begin a message. */
  constructor(progress: MessageProgress, midStream: boolean) {
    this.#progress = progress;
    this.#start = new StartReader(progress, this.#line, this);
    this.#head = new HeadReader(progress, this.#line, this);
    this.#length = new LengthBody(progress, this);
    this.#current = this.#start;
    if (midStream) this.#start.search();
  }

  /** The state that reads the next bytes. */
  get current(): ReaderState {
    return this.#current;
  }

  /** True where no message is under way. */
  get idle(): boolean {
    return this.#progress.message === null && !(this.#current === this.#start && this.#start.inLine);
  }

  concludeWithoutBody(): void {
    if (this.#current === this.#probe && this.#probe?.empty === true) this.finish('complete');
  }

  answerBegins(ended: boolean): void {
    this.#start.answerBegins(ended);
  }

  becomeTunnel(): void {
    if (this.#progress.message !== null) this.#tunnelNext = true;
    else if (!(this.#current instanceof Unread)) this.#current = new Tunnel(this.#progress);
  }

  end(outcome: 'cut' | 'open', orderly: boolean): void {
    if (this.#current === this.#probe) this.#probe?.release();
    this.#current.end(outcome, orderly);
    this.stopReading();
  }

  // ── transitions ────────────────────────────────────────────────────────────────────────────────────────

  startLineRead(message: StoredMessage, line: Line): void {
    this.#head.begin(message, line);
    this.#current = this.#head;
  }

  foreignAnswerBegan(held: Buffer, context: Origin): void {
    const state = new ForeignAnswer(this.#progress, this);
    state.add(held, 0, context);
    this.#current = state;
  }

  startLineBegan(): void {
    this.#start.resumeLine();
    this.#current = this.#start;
  }

  headRead(message: StoredMessage, fields: FramingFields, framing: FramingFields): void {
    const { kind, sink } = this.#progress;
    // No byte after the head has been taken yet.
    message.headSize = message.wireSize;
    const result = sink.headEnded(message, framing);
    const interim = kind === 'response' && message.status < 200;
    this.#start.closing = !interim && !persists(message.version, fields);
    for (const name of result.broken) message.breaks(name, message.position);
    message.transferCodings = result.codings;
    if (result.doubtful && mayHaveBody(result.framing)) {
      this.#probe ??= new BodyProbe(this.#progress, this.#line, this);
      this.#probe.begin(result.framing);
      this.#current = this.#probe;
    } else this.#readBody(result.framing);
  }

  bodyExists(framing: Framing, held: Buffer, context: Origin): void {
    this.#readBody(framing);
    for (let at = 0; at < held.length; ) {
      const next = this.#current.read(held, at, context);
      if (next === HELD) {
        this.#progress.take(held.length - at, context);
        return;
      }
      at = next;
    }
  }

  loseChunks(inGap: boolean): void {
    this.#line.clear();
    this.#progress.loseBody();
    this.#chunkSearch ??= new ChunkSearch(this.#progress, this.#line, this);
    this.#chunkSearch.begin(inGap);
    this.#current = this.#chunkSearch;
  }

  finish(outcome: Outcome): void {
    const message = this.#progress.end(outcome);
    this.#line.clear();
    if (this.#tunnelNext) this.#current = new Tunnel(this.#progress);
    else {
      if (outcome === 'lost') this.#start.search();
      else this.#start.begin();
      this.#current = this.#start;
    }
    this.#tunnelNext = false;
    this.#progress.sink.messageEnded(message, outcome);
  }

  lose(length: number): void {
    const { kind, sink } = this.#progress;
    this.#progress.skip(length);
    this.#line.clear();
    this.#start.search();
    this.#current = this.#start;
    sink.hidden(kind);
  }

  stopReading(): void {
    this.#current = new Unread(this.#progress);
  }

  #readBody(framing: Framing): void {
    switch (framing.kind) {
      case 'none':
        this.finish('complete');
        return;
      case 'length':
        if (framing.length === 0) this.finish('complete');
        else {
          this.#length.begin(framing.length);
          this.#current = this.#length;
        }
        return;
      case 'chunked':
        this.#chunked ??= new ChunkedBody(this.#progress, this.#line, this);
        this.#chunked.begin();
        this.#current = this.#chunked;
        return;
      case 'close':
        this.#closeDelimited ??= new CloseDelimitedBody(this.#progress, this);
        this.#current = this.#closeDelimited;
        return;
      case 'tunnel':
        this.#tunnelNext = true;
        this.finish('complete');
        return;
    }
  }
}

function mayHaveBody(framing: Framing): boolean {
  return framing.kind === 'length'
    ? framing.length > 0
    : framing.kind === 'chunked' || framing.kind === 'close';
}

/** Every message between the extension host and the engine's worker thread. */
import type { BreakRequest, BreakState } from '../../helper/protocol.ts';
import type { Question } from '../elevation/launch.ts';
import type { Way } from '../elevation/ways.ts';
import type { MessageKind } from '../engine/exchange.ts';
import type { ExchangeJson, StreamMessageJson } from '../engine/exchangeJson.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import type { ExchangeRow } from '../engine/row.ts';
import type { TraceStatus } from '../engine/traceStatus.ts';
import type { KeptPart } from './keptFiles.ts';
import type { TraceError } from './trace.ts';
import type { KeepOptions } from './traceKeeper.ts';

/** What is set when a trace begins. */
export interface TraceSettings {
  /** Bytes of each body that are captured; null = all. */
  readonly bodyLimit: number | null;
  /** Bytes that may wait in the helper before bodies are left out. */
  readonly backlog: number;
  /** Follow fork and exec. */
  readonly children: boolean;
  /** For how long a helper is kept for the next trace, in milliseconds; 0: not at all. */
  readonly keepMs: number;
  /** Where traces are kept; null: nowhere. */
  readonly keep: KeepOptions | null;
  /** Scripts that debuggers run beside the program, absolute paths: calls of such processes are not shown. */
  readonly debuggerScripts: readonly string[];
}

export interface WorkerOptions extends TraceSettings {
  readonly nativePath: string;
  readonly helperPath: string;
}

export type ToWorker =
  | {
      readonly type: 'start';
      readonly request: number;
      readonly options: WorkerOptions;
      readonly pids: readonly number[];
    }
  /** Arms the trace: traces what these processes start from now on, and shows it once it is named with `confirm`. */
  | {
      readonly type: 'arm';
      readonly request: number;
      readonly options: WorkerOptions;
      readonly seeds: readonly number[];
    }
  /** These processes are debugged: shows their calls if seeds have started them. */
  | { readonly type: 'confirm'; readonly pids: readonly number[] }
  /** Drops unnamed processes that seeds started at least this long ago. */
  | { readonly type: 'leaveOutUnnamed'; readonly olderMs: number }
  /** Break on Calls by ptrace: answered by `break`, then `done`. */
  | { readonly type: 'break'; readonly request: number; readonly what: Omit<BreakRequest, 'request'> }
  | { readonly type: 'stop'; readonly request: number }
  /** How long a helper is kept from now on; 0: a kept helper ends now. */
  | { readonly type: 'keepHelper'; readonly keepMs: number }
  /** Drops the records that still wait while a trace is being stopped. */
  | { readonly type: 'cutShort' }
  | { readonly type: 'clear' }
  | { readonly type: 'pin'; readonly id: number; readonly pinned: boolean }
  | { readonly type: 'protos'; readonly schema: ProtoSchema }
  | {
      readonly type: 'details';
      readonly request: number;
      readonly id: number;
      readonly reveal: boolean;
      /** Of each message inside; null: all that is held. */
      readonly messageBytes: number | null;
    }
  | {
      readonly type: 'message';
      readonly request: number;
      readonly id: number;
      readonly number: number;
      readonly reveal: boolean;
    }
  /** The loader that was requested with `launch` has ended, or the helper that it had become. */
  | {
      readonly type: 'launched';
      readonly launch: number;
      readonly code: TraceError['code'];
      readonly message: string;
      readonly signal: string | null;
    }
  | { readonly type: 'body'; readonly request: number; readonly id: number; readonly kind: MessageKind }
  | {
      readonly type: 'search';
      readonly request: number;
      readonly query: string;
      readonly ids: readonly number[];
    }
  /**
   * Reads a file of calls into the list. `content`: its path, its bytes, or the parts of a kept trace. `name`: shown by
   * its rows as their origin.
   */
  | {
      readonly type: 'open';
      readonly request: number;
      readonly content: string | Uint8Array | readonly KeptPart[];
      readonly name: string;
    }
  /** Cancels reading a file: none of it is shown. */
  | { readonly type: 'cancelOpen'; readonly request: number }
  /** Flushes the running trace to its files. Refused if it is not kept. */
  | { readonly type: 'flushKept'; readonly request: number }
  /** Stops keeping traces, and deletes those that were kept. */
  | { readonly type: 'forgetKept' }
  /** How a command requested with `ask` ended. */
  | {
      readonly type: 'asked';
      readonly code: TraceError['code'];
      readonly message: string;
      readonly signal: string | null;
    };

export type FromWorker =
  /** `request` null: a process was stopped, and no answer has reported it. */
  | { readonly type: 'break'; readonly request: number | null; readonly state: BreakState }
  | { readonly type: 'done'; readonly request: number }
  | {
      readonly type: 'refused';
      readonly request: number;
      readonly code: TraceError['code'];
      readonly message: string;
    }
  | { readonly type: 'details'; readonly request: number; readonly exchange: ExchangeJson | null }
  | { readonly type: 'message'; readonly request: number; readonly message: StreamMessageJson | null }
  | { readonly type: 'body'; readonly request: number; readonly bytes: Uint8Array | null }
  | {
      readonly type: 'found';
      readonly request: number;
      readonly results: readonly (readonly [id: number, found: number])[];
    }
  /** How much of a file was read. */
  | { readonly type: 'opening'; readonly request: number; readonly percent: number }
  /** The file was read; its rows come next, then `done`. */
  | {
      readonly type: 'opened';
      readonly request: number;
      readonly calls: number;
      readonly note: string | null;
    }
  | { readonly type: 'rows'; readonly rows: readonly ExchangeRow[]; readonly removed: readonly number[] }
  | { readonly type: 'status'; readonly status: TraceStatus }
  /** Asks the host to start the loader, because the helper inherits the priority of the thread that starts it. */
  | {
      readonly type: 'launch';
      readonly launch: number;
      readonly way: Way;
      readonly options: readonly string[];
      readonly requester: number;
    }
  /** A command that prompts for a password has to be run where the user sees it. */
  | { readonly type: 'ask'; readonly question: Question };

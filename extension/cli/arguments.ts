/** Parses the command line, and checks all of it before anything is opened or started. */
import { parseArgs } from 'node:util';
import { BACKENDS, type Backend, MIN_BACKLOG, TLS_WAYS, type TlsWay } from '../../helper/protocol.ts';
import { DEFAULT_BODY_LIMIT } from '../engine/limits.ts';
import { type Filter, parseFilter } from '../filter/parser.ts';
import { otlpEndpoint } from '../otlp/exporter.ts';
import { nearestName } from '../words/nearestName.ts';
import { parseDuration, parseSize } from '../words/numbers.ts';
import { DEFAULT_FORMAT, EXPORT_FORMAT, FORMAT_NAMES, type FormatName } from './formats.ts';

/** Smallest and largest data ring in bytes: below, one large send does not fit; above, nothing is gained. */
const RING_MIN = 64 * 1024;
const RING_MAX = 512 * 1024 * 1024;
const BACKLOG_MAX = 64 * 1024 ** 3;

export interface ShowOptions {
  readonly format: FormatName;
  /** null = standard output. */
  readonly output: string | null;
  /** Which exchanges are shown; null = all. */
  readonly filter: Filter | null;
  /** Milliseconds; exchanges whose response began sooner are not shown. */
  readonly minLatency: number;
  readonly requests: boolean;
  readonly responses: boolean;
  readonly showSecrets: boolean;
  /** Bytes of each body; null = all. */
  readonly bodyLimit: number | null;
  /** Folder of .proto files, or one file; null = none. */
  readonly proto: string | null;
}

export interface TraceOptions extends ShowOptions {
  readonly record: string | null;
  readonly backend: 'auto' | Backend;
  readonly children: boolean;
  /** Milliseconds; null = until the targets end. */
  readonly duration: number | null;
  readonly verbose: boolean;
  /** Bytes; null = the helper's default. */
  readonly ringSize: number | null;
  /** Bytes; null = the helper's default. */
  readonly backlog: number | null;
  readonly tls: TlsWay;
  /** Collector to which spans are sent while the trace runs; null = none. */
  readonly otlp: URL | null;
}

export type Topic =
  | 'run'
  | 'attach'
  | 'replay'
  | 'export'
  | 'mcp'
  | 'doctor'
  | 'install'
  | 'uninstall'
  | 'schema';

export type Command =
  | { readonly kind: 'help'; readonly topic: Topic | null }
  | { readonly kind: 'version' }
  | { readonly kind: 'schema' }
  | { readonly kind: 'run'; readonly command: readonly [string, ...string[]]; readonly options: TraceOptions }
  | {
      readonly kind: 'attach';
      readonly pids: readonly number[];
      /** Control group whose processes are traced, too. */
      readonly cgroup: string | null;
      readonly options: TraceOptions;
    }
  /** Without `ownLimit`, the recording's own limit applies. */
  | {
      readonly kind: 'replay';
      readonly file: string;
      readonly options: ShowOptions;
      readonly ownLimit: boolean;
    }
  | {
      readonly kind: 'mcp';
      readonly traced: McpTraced;
      readonly options: TraceOptions;
      readonly ownLimit: boolean;
    }
  | { readonly kind: 'doctor'; readonly format: 'table' | 'json'; readonly pid: number | null }
  /** `user`: name or number; null = the requesting user. `dialog`: the password is asked for in a window. */
  | { readonly kind: 'install'; readonly user: string | null; readonly dialog: boolean }
  | { readonly kind: 'uninstall'; readonly dialog: boolean };

/** The source of the calls for `http-trace mcp`. */
export type McpTraced =
  | { readonly kind: 'recording'; readonly file: string }
  | { readonly kind: 'processes'; readonly pids: readonly number[] }
  | { readonly kind: 'command'; readonly command: readonly [string, ...string[]] };

/** Wrong usage; the message says what is wrong and how to correct it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const SHOW = {
  format: { type: 'string' },
  output: { type: 'string' },
  filter: { type: 'string' },
  'min-latency': { type: 'string' },
  capture: { type: 'string' },
  'max-body': { type: 'string' },
  'show-secrets': { type: 'boolean' },
  proto: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;
const TRACE = {
  ...SHOW,
  record: { type: 'string' },
  backend: { type: 'string' },
  'no-children': { type: 'boolean' },
  duration: { type: 'string' },
  verbose: { type: 'boolean' },
  'ring-size': { type: 'string' },
  backlog: { type: 'string' },
  tls: { type: 'string' },
  otlp: { type: 'string' },
} as const;
const ATTACH = { ...TRACE, cgroup: { type: 'string' } } as const;
/** Standard output carries MCP, and secrets stay masked. */
const MCP = {
  attach: { type: 'string' },
  'max-body': { type: 'string' },
  proto: { type: 'string' },
  backend: { type: 'string' },
  'no-children': { type: 'boolean' },
  verbose: { type: 'boolean' },
  'ring-size': { type: 'string' },
  backlog: { type: 'string' },
  tls: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;
const DOCTOR = {
  format: { type: 'string' },
  pid: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;
const UNINSTALL = { dialog: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
const INSTALL = { ...UNINSTALL, user: { type: 'string' } } as const;
const NONE = { help: { type: 'boolean', short: 'h' } } as const;

type OptionTable = Readonly<
  Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string } | undefined>
>;
const TABLES: Readonly<Record<Topic, OptionTable>> = {
  run: TRACE,
  attach: ATTACH,
  replay: SHOW,
  export: SHOW,
  mcp: MCP,
  doctor: DOCTOR,
  install: INSTALL,
  uninstall: UNINSTALL,
  schema: NONE,
};
const TOPICS = Object.keys(TABLES) as readonly Topic[];

interface Parsed {
  readonly values: ReadonlyMap<string, string | true>;
  readonly operands: readonly string[];
}

/** @param args without the interpreter and the script. @throws UsageError */
export function parseCommandLine(args: readonly string[]): Command {
  const [first, ...rest] = args;
  if (first === undefined) throw new UsageError(`No command given. Commands: ${TOPICS.join(', ')}.`);
  if (first === '--help' || first === '-h' || first === 'help') {
    return { kind: 'help', topic: TOPICS.find((topic) => topic === rest[0]) ?? null };
  }
  if (first === '--version') return { kind: 'version' };
  const topic = TOPICS.find((candidate) => candidate === first);
  if (topic === undefined) {
    if (first.startsWith('-')) {
      throw new UsageError(`The command (${TOPICS.join(', ')}) comes first, options after it.`);
    }
    throw new UsageError(
      `${quote(first)} is not a command of http-trace.${suggest(first, TOPICS)} Commands: ${TOPICS.join(', ')}.`,
    );
  }
  if (topic === 'mcp') return parseMcp(rest);
  const parsed = parseOptions(rest, TABLES[topic], topic === 'run');
  if (parsed.values.has('help')) return { kind: 'help', topic };
  return interpret(topic, parsed);
}

/** A recording, `--attach PID,…`, or a command after `--`. */
function parseMcp(args: readonly string[]): Command {
  const end = args.indexOf('--');
  const { values, operands } = parseOptions(end < 0 ? args : args.slice(0, end), MCP, false);
  if (values.has('help')) return { kind: 'help', topic: 'mcp' };
  const [program, ...words] = end < 0 ? [] : args.slice(end + 1);
  const attach = textOf(values, 'attach');
  const [file, ...more] = operands;
  const given = [program, attach, file].filter((one) => one !== undefined);
  if (given.length !== 1 || more.length > 0) {
    throw new UsageError(
      'Usage: http-trace mcp FILE, http-trace mcp --attach PID[,PID…], or http-trace mcp -- COMMAND…',
    );
  }
  const traced: McpTraced =
    file !== undefined
      ? { kind: 'recording', file }
      : attach !== undefined
        ? { kind: 'processes', pids: [...new Set(attach.split(',').map(readPid))] }
        : { kind: 'command', command: [program ?? '', ...words] };
  return { kind: 'mcp', traced, options: traceOptions(values), ownLimit: setsBodyLimit(values) };
}

function interpret(topic: Exclude<Topic, 'mcp'>, { values, operands }: Parsed): Command {
  switch (topic) {
    case 'run': {
      const [program, ...args] = operands;
      if (program === undefined) {
        throw new UsageError('No command to run. Usage: http-trace run [options] -- COMMAND…');
      }
      return { kind: 'run', command: [program, ...args], options: traceOptions(values) };
    }
    case 'attach':
      if (operands.length === 0 && !values.has('cgroup'))
        throw new UsageError('No process to trace. Usage: http-trace attach PID… [options]');
      return {
        kind: 'attach',
        pids: [...new Set(operands.map(readPid))],
        cgroup: textOf(values, 'cgroup') ?? null,
        options: traceOptions(values),
      };
    case 'replay':
    case 'export': {
      const [file, ...more] = operands;
      if (file === undefined || more.length > 0) {
        throw new UsageError(`Exactly one recording is needed. Usage: http-trace ${topic} FILE [options]`);
      }
      const format = topic === 'export' ? EXPORT_FORMAT : DEFAULT_FORMAT;
      return { kind: 'replay', file, options: showOptions(values, format), ownLimit: setsBodyLimit(values) };
    }
    case 'doctor': {
      noOperands(topic, operands);
      const pid = textOf(values, 'pid');
      return { kind: 'doctor', format: reportFormat(values), pid: pid === undefined ? null : readPid(pid) };
    }
    case 'install':
      noOperands(topic, operands);
      return { kind: 'install', user: textOf(values, 'user') ?? null, dialog: values.has('dialog') };
    case 'uninstall':
      noOperands(topic, operands);
      return { kind: 'uninstall', dialog: values.has('dialog') };
    case 'schema':
      noOperands(topic, operands);
      return { kind: 'schema' };
  }
}

/**
 * Uses Node's parser leniently and checks the result here, so that every error names the nearest known option. For `run`,
 * everything from the first operand on belongs to the command.
 */
function parseOptions(args: readonly string[], table: OptionTable, command: boolean): Parsed {
  const { tokens } = parseArgs({
    args: [...args],
    options: table as Record<string, { type: 'string' | 'boolean'; short?: string }>,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string | true>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') {
      if (!command) continue;
      return { values, operands: args.slice(token.index + 1) };
    }
    if (token.kind === 'positional') {
      if (command) return { values, operands: args.slice(token.index) };
      operands.push(token.value);
      continue;
    }
    const known = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (known === undefined) {
      const names = Object.keys(table).map((name) => `--${name}`);
      throw new UsageError(
        `Unknown option ${quote(token.rawName)}.${suggest(token.rawName, names)} See http-trace --help.`,
      );
    }
    if (known.type === 'boolean') {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value.`);
      values.set(token.name, true);
      continue;
    }
    // A filter may begin with a minus.
    const isOption = token.name !== 'filter' && !token.inlineValue && /^-./.test(token.value ?? '');
    const missing = token.value === undefined || isOption;
    if (missing || token.value === '') throw new UsageError(`${token.rawName} needs a value.`);
    values.set(token.name, token.value ?? '');
  }
  return { values, operands };
}

function traceOptions(values: Parsed['values']): TraceOptions {
  const duration = textOf(values, 'duration');
  const ringSize = textOf(values, 'ring-size');
  const backlog = textOf(values, 'backlog');
  return {
    ...showOptions(values),
    record: textOf(values, 'record') ?? null,
    backend: oneOf('backend', textOf(values, 'backend') ?? 'auto', ['auto', ...BACKENDS]),
    children: !values.has('no-children'),
    duration: duration === undefined ? null : readDuration('duration', duration),
    verbose: values.has('verbose'),
    ringSize: ringSize === undefined ? null : readRingSize(ringSize),
    backlog: backlog === undefined ? null : readBacklog(backlog),
    tls: oneOf('tls', textOf(values, 'tls') ?? 'auto', TLS_WAYS),
    otlp: readCollector(textOf(values, 'otlp')),
  };
}

function showOptions(values: Parsed['values'], format = DEFAULT_FORMAT): ShowOptions {
  const flags = (textOf(values, 'capture') ?? 'bodies')
    .split(',')
    .map((flag) => oneOf('capture', flag, ['heads', 'bodies', 'requests', 'responses']));
  if (flags.includes('heads') && flags.includes('bodies')) {
    throw new UsageError('--capture takes heads or bodies, not both (bodies includes the heads).');
  }
  const limit = readBodyLimit(textOf(values, 'max-body'));
  const only = flags.includes('requests') !== flags.includes('responses');
  const latency = textOf(values, 'min-latency');
  return {
    format: oneOf('format', textOf(values, 'format') ?? format, FORMAT_NAMES),
    output: textOf(values, 'output') ?? null,
    filter: readFilter(textOf(values, 'filter')),
    minLatency: latency === undefined ? 0 : readDuration('min-latency', latency),
    requests: !only || flags.includes('requests'),
    responses: !only || flags.includes('responses'),
    showSecrets: values.has('show-secrets'),
    bodyLimit: flags.includes('heads') ? 0 : limit,
    proto: textOf(values, 'proto') ?? null,
  };
}

/** Whether the options say how much of a body to show. */
function setsBodyLimit(values: Parsed['values']): boolean {
  return values.has('max-body') || (textOf(values, 'capture') ?? '').split(',').includes('heads');
}

/** Of `doctor`: a report for people or for scripts. */
function reportFormat(values: Parsed['values']): 'table' | 'json' {
  return oneOf('format', textOf(values, 'format') ?? 'table', ['table', 'json']);
}

function textOf(values: Parsed['values'], name: string): string | undefined {
  const value = values.get(name);
  return value === true ? undefined : value;
}

function oneOf<const T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new UsageError(
    `--${name} takes ${allowed.join(', ')}, not ${quote(value)}.${suggest(value, allowed)}`,
  );
}

function readDuration(name: string, text: string): number {
  const duration = parseDuration(text);
  if (duration === null) {
    throw new UsageError(
      `--${name} takes a duration with its unit (50ms, 1.5s, 2m, 1h), not ${quote(text)}.`,
    );
  }
  return duration;
}

function readFilter(text: string | undefined): Filter | null {
  if (text === undefined) return null;
  const filter = parseFilter(text);
  const [error] = filter.errors;
  if (error !== undefined) {
    // Unlike in an interactive list, a half-ignored filter would go unnoticed.
    throw new UsageError(`--filter, at character ${error.start + 1} of ${quote(text)}: ${error.message}`);
  }
  return filter;
}

function readBodyLimit(text: string | undefined): number | null {
  if (text === undefined) return DEFAULT_BODY_LIMIT;
  if (text === 'all') return null;
  if (text === 'none') return 0;
  const size = parseSize(text);
  if (size === null) {
    throw new UsageError(`--max-body takes a size (65536, 64KiB, 1MB), none or all, not ${quote(text)}.`);
  }
  return size;
}

/** The kernel wants a power of two that is a multiple of the page size (BPF_MAP_TYPE_RINGBUF). */
function readRingSize(text: string): number {
  const size = parseSize(text);
  if (size === null || size < RING_MIN || size > RING_MAX || 2 ** Math.round(Math.log2(size)) !== size) {
    throw new UsageError(`--ring-size takes a power of two from 64KiB to 512MiB, not ${quote(text)}.`);
  }
  return size;
}

function readBacklog(text: string): number {
  const size = parseSize(text);
  if (size === null || size < MIN_BACKLOG || size > BACKLOG_MAX) {
    throw new UsageError(`--backlog takes a size from 4MiB to 64GiB, not ${quote(text)}.`);
  }
  return size;
}

function readCollector(text: string | undefined): URL | null {
  if (text === undefined) return null;
  const url = otlpEndpoint(text);
  if (url !== null) return url;
  throw new UsageError(
    `--otlp takes the address of a collector, such as http://127.0.0.1:4318, not ${quote(text)}.`,
  );
}

function readPid(text: string): number {
  const pid = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN;
  if (pid <= 0x7fff_ffff) return pid;
  throw new UsageError(`${quote(text)} is not a process id.`);
}

function noOperands(topic: Topic, operands: readonly string[]): void {
  if (operands[0] !== undefined) {
    throw new UsageError(`http-trace ${topic} takes only options, not ${quote(operands[0])}.`);
  }
}

/** Printable and short, whatever was typed. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function suggest(typed: string, known: readonly string[]): string {
  const nearest = nearestName(typed, known);
  return nearest === null ? '' : ` Did you mean ${nearest}?`;
}

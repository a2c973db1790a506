import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCommandLine, UsageError } from './arguments.ts';

const parse = (line: string): ReturnType<typeof parseCommandLine> => parseCommandLine(line.split(' '));
const complaint = (...args: string[]): string => {
  try {
    parseCommandLine(args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error(`${args.join(' ')} was accepted`);
};

describe('run', () => {
  it('leaves everything after -- to the command', () => {
    expect(parse('run --format json -- curl --format x -- y')).toMatchObject({
      kind: 'run',
      command: ['curl', '--format', 'x', '--', 'y'],
      options: { format: 'json' },
    });
  });
  it('needs no -- when the command comes after the options', () => {
    expect(parse('run --format json curl --output x http://[::1]/')).toMatchObject({
      command: ['curl', '--output', 'x', 'http://[::1]/'],
      options: { format: 'json', output: null },
    });
  });
  it('has defaults', () => {
    expect(parse('run true')).toEqual({
      kind: 'run',
      command: ['true'],
      options: {
        format: 'table',
        output: null,
        filter: null,
        minLatency: 0,
        requests: true,
        responses: true,
        showSecrets: false,
        bodyLimit: 65_536,
        proto: null,
        otlp: null,
        record: null,
        backend: 'auto',
        children: true,
        duration: null,
        verbose: false,
        ringSize: null,
        backlog: null,
        tls: 'auto',
      },
    });
  });
  it('reads every option', () => {
    const line =
      'run --format=json --output o --record r --min-latency 50ms --capture requests --max-body all --backend tracepoint --no-children --duration 10s --show-secrets --verbose --ring-size 1MiB --backlog 128MiB --tls none x';
    expect(parse(line)).toMatchObject({
      options: {
        format: 'json',
        output: 'o',
        record: 'r',
        tls: 'none',
        minLatency: 50,
        requests: true,
        responses: false,
        bodyLimit: null,
        proto: null,
        backend: 'tracepoint',
        children: false,
        duration: 10_000,
        showSecrets: true,
        verbose: true,
        ringSize: 1_048_576,
        backlog: 134_217_728,
      },
    });
  });
  it('reads a filter, which may begin with a minus, and refuses one that is not understood', () => {
    const command = parseCommandLine(['replay', 'f', '--filter', '-get or body:tea']);
    expect(command).toMatchObject({ options: { filter: { details: [expect.any(Function)] } } });
    expect(complaint('run', '--filter', 'method:GET metod:POST', 'x')).toBe(
      '--filter, at character 12 of "method:GET metod:POST": Unknown filter “metod:”. Did you mean “method:”? Put text with a colon in quotes.',
    );
    expect(complaint('run', '--filter')).toContain('needs a value');
  });
  it('requires a command', () => {
    expect(complaint('run')).toContain('No command to run');
    expect(complaint('run', '--verbose', '--')).toContain('No command to run');
  });
  it('captures no bodies for "heads", and both sides when both are named', () => {
    expect(parse('run --capture heads,responses,requests x')).toMatchObject({
      options: { bodyLimit: 0, requests: true, responses: true },
    });
    expect(parse('run --max-body none x')).toMatchObject({ options: { bodyLimit: 0 } });
    expect(complaint('run', '--capture', 'heads,bodies', 'x')).toContain('not both');
  });
});

describe('attach', () => {
  it('takes several processes, each once, and options anywhere', () => {
    expect(parse('attach 12 --format json 34 12')).toMatchObject({
      kind: 'attach',
      pids: [12, 34],
      cgroup: null,
      options: { format: 'json' },
    });
  });
  it.each(['0', '1x', '0x10', '9999999999', '2147483648', '', '１'])('refuses %j as a process id', (pid) => {
    expect(complaint('attach', pid)).toContain('is not a process id');
  });
  it('refuses a negative one as the option that it looks like', () => {
    expect(complaint('attach', '-1')).toContain('Unknown option');
  });
});

describe('replay, doctor, schema', () => {
  it('replay takes one file and notes whether a limit was given', () => {
    expect(parse('replay f')).toMatchObject({ kind: 'replay', file: 'f', ownLimit: false });
    expect(parse('replay f --max-body 10')).toMatchObject({ ownLimit: true, options: { bodyLimit: 10 } });
    expect(parse('replay f')).toMatchObject({ options: { format: 'table', showSecrets: false } });
    expect(parse('export f')).toMatchObject({ kind: 'replay', file: 'f', options: { format: 'har' } });
    expect(parse('export f --format json')).toMatchObject({ kind: 'replay', options: { format: 'json' } });
    expect(complaint('replay')).toContain('one recording');
    expect(complaint('replay', 'a', 'b')).toContain('one recording');
    expect(complaint('replay', 'a', '--record', 'b')).toContain('Unknown option "--record"');
  });
  it('doctor', () => {
    expect(parse('doctor --format json --pid 7')).toEqual({ kind: 'doctor', format: 'json', pid: 7 });
    expect(complaint('doctor', 'me')).toContain('only options');
  });
  it('help and version', () => {
    expect(parse('--help')).toEqual({ kind: 'help', topic: null });
    expect(parse('run --help')).toEqual({ kind: 'help', topic: 'run' });
    expect(parse('--version')).toEqual({ kind: 'version' });
    expect(parse('schema')).toEqual({ kind: 'schema' });
    // The command's own --help stays its own.
    expect(parse('run curl --help')).toMatchObject({ kind: 'run', command: ['curl', '--help'] });
  });
});

describe('invalid usage', () => {
  it.each([
    [['rum'], 'Did you mean run?'],
    [[], 'No command given'],
    [['--format', 'json', 'run', 'x'], 'comes first'],
    [['run', '--formt', 'json', 'x'], 'Unknown option "--formt". Did you mean --format?'],
    [['run', '--no-child', 'x'], 'Did you mean --no-children?'],
    [['run', '-x', 'y'], 'Unknown option "-x".'],
    [['run', '--constructor', 'y'], 'Unknown option "--constructor".'],
    [['run', '--format', 'jsno', 'x'], 'takes table, json, har, otlp, not "jsno". Did you mean json?'],
    [['run', '--format'], '--format needs a value'],
    [['run', '--output', '--verbose', 'x'], '--output needs a value'],
    [['run', '--output=', 'x'], '--output needs a value'],
    [['run', '--verbose=yes', 'x'], '--verbose takes no value'],
    [['run', '--duration', '10', 'x'], 'with its unit'],
    [['run', '--max-body', 'lots', 'x'], 'takes a size'],
    [['run', '--ring-size', '100000', 'x'], 'power of two'],
    [['run', '--ring-size', '4096', 'x'], 'power of two'],
    [['run', '--backlog', '1MiB', 'x'], 'from 4MiB to 64GiB'],
    [['run', '--backlog', 'much', 'x'], 'from 4MiB to 64GiB'],
    [['run', '--backend', 'ptrace', 'x'], 'takes auto, fentry, kprobe,'],
    [['run', '--capture', 'heads,', 'x'], 'takes heads, bodies'],
  ])('%j', (args, message) => expect(complaint(...args)).toContain(message));

  it('is a UsageError with a printable message, whatever is typed', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom(
        'run',
        'attach',
        'replay',
        'export',
        'doctor',
        '--',
        '--format',
        'json',
        '--pid',
        '-h',
        '1',
        '--a=b',
      ),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (args) => {
        try {
          parseCommandLine(args);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
    expect(complaint('\x1b[2Jrun')).not.toContain('\x1b');
    expect(complaint('run', '--\x1b[2J', 'x')).not.toContain('\x1b');
  });
});

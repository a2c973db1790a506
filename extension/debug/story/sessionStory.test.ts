import { describe, expect, it } from 'vitest';
import { MAX_MOMENTS, MAX_TEXT, ONE_MOMENT, SessionStory } from './sessionStory.ts';

const event = (name: string, body: object) => ({ type: 'event', event: name, body });
const output = (text: string, more: object = {}) =>
  event('output', { category: 'stdout', output: text, ...more });
const asked = { type: 'request', seq: 7, command: 'stackTrace', arguments: { threadId: 1 } };
const stack = (...stackFrames: object[]) => ({
  type: 'response',
  request_seq: 7,
  command: 'stackTrace',
  success: true,
  body: { stackFrames },
});
const raised = event('stopped', {
  reason: 'exception',
  threadId: 1,
  description: 'Paused on exception',
  text: 'Error: boom',
});

function recorded(...messages: readonly (readonly [at: number, message: unknown])[]) {
  const story = new SessionStory();
  for (const [at, message] of messages) story.fromAdapter(message, at);
  return story.moments;
}

describe('the story of a session', () => {
  it('has what the program printed, and where', () => {
    const source = { path: '/shop/pay.js' };
    expect(recorded([5, output('\u001b[31mpaid\u001b[0m\n', { source, line: 12, column: 3 })])).toEqual([
      { kind: 'output', at: 5, text: 'paid', place: { path: '/shop/pay.js', line: 12, column: 3 } },
    ]);
    expect(recorded([5, output('oops', { category: 'stderr' })])).toMatchObject([
      { kind: 'error', place: null },
    ]);
  });

  it('leaves out messages of the debugger itself, and blank output', () => {
    for (const category of ['console', 'important', 'telemetry', undefined, 3])
      expect(recorded([5, output('text', { category })])).toEqual([]);
    expect(recorded([5, output(' \n')])).toEqual([]);
  });

  it('joins lines in quick succession to one moment', () => {
    expect(
      recorded([5, output('one\n')], [6, output('two\n')], [6 + ONE_MOMENT, output('three')]),
    ).toMatchObject([{ at: 5, text: 'one\ntwo' }, { text: 'three' }]);
    const place = { source: { path: '/a.js' }, line: 1 };
    expect(recorded([5, output('one', place)], [6, output('two', { ...place, line: 2 })])).toHaveLength(2);
    expect(recorded([5, output('one')], [6, output('two', { category: 'stderr' })])).toHaveLength(2);
  });

  it('has exceptions, with the first frame that has a file', () => {
    const story = new SessionStory();
    expect(story.fromAdapter(raised, 9)).toBe(true);
    expect(story.moments).toEqual([{ kind: 'exception', at: 9, text: 'Error: boom', place: null }]);
    story.fromEditor(asked);
    const inside = { source: { name: 'node:fs', sourceReference: 4, path: '<node_internals>/fs' }, line: 1 };
    const frame = { source: { path: '/shop/pay.js' }, line: 3, column: 9 };
    expect(story.fromAdapter(stack(inside, frame), 10)).toBe(true);
    expect(story.moments[0]?.place).toEqual({ path: '/shop/pay.js', line: 3, column: 9 });
    expect(story.fromAdapter(stack(frame), 11)).toBe(false);
  });

  it('joins the texts of an exception', () => {
    const stopped = { reason: 'exception', threadId: 1, text: 'ValueError', description: 'out of stock' };
    expect(recorded([1, event('stopped', stopped)])[0]?.text).toBe('ValueError: out of stock');
    expect(recorded([1, event('stopped', { ...stopped, text: '' })])[0]?.text).toBe('out of stock');
  });

  const askedWhat = { type: 'request', seq: 8, command: 'exceptionInfo', arguments: { threadId: 1 } };
  const info = (body: unknown) => ({
    type: 'response',
    request_seq: 8,
    command: 'exceptionInfo',
    success: true,
    body,
  });
  const able = {
    type: 'response',
    request_seq: 1,
    command: 'initialize',
    success: true,
    body: { supportsExceptionInfoRequest: true },
  };
  const silent = event('stopped', { reason: 'exception', threadId: 1, description: 'Paused on exception' });

  it('requests the text of an exception if the event has none, and the adapter supports it', () => {
    const story = new SessionStory();
    story.fromAdapter(silent, 9);
    expect(story.takeUnsaid()).toBeNull();
    story.fromAdapter(able, 10);
    story.fromAdapter(raised, 11);
    expect(story.takeUnsaid()).toBeNull();
    story.fromAdapter(silent, 12);
    expect(story.takeUnsaid()).toBe(1);
    expect(story.takeUnsaid()).toBeNull();
    story.fromEditor(askedWhat);
    expect(story.fromAdapter(info({ exceptionId: 'Error', description: 'Error: out of stock' }), 13)).toBe(
      true,
    );
    expect(story.moments.at(-1)?.text).toBe('Error: out of stock');
    // Its place comes before, or after.
    story.fromEditor(asked);
    expect(story.fromAdapter(stack({ source: { path: '/a.js' }, line: 1 }), 14)).toBe(true);
    expect(story.moments.at(-1)).toMatchObject({ text: 'Error: out of stock', place: { path: '/a.js' } });
  });

  it('ignores answers of another shape, and answers to another stop', () => {
    const story = new SessionStory();
    story.fromAdapter(able, 1);
    story.fromAdapter(silent, 2);
    for (const body of [null, 3, {}, { description: 3 }, { description: ' ', exceptionId: [] }]) {
      story.fromEditor(askedWhat);
      expect(story.fromAdapter(info(body), 3)).toBe(false);
    }
    story.fromEditor(askedWhat);
    story.fromAdapter(event('stopped', { reason: 'step', threadId: 1 }), 4);
    expect(story.takeUnsaid()).toBeNull();
    expect(story.fromAdapter(info({ description: 'late' }), 5)).toBe(false);
  });

  it('skips the frames that the exception passed through', () => {
    const story = new SessionStory();
    story.fromAdapter(raised, 9);
    story.fromEditor(asked);
    const runtime = { name: 'runtime.fatalpanic', source: { path: '/go/src/runtime/panic.go' }, line: 1143 };
    const subtle = { name: 'raise', presentationHint: 'subtle', source: { path: '/lib/raise.js' }, line: 2 };
    // VS Code asks for the top frame first.
    expect(story.fromAdapter(stack(runtime), 10)).toBe(false);
    story.fromEditor(asked);
    story.fromAdapter(stack(runtime, subtle, { name: 'main.main', source: { path: '/a.go' }, line: 18 }), 10);
    expect(story.moments[0]?.place).toMatchObject({ path: '/a.go', line: 18 });
  });

  it('has no stops of other kinds: breakpoints are pauses, SIGSTOP is a break on calls', () => {
    expect(recorded([5, event('stopped', { reason: 'breakpoint', threadId: 1 })])).toEqual([]);
    expect(recorded([5, event('stopped', { reason: 'exception', description: 'signal SIGSTOP' })])).toEqual(
      [],
    );
  });

  it('does not take the stack of another stop for the place of an exception', () => {
    // lldb-vscode never sends continued.
    for (const next of [
      event('continued', { threadId: 1 }),
      event('stopped', { reason: 'step', threadId: 1 }),
    ]) {
      const story = new SessionStory();
      story.fromAdapter(raised, 9);
      story.fromAdapter(next, 10);
      story.fromEditor(asked);
      expect(story.fromAdapter(stack({ source: { path: '/a.js' }, line: 1 }), 11)).toBe(false);
    }
  });

  it('is bounded', () => {
    const story = new SessionStory();
    for (let at = 0; at < 3 * MAX_MOMENTS; at++)
      story.fromAdapter(output('x'.repeat(10_000)), at * 2 * ONE_MOMENT);
    for (let seq = 0; seq < 1_000; seq++) story.fromEditor({ ...asked, seq });
    expect(story.moments).toHaveLength(MAX_MOMENTS);
    expect(story.moments[0]?.text).toHaveLength(MAX_TEXT);
    expect(story.moments.at(-1)?.at).toBe((3 * MAX_MOMENTS - 1) * 2 * ONE_MOMENT);
    // What grows is bounded as well.
    for (let line = 0; line < 1_000; line++) story.fromAdapter(output('y'.repeat(100)), 1e9);
    expect(story.moments.at(-1)?.text.length).toBeLessThanOrEqual(MAX_TEXT);
  });

  it('trusts no shape', () => {
    for (const body of [null, 3, [], { category: 'stdout' }, { category: 'stdout', output: {} }])
      expect(recorded([1, { type: 'event', event: 'output', body }])).toEqual([]);
    for (const line of [0, -1, 1.5, '3', null])
      expect(recorded([1, output('x', { source: { path: '/a' }, line })])[0]?.place).toBeNull();
    const story = new SessionStory();
    story.fromAdapter(
      event('stopped', { reason: 'exception', text: {}, description: null, threadId: '1' }),
      1,
    );
    story.fromAdapter({ type: 'response', command: 'stackTrace', request_seq: 7, success: true, body: 5 }, 1);
    story.fromEditor(null);
    expect(story.moments).toEqual([{ kind: 'exception', at: 1, text: '', place: null }]);
  });
});

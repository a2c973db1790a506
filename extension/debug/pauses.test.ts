import { describe, expect, it } from 'vitest';
import { MAX_SPANS, SessionPauses } from './pauses.ts';

const event = (name: string, body: object = {}) => ({ type: 'event', event: name, body });
const request = (seq: number, command: string, given: object = {}) => ({
  type: 'request',
  seq,
  command,
  arguments: given,
});
const answer = (seq: number, command: string, body: object = {}, success = true) => ({
  type: 'response',
  request_seq: seq,
  command,
  success,
  body,
});
const stopped = event('stopped', { reason: 'breakpoint', threadId: 1 });

describe('a pause', () => {
  it('lasts from stopped to continued, or to the answer, whichever is first', () => {
    const session = new SessionPauses();
    session.fromAdapter(stopped, 10);
    expect(session.spans).toEqual([{ from: 10, to: null }]);
    session.fromEditor(request(5, 'continue', { threadId: 1 }));
    session.fromAdapter(event('continued', { threadId: 1 }), 20);
    session.fromAdapter(answer(5, 'continue'), 22);
    expect(session.spans).toEqual([{ from: 10, to: 20 }]);

    // lldb-vscode and rdbg never send continued.
    session.fromAdapter(stopped, 30);
    session.fromEditor(request(6, 'next', { threadId: 1 }));
    session.fromAdapter(answer(6, 'next'), 35);
    expect(session.spans.at(-1)).toEqual({ from: 30, to: 35 });
    expect(session.isPaused).toBe(false);
  });

  it('is not ended by the late answer to a request from before it, nor by a refused one', () => {
    const session = new SessionPauses();
    session.fromAdapter(stopped, 10);
    session.fromEditor(request(5, 'next', { threadId: 1 }));
    session.fromAdapter(event('continued', { threadId: 1 }), 11);
    session.fromAdapter(stopped, 12);
    session.fromAdapter(answer(5, 'next'), 13);
    expect(session.spans).toEqual([
      { from: 10, to: 11 },
      { from: 12, to: null },
    ]);
    session.fromEditor(request(6, 'continue', { threadId: 1 }));
    session.fromAdapter(answer(6, 'continue', {}, false), 14);
    expect(session.isPaused).toBe(true);
  });

  it('of several threads lasts until the last one resumes', () => {
    const session = new SessionPauses();
    session.fromAdapter(stopped, 10);
    session.fromAdapter(event('stopped', { threadId: 2, allThreadsStopped: false }), 12);
    session.fromEditor(request(5, 'continue', { threadId: 1, singleThread: true }));
    session.fromAdapter(answer(5, 'continue', { allThreadsContinued: false }), 13);
    expect(session.isPaused).toBe(true);
    session.fromEditor(request(6, 'continue', { threadId: 2 }));
    session.fromAdapter(answer(6, 'continue'), 15);
    expect(session.spans).toEqual([{ from: 10, to: 15 }]);
  });

  it('ends with its program', () => {
    for (const name of ['terminated', 'exited']) {
      const session = new SessionPauses();
      session.fromAdapter(stopped, 10);
      session.fromAdapter(event(name), 12);
      expect(session.spans).toEqual([{ from: 10, to: 12 }]);
    }
  });

  it('is kept among the newest, whatever an adapter sends', () => {
    const session = new SessionPauses();
    for (let at = 0; at < MAX_SPANS * 4; at += 2) {
      session.fromAdapter(stopped, at);
      session.fromEditor(request(at, 'next', { threadId: 'x' }));
      session.fromAdapter(event('continued', { allThreadsContinued: true }), at + 1);
    }
    expect(session.spans).toHaveLength(MAX_SPANS);
    for (const message of [
      null,
      7,
      'x',
      {},
      event('continued'),
      { type: 'response', request_seq: {} },
      event('stopped'),
    ])
      session.fromAdapter(message, 1e9);
    for (const message of [null, {}, request(1, 'continue')]) session.fromEditor(message);
    expect(session.spans.length).toBeLessThanOrEqual(MAX_SPANS + 1);
  });
});

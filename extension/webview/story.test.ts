import { describe, expect, it } from 'vitest';
import type { StoryMark } from '../engine/traceStatus.ts';
import { groups, hoverText } from './story.ts';
import { timeWindow } from './timeWindow.ts';

const mark = (id: number, at: number, more: Partial<StoryMark> = {}): StoryMark => ({
  id,
  kind: 'output',
  session: 'Shop',
  at,
  text: `line ${id}`,
  place: null,
  ...more,
});

describe('marks of the time line', () => {
  const window = timeWindow(0, 1_000);

  it('are drawn where they happened', () => {
    expect(groups([mark(1, 100), mark(2, 500)], window, 500).map(({ left }) => left)).toEqual([50, 250]);
    expect(groups([mark(1, 100), mark(2, 2_000)], window, 500)).toHaveLength(1);
  });

  it('are one where they would lie on each other; the gravest is what is shown', () => {
    const [group, ...others] = groups(
      [mark(1, 100), mark(2, 104, { kind: 'exception' }), mark(3, 106, { kind: 'error' })],
      window,
      500,
    );
    expect(others).toEqual([]);
    expect(group?.shown.id).toBe(2);
    expect(group?.marks).toHaveLength(3);
  });

  it('are no more than the strip has room for', () => {
    const many = Array.from({ length: 10_000 }, (_, id) => mark(id, id / 10));
    expect(groups(many, window, 400).length).toBeLessThanOrEqual(51);
  });

  it('say what happened, and where a click goes', () => {
    const [group] = groups(
      [mark(1, 100, { kind: 'exception', text: 'Error: \u202eboom\nat pay', place: 'pay.js:12' })],
      window,
      500,
    );
    expect(hoverText(group!)).toBe('100 ms  Exception: Error: \\u202eboom (pay.js:12)\nClick: pay.js:12');
    const [crowd] = groups(
      Array.from({ length: 20 }, (_, id) => mark(id, 100)),
      window,
      500,
    );
    expect(hoverText(crowd!).split('\n').slice(-2)).toEqual(['and 12 more', 'Click: Debug Console']);
  });
});

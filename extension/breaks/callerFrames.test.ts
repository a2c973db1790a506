import { expect, test } from 'vitest';
import { type StackFrame, skipInternalFrames } from './callerFrames.ts';

const frame = (path: string): StackFrame => ({ id: 1, name: 'f', source: { path } });
const hints = (frames: readonly StackFrame[]) => frames.map((one) => one.source?.presentationHint ?? null);
const isInternalFrame = ({ source }: StackFrame) => source?.path?.startsWith('node:') === true;

test('frames above the program’s own are skipped, and frames below are not', () => {
  const frames = [frame('node:a'), frame('/w/node_modules/x.js'), frame('/w/own.js'), frame('node:b')];
  skipInternalFrames(frames, isInternalFrame);
  expect(hints(frames)).toEqual(['deemphasize', 'deemphasize', null, null]);
});

test('a library is shown if the stack has no frame of the program', () => {
  const frames = [frame('node:a'), frame('/w/node_modules/x.js')];
  skipInternalFrames(frames, isInternalFrame);
  expect(hints(frames)).toEqual(['deemphasize', null]);
});

test('the hint of a frame is one of its own', () => {
  const frames = [{ ...frame('node:a'), presentationHint: 'normal' }, frame('/w/own.js')];
  skipInternalFrames(frames, isInternalFrame);
  expect(frames[0]?.presentationHint).toBe('subtle');
});

test('an adapter keeps its own objects', () => {
  const source = { path: 'node:a' };
  skipInternalFrames([{ source }, {}], isInternalFrame);
  expect(source).toEqual({ path: 'node:a' });
});

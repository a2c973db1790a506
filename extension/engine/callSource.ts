import type { EngineApi } from './engine.ts';

/** What holds calls, wherever they are from: an engine, or a file of another program that was read. */
export type CallSource = Pick<
  EngineApi,
  'takeChanges' | 'holds' | 'row' | 'json' | 'message' | 'body' | 'stats' | 'setProtos' | 'clear' | 'pin'
>;

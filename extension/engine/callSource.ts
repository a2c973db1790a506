import type { EngineApi } from './engine.ts';

/** A source of calls: an engine, or an imported file of another program. */
export type CallSource = Pick<
  EngineApi,
  'takeChanges' | 'holds' | 'row' | 'json' | 'message' | 'body' | 'stats' | 'setProtos' | 'clear' | 'pin'
>;

import type { ChildProcess } from 'node:child_process';

export function environmentOfRun(
  env: Record<string, string | undefined>,
  run: string,
): Record<string, string | undefined>;
export function ofRun(run: string): number[];
export function endTree(child: ChildProcess, run?: string): Promise<void>;
export function endWithThisProcess(child: ChildProcess, run?: string): void;
export function exitOnSignals(): void;
export function descendants(pid: number): number[];
export function statAfterName(pid: number): string;

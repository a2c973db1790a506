export const LATE: number;
export function troubleOf(run: {
  readonly status: number | null;
  readonly group: string | null;
  readonly limit: number;
  readonly kernel: string;
  readonly instead?: string | undefined;
}): string | null;
export function statusOf(code: number | null, signal: NodeJS.Signals | null): number;

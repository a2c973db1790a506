export class Board {
  constructor(name: string);
  readonly results: readonly { column: string; scenario: string; outcome: string; detail: string }[];
  runHere(column: string, command: (out: string) => readonly string[], silence: number): Promise<void>;
  kernels(wanted: readonly string[]): readonly { release: string; version: string; folder: string }[];
  runInGuest(
    kernel: { release: string; version: string; folder: string },
    runners: readonly { columns: readonly string[]; command: (out: string) => readonly string[] }[],
    timeout: number,
  ): Promise<void>;
}

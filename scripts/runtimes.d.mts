export const runtimes: {
  readonly node20: string;
  readonly node22: string;
  readonly node24: string;
  readonly esbuild: Readonly<Record<'1.16' | '1.17' | '1.20' | '1.23' | '1.26' | 'arm64', string>>;
  readonly go: Readonly<Record<'plain' | 'stripped' | 'pie', string>>;
};
export function ensureRuntimes(): void;

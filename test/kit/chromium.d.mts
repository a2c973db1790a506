export const CHROMIUM_OPTIONS: readonly string[];
export const INTERPRET: string;
export function findChromium(): string;

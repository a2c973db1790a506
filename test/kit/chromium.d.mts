export const CHROMIUM_OPTIONS: readonly string[];
export function findChromium(needs?: { devTools?: boolean }): string;

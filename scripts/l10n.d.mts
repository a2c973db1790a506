export function textsOf(source: string, path?: string): string[];
export function allTexts(): string[];
export function foreignTexts(): string[];
export function literalsOf(source: string): string[];
export function bundleText(texts: readonly string[]): string;
export function placeholders(text: string): string;
export function faultsOf(texts: readonly string[], translated: Readonly<Record<string, string>>): string[];
export function translations(): string[];

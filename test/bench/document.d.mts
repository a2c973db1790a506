export function files(measured: unknown): Readonly<Record<string, string>>;

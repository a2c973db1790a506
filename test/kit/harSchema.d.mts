export function harProblems(archive: unknown): string[];

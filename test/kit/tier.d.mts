export const WHOLE: boolean;
export function variants<T>(all: readonly T[], first?: number, count?: number): readonly T[];

export const HOOKS: string;
export function useHooks(root: string): boolean;

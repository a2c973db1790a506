export function sleeps(pid: number): boolean;

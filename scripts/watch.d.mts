export const BUILDING: string;
export const WAITING: string;
export function problemLine(
  severity: 'error' | 'warning',
  message: { text: string; location: { file: string; line: number; column: number } | null },
): string;

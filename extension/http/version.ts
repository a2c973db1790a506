/** Whether its heads are lines of text, as in HTTP/1. @param protocol such as `HTTP/1.1`. */
export function hasHeadOfLines(protocol: string): boolean {
  return /^HTTP\/[01](?:\.|$)/.test(protocol);
}

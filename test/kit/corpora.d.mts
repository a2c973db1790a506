export const CORPORA: string;
export function corpus(
  path: 'llhttp/test' | 'nghttp2-fuzz/fuzz/corpus',
  folder?: string,
): { readonly folder: string | null; readonly title: string };

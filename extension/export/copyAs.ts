/** The formats in which a request can be copied: one entry each. */
import { curlCommand } from './curl.ts';
import { fetchCall } from './fetch.ts';
import { httpMessage } from './http.ts';
import { httpieCommand } from './httpie.ts';
import { pythonProgram } from './python.ts';
import type { Replay } from './replay.ts';

export const COPY_FORMATS = {
  curl: { name: 'cURL', write: curlCommand },
  fetch: { name: 'fetch', write: fetchCall },
  http: { name: 'HTTP', write: httpMessage },
  python: { name: 'Python requests', write: pythonProgram },
  httpie: { name: 'HTTPie', write: httpieCommand },
} as const satisfies Readonly<Record<string, { name: string; write: (replay: Replay) => string }>>;

export type CopyFormat = keyof typeof COPY_FORMATS;

/** Kind of content of bytes or text, by media type and first characters. */

export type ContentKind =
  | 'json'
  | 'form'
  | 'multipart'
  | 'xml'
  | 'html'
  | 'css'
  | 'script'
  | 'text'
  | 'image'
  | 'binary';

/** Media types of JavaScript (RFC 9239), including obsolete ones. */
const SCRIPT = /^(?:application|text)\/(?:x-)?(?:java|ecma)script$/;

/** @param type in lower case without parameters; empty when there is none. */
export function textKind(type: string, text: string): ContentKind {
  if (type === 'application/x-www-form-urlencoded') return 'form';
  if (type.startsWith('multipart/')) return 'multipart';
  if (type === 'application/json' || type.endsWith('+json')) return 'json';
  if (type === 'application/xml' || type === 'text/xml' || type.endsWith('+xml')) return 'xml';
  if (type === 'text/html') return 'html';
  if (type === 'text/css') return 'css';
  if (SCRIPT.test(type)) return 'script';
  // Many servers send JSON as text/plain or without a type.
  const untyped = type === '' || type === 'text/plain' || type === 'application/octet-stream';
  if (untyped && /^\s*[[{]/.test(text)) return 'json';
  return untyped && /^\ufeff?<\?xml\s/.test(text) ? 'xml' : 'text';
}

export function bytesKind(type: string): ContentKind {
  if (type.startsWith('image/')) return 'image';
  return type.startsWith('multipart/') ? 'multipart' : 'binary';
}

/** Secrets in header and trailer fields. */
import { maskUrl } from './maskUrl.ts';
import { isSecretField, MASK } from './secrets.ts';

/** null: not known. */
type Field = readonly [name: string | null, value: string | null];

/** Authentication schemes (IANA's registry and AWS) whose name may stay: it tells how, not what. */
const SCHEME =
  /^(Basic|Bearer|Concealed|Digest|DPoP|GNAP|HOBA|Mutual|Negotiate|NTLM|OAuth|PrivateToken|SCRAM-SHA-1|SCRAM-SHA-256|vapid|AWS4-HMAC-SHA256|Token|ApiKey) +\S/i;

export function maskFields(fields: readonly Field[]): Field[] {
  return fields.map(([name, value]) => [name, value === null ? null : maskFieldValue(name, value)]);
}

function maskFieldValue(name: string | null, value: string): string {
  // A value whose name is not known may be anything.
  if (name === null) return value === '' ? value : MASK;
  if (!isSecretField(name)) return maskUrl(value);
  if (value === '') return value;
  const scheme = name.toLowerCase().endsWith('authorization') ? SCHEME.exec(value)?.[1] : undefined;
  return scheme === undefined ? MASK : `${scheme} ${MASK}`;
}

// HTTP Archives by the schema of HAR 1.2 (npm's har-schema, which most validators use).
import { isIPv4, isIPv6 } from 'node:net';
import { Ajv } from 'ajv';
import draft6 from 'ajv/dist/refs/json-schema-draft-06.json' with { type: 'json' };
import harSchemas from 'har-schema';

const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addMetaSchema(draft6);
ajv.addFormat('uri', (url) => URL.canParse(url));
ajv.addFormat('date-time', (time) => !Number.isNaN(Date.parse(time)));
ajv.addFormat('ipv4', isIPv4);
ajv.addFormat('ipv6', isIPv6);
ajv.addSchema(Object.values(harSchemas));
const check = ajv.getSchema('har.json#');

/** What is wrong with an archive, a parsed value; empty: it is valid. */
export function harProblems(archive) {
  if (check(archive)) return [];
  return check.errors.map(({ instancePath, message }) => `${instancePath} ${message}`);
}

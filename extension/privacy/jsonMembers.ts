/** What the name of a JSON member says about its value and about its neighbours: computed once per name. */
import { KnownNames } from './knownNames.ts';
import { isNamingSecret, type NameKind, nameKind } from './secrets.ts';

/** Why a value is a secret, beyond what its own name says. */
export type Reason =
  /** A `code` beside names unique to OAuth (RFC 6749 section 4.1) and such. */
  | 'oauth'
  /** `{"name": "password", "value": "x"}` */
  | 'named'
  /** The private members of a JSON Web Key (RFC 7518 section 6). */
  | 'key'
  /** The data of a Kubernetes Secret. */
  | 'kubernetes'
  /** `[["password", "x"]]` */
  | 'pair';

/** Lower-case names of members that may be secrets, and the reason for it. */
const MAY_BE: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ['code', 'oauth'],
  ...['value', 'val', 'content'].map((name): [string, Reason] => [name, 'named']),
  ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].map((name): [string, Reason] => [name, 'key']),
  ...['data', 'stringdata'].map((name): [string, Reason] => [name, 'kubernetes']),
]);

const OAUTH: ReadonlySet<string> = new Set([
  ...['grant_type', 'granttype', 'redirect_uri', 'redirecturi', 'client_id', 'clientid', 'code_verifier'],
  ...['codeverifier', 'id_token', 'idtoken'],
]);

/** Members whose value may name the value of another member; `path` is from JSON Patch (RFC 6902) and SCIM. */
const NAMING: ReadonlySet<string> = new Set([
  ...['name', 'key', 'field', 'param', 'parameter', 'header', 'id', 'path'],
]);

export interface Member {
  readonly kind: NameKind;
  /** The value is a secret if its object has this reason; null: none makes it one. */
  readonly mayBe: Reason | null;
  /** What a string in it may say about the other members of the object; null: nothing. */
  readonly says: 'oauth' | 'key' | 'kind' | 'naming' | null;
  /** It maps names of fields to messages: `{"errors": {"password": ["is too short"]}}`. */
  readonly errors: boolean;
}

const MEMBERS = new KnownNames<Member>((name) => {
  const lower = name.toLowerCase();
  return {
    kind: nameKind(name),
    mayBe: MAY_BE.get(lower) ?? null,
    says: sayingOf(lower),
    errors: /errors?$/.test(lower),
  };
});

function sayingOf(lower: string): Member['says'] {
  if (OAUTH.has(lower)) return 'oauth';
  if (lower === 'kty') return 'key';
  if (lower === 'kind') return 'kind';
  return NAMING.has(lower) ? 'naming' : null;
}

/** @param name unescaped. */
export function memberOf(name: string): Member {
  return MEMBERS.get(name);
}

/** The reason that a member with this string gives the others of its object; null: none. */
export function reasonOf({ says }: Member, value: string): Reason | null {
  if (says === 'kind') return value === 'Secret' ? 'kubernetes' : null;
  if (says === 'naming') return isNamingSecret(value) ? 'named' : null;
  return says;
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import { cpuTime, QUADRATIC } from '../engine/testing/cpuTime.ts';
import { maskBody } from './maskBody.ts';
import { maskFields } from './maskFields.ts';
import { maskJson } from './maskJson.ts';
import { maskJwt } from './maskJwt.ts';
import { maskMessage } from './maskMessage.ts';
import { maskUrl } from './maskUrl.ts';
import { isSecretField, isSecretName, MASK, nameKind } from './secrets.ts';

const JSON_TYPE = { essence: 'application/json', boundary: null };
const FORM = { essence: 'application/x-www-form-urlencoded', boundary: null };
const MULTIPART = { essence: 'multipart/form-data', boundary: 'b0undary' };
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';

/** Names of /shared/design/trust.md, "Privacy". */
const NAMES = [
  ...[
    'password',
    'passwd',
    'pwd',
    'secret',
    'token',
    'access_token',
    'refresh_token',
    'id_token',
    'client_secret',
  ],
  ...['api_key', 'otp', 'pin', 'ssn', 'card', 'cvv', 'sig', 'session'],
];
/** `code` is one of them where OAuth has it, while in JSON it is mostly an error's: secrets.ts says why. */
const PARAMETERS = [...NAMES, 'code'];
const FIELDS = [
  ...[
    'Authorization',
    'Proxy-Authorization',
    'Cookie',
    'Set-Cookie',
    'X-Api-Key',
    'X-Auth-Token',
    'X-CSRF-Token',
  ],
  ...['X-XSRF-Token', 'X-Amz-Security-Token', 'Vendor-Token', 'My-Secret', 'Ocp-Apim-Subscription-Key'],
];

describe('names', () => {
  it('are those of the design, in any case', () => {
    for (const name of NAMES) {
      for (const variant of [
        name,
        name.toUpperCase(),
        name.replace(/_(.)/g, (_, c: string) => c.toUpperCase()),
      ]) {
        expect(isSecretName(variant), variant).toBe(true);
      }
    }
    for (const name of FIELDS) {
      for (const variant of [name, name.toLowerCase(), name.toUpperCase()])
        expect(isSecretField(variant)).toBe(true);
    }
  });

  it('are no others', () => {
    for (const name of ['Sec-WebSocket-Key', 'Host', 'ETag', 'X-Request-Id', 'Keyring', 'Tokens']) {
      expect(isSecretField(name), name).toBe(false);
    }
    for (const name of ['user', 'codes', 'description', 'passwords_changed', 'pinned', 'x'.repeat(10_000)]) {
      expect(isSecretName(name)).toBe(false);
    }
  });
});

describe('fields', () => {
  it('keep their order and case, and the name of the authentication scheme', () => {
    expect(
      maskFields([
        ['HOST', 'a'],
        ['authorization', 'Bearer abc.def'],
        ['Authorization', 'opaque secret'],
        ['Cookie', 'sid=1; theme=dark'],
        ['Location', 'https://user:pw@host/cb?code=123&state=x#access_token=abc'],
        ['Referer', 'http://a/?q=1&PASSWORD=x'],
        ['X-Custom', `seen ${JWT}.`],
        ['Set-Cookie', ''],
      ]),
    ).toEqual([
      ['HOST', 'a'],
      ['authorization', `Bearer ${MASK}`],
      ['Authorization', MASK],
      ['Cookie', MASK],
      ['Location', `https://${MASK}@host/cb?code=${MASK}&state=x#access_token=${MASK}`],
      ['Referer', `http://a/?q=1&PASSWORD=${MASK}`],
      ['X-Custom', `seen ${MASK}.`],
      ['Set-Cookie', ''],
    ]);
  });
});

describe('URLs', () => {
  it.each([
    ['/a?x=1&token=abc&y=2', `/a?x=1&token=${MASK}&y=2`],
    ['/a?api%5Fkey=abc', `/a?api%5Fkey=${MASK}`],
    ['/a?user[password]=abc', `/a?user[password]=${MASK}`],
    ['/a;session=abc;v=1/b', `/a;session=${MASK};v=1/b`],
    ['http://u:p@h/', `http://${MASK}@h/`],
    ['http://u@h/?a=@b', `http://${MASK}@h/?a=@b`],
    ['/login?next=https%3A%2F%2Fx%2F%3Ftoken%3Dabc', `/login?next=https%3A%2F%2Fx%2F%3Ftoken%3D${MASK}`],
    [`/v/${JWT}/x`, `/v/${MASK}/x`],
    ['/a?x=1&y=2#z', '/a?x=1&y=2#z'],
    ['*', '*'],
    ['/a?token', '/a?token'],
    ['/a?token=', '/a?token='],
    ['/%zz?%zz=%&sig=%zz', `/%zz?%zz=%&sig=${MASK}`],
  ])('%s', (url, masked) => {
    expect(maskUrl(url)).toBe(masked);
  });
});

describe('JSON', () => {
  it.each([
    ['{"a":1,"password":"x","b":[1,2]}', `{"a":1,"password":"${MASK}","b":[1,2]}`],
    ['{ "Token" :  12.5e3 , "b" : null }', `{ "Token" :  "${MASK}" , "b" : null }`],
    ['{"session":{"id":"x","deep":["y"]},"ok":true}', `{"session":"${MASK}","ok":true}`],
    ['{"\\u0070assword":"x"}', `{"\\u0070assword":"${MASK}"}`],
    ['{"token":null,"secret":""}', '{"token":null,"secret":""}'],
    ['[{"pin":1},{"pin":2}]', `[{"pin":"${MASK}"},{"pin":"${MASK}"}]`],
    ['{"pwd":"a\\"b","c":"d"}', `{"pwd":"${MASK}","c":"d"}`],
    ['{"a":"x"}\n{"otp":"y"}\n', `{"a":"x"}\n{"otp":"${MASK}"}\n`],
    ['{"a":"password","b":"token"}', '{"a":"password","b":"token"}'],
    ['{"url":"https://u:p@h/?sig=1"}', `{"url":"https://${MASK}@h/?sig=${MASK}"}`],
    ['{"password":"abc', `{"password":"${MASK}"`],
    ['{"card":{"number":"4111', `{"card":"${MASK}"`],
    ['{"a":1,"pass', '{"a":1,"pass'],
    ['[]', '[]'],
    ['', ''],
  ])('%s', (text, masked) => {
    expect(maskJson(text)).toBe(masked);
  });

  it('that is broken is masked as well', () => {
    for (const text of [
      "{'password': 'S3CR3T'}",
      '{password: "S3CR3T"}',
      '{"a":,"password":"S3CR3T"}',
      '{"a" "b", "token" : "S3CR3T"',
      'data: {"token":"S3CR3T"}\n\ndata: {"pin":S3CR3T}\n\n',
      '{"text":"line\nbreak","secret":"S3CR3T"}',
      '"{\\"password\\":\\"S3CR3T\\"}',
      ')]}\',\n{"session":["S3CR3T"]}',
      'password=S3CR3T; x',
    ]) {
      expect(maskJson(text), text).not.toContain('S3CR3T');
    }
  });
});

describe('forms', () => {
  it.each([
    ['user=a&password=b+c&x=1', `user=a&password=${MASK}&x=1`],
    ['API%5FKEY=1', `API%5FKEY=${MASK}`],
    ['a=b', 'a=b'],
    ['token', 'token'],
  ])('%s', (text, masked) => {
    expect(maskBody(text, FORM)).toBe(masked);
  });
});

describe('multipart', () => {
  const part = (head: string, content: string): string => `--b0undary\r\n${head}\r\n\r\n${content}\r\n`;
  const body = (content: string): string =>
    part('Content-Disposition: form-data; name="user"', 'ann') +
    part('Content-Disposition: form-data; name="password"', content) +
    part(
      'content-disposition: form-data; name="meta"\r\nContent-Type: application/json',
      '{"token":"S3CR3T","a":1}',
    ) +
    '--b0undary--\r\n';

  it('masks parts by name and by type, and nothing else', () => {
    expect(maskBody(body('S3CR3T'), MULTIPART)).toBe(body(MASK).replace('"S3CR3T"', `"${MASK}"`));
  });

  it('is masked without its boundary and when it is cut', () => {
    const text = body('S3CR3T');
    for (const boundary of [null, 'other']) {
      expect(maskBody(text, { essence: 'multipart/form-data', boundary })).not.toContain('S3CR3T');
    }
    for (let end = 0; end <= text.length; end++)
      expect(maskBody(text.slice(0, end), MULTIPART)).not.toContain('S3CR');
  });
});

describe('binary bodies', () => {
  const types = ['application/octet-stream', 'application/zip', 'text/plain', ''];

  it.each(types)('of type "%s" stay as they are, whatever random bytes spell', (essence) => {
    // The same each time: a generator of pseudorandom numbers (Numerical Recipes), its upper byte.
    let state = 7;
    const bytes = Buffer.alloc(4_000_000);
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      bytes[i] = state >>> 24;
    }
    const text = bytes.toString('latin1');
    expect(text).toMatch(/pw=/i);
    for (const begin of ['', '{', '[1', ' {"'])
      expect(maskBody(begin + text, { essence, boundary: null }) === begin + text).toBe(true);
  });

  it.each(types)('of type "%s" hide the secrets in their readable parts', (essence) => {
    const body = (secret: string): string =>
      `\0\x01\xffconfig: password=${secret} user=me\0\x02https://me:${secret}@host/\0Authorization: Bearer ${JWT}`;
    expect(maskBody(body('S3CR3T'), { essence, boundary: null })).toBe(
      body(MASK).replace(`Bearer ${JWT}`, MASK).replace(`me:${MASK}@`, `${MASK}@`),
    );
  });
});

describe('base64 as text', () => {
  const BYTES = 'LFLfjkBqHmsz06whLr2jbwqOJ3RI6MQcyx2S3Epi8gq1hnqWKWd07W4S5cYKsdwN';

  it.each([
    ['of one line', `${BYTES}43e8EuvX+aJnw5yNih5GJJdqMqLHExo90krbWLJPw==`],
    ['with a slash before its end', `${BYTES}/key==`],
    ['longer than a name', `${BYTES.repeat(8)}+Pw==`],
    ['before an indented line', `${BYTES.repeat(8)}+Pw==\n  more: text\n`],
    ['in a line before an indented one', `${BYTES}Pw==\n  ${BYTES}\n`],
    ['after which a line follows', `${BYTES}Pw==\n${BYTES}\n`],
    ['of a parameter', `a=1&${BYTES}Pw==`],
  ])('%s stays as it is, also where it ends like the name of a secret', (_, text) => {
    for (const essence of ['text/plain', '']) expect(maskBody(text, { essence, boundary: null })).toBe(text);
    const json = JSON.stringify({ data: text });
    expect(maskBody(json, JSON_TYPE)).toBe(json);
  });

  it.each(['password ==', 'password==', 'clientPw=='])(
    'is not confused with a name whose value is in the next line: %s',
    (name) => {
      const text = maskBody(`${name}\n  S3CR3T\n`, { essence: 'text/plain', boundary: null });
      expect(text).toBe(`${name}\n  ${MASK}\n`);
    },
  );

  it('is masked as the value of a secret', () => {
    expect(maskBody(`password=${BYTES}Pw==`, FORM)).toBe(`password=${MASK}`);
    expect(maskBody(`password: ${BYTES}Pw==\n`, { essence: '', boundary: null })).toBe(`password: ${MASK}\n`);
  });
});

describe('JSON Web Tokens', () => {
  it('are masked anywhere', () => {
    expect(maskJwt(`a ${JWT} b ${JWT}`)).toBe(`a ${MASK} b ${MASK}`);
    expect(maskBody(`<p>${JWT}</p>`, { essence: 'text/html', boundary: null })).toBe(`<p>${MASK}</p>`);
    expect(maskJwt(JWT.slice(0, 40))).toBe(MASK);
  });

  it('are not confused with text that merely begins like one', () => {
    for (const text of ['eyJ', 'eyJhbGciOi', 'eyJ. ', 'they eyJoke']) expect(maskJwt(text)).toBe(text);
  });
});

// ── properties ─────────────────────────────────────────────────────────────────────────────────────────────

const MARKER = 'S3CR3T';
const anyCase = (names: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...names), fc.func(fc.boolean()))
    .map(([text, upper]) => [...text].map((c, i) => (upper(i) ? c.toUpperCase() : c)).join(''));
const name = anyCase(NAMES);
const parameter = anyCase(PARAMETERS);
const plainKey = fc.string({ maxLength: 6 }).filter((key) => nameKind(key) === null && key !== '__proto__');
const secretValue = fc.string({ maxLength: 8 }).map((rest) => MARKER + rest);
/**
 * Text without a sign between a name and a value, and that is no secret's name: both would be taken for a pair, as
 * `["password", "x"]` is.
 */
const plainText = fc
  .string({ maxLength: 10 })
  .map((text) => text.replace(/[:=]/g, '-'))
  .filter((text) => nameKind(text) === null);
const plainValue = fc.oneof(plainText, fc.integer(), fc.boolean(), fc.constant(null));

/** JSON with secrets among other things; secrets of any kind and depth. */
const { tree } = fc.letrec<{ tree: unknown; secret: unknown; object: unknown }>((tie) => ({
  tree: fc.oneof({ depthSize: 'small' }, plainValue, tie('object'), fc.array(tie('tree'), { maxLength: 4 })),
  secret: fc.oneof(
    { depthSize: 'small' },
    secretValue,
    fc.array(tie('secret'), { minLength: 1, maxLength: 2 }),
    fc.dictionary(plainKey, tie('secret'), { minKeys: 1, maxKeys: 2 }),
  ),
  object: fc
    .tuple(
      fc.dictionary(plainKey, tie('tree'), { maxKeys: 3 }),
      fc.dictionary(name, tie('secret'), { maxKeys: 2 }),
    )
    .map(([plain, secrets]) => ({ ...plain, ...secrets })),
}));

function expectedOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expectedOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, isSecretName(key) ? MASK : expectedOf(member)]),
  );
}

describe('no secret survives', () => {
  it('in JSON, and nothing else changes', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        const masked = maskJson(text);
        expect(masked).not.toContain(MARKER);
        expect(JSON.parse(masked)).toEqual(expectedOf(value));
      }),
      { numRuns: runs(500) },
    );
  });

  it('in JSON that is cut at its end, at its beginning or damaged', () => {
    fc.assert(
      fc.property(
        tree,
        fc.nat(),
        fc.nat(),
        fc.constantFrom('', '"', ']', 'x', '\n'),
        (value, end, start, junk) => {
          const text = JSON.stringify(value);
          expect(maskBody(text.slice(0, end % (text.length + 1)), JSON_TYPE)).not.toContain(MARKER);
          // Before the first secret's name, so that it can be seen to be one.
          const names = NAMES.map((secret) => text.toLowerCase().indexOf(`"${secret}":`)).filter(
            (at) => at >= 0,
          );
          const from = start % (Math.min(text.length, ...names) + 1);
          expect(maskBody(junk + text.slice(from), JSON_TYPE)).not.toContain(MARKER);
        },
      ),
      { numRuns: runs(500) },
    );
  });

  it('in queries, forms, fields and multipart', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), parameter, plainKey, secretValue, fc.string({ maxLength: 8 })), {
          maxLength: 5,
        }),
        fc.nat(),
        (parts, cut) => {
          const pairs = parts.map(([secret, key, plain, value, other]): [string, string] =>
            secret ? [key, value] : [plain, other],
          );
          const encoded = pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
          const shorter = encoded.slice(0, cut % (encoded.length + 1));
          for (const text of [encoded, shorter]) {
            expect(maskUrl(`http://h/p?${text}`)).not.toContain(MARKER);
            expect(maskUrl(`/p#${text}`)).not.toContain(MARKER);
            expect(maskBody(text, FORM)).not.toContain(MARKER);
            expect(maskFields([['Location', `/p?${text}`]]).join()).not.toContain(MARKER);
          }
          const multipart = pairs
            .filter(([key]) => !/["\\\r\n]/.test(key))
            .map(
              ([key, value]) =>
                `--b0undary\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`,
            )
            .join('');
          expect(maskBody(multipart, MULTIPART)).not.toContain(MARKER);
          for (const field of FIELDS) expect(maskFields([[field, MARKER]]).join()).not.toContain(MARKER);
        },
      ),
      { numRuns: runs(500) },
    );
  });

  it('and no text is too strange', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 200 }), (text) => {
        for (const type of [JSON_TYPE, FORM, MULTIPART, { essence: '', boundary: null }])
          maskBody(text, type);
        maskUrl(text);
      }),
      { numRuns: runs(500) },
    );
  });
});

/** JSON in a string of JSON, and so on; each level doubles the backslashes. */
function nested(levels: number): string {
  let text = '{"password":"x"}';
  for (let level = 0; level < levels; level++) text = JSON.stringify({ a: text });
  return text;
}

/** A parameter in a parameter, and so on. */
function encoded(levels: number): string {
  let text = 'x'.repeat(20_000);
  for (let level = 0; level < levels; level++) text = encodeURIComponent(`?a=${text}`);
  return text;
}

describe('depth', () => {
  it('is no way out for a secret', () => {
    const deep = `${'{"a":['.repeat(20_000)}{"password":"hunter2"}${']}'.repeat(20_000)}`;
    const masked = maskBody(deep, JSON_TYPE);
    expect(masked).toBe(deep.replace('hunter2', MASK));
  });
});

describe('time', () => {
  it.each([
    ['brackets', '['.repeat(2_000_000), JSON_TYPE],
    ['quotes', '"'.repeat(2_000_000), JSON_TYPE],
    ['names', '"token":'.repeat(250_000), JSON_TYPE],
    ['backslashes', '\\'.repeat(2_000_000), JSON_TYPE],
    ['open objects behind names', '"token":{'.repeat(200_000), JSON_TYPE],
    ['broken, with open objects behind names', `x${'token={'.repeat(200_000)}`, JSON_TYPE],
    ['ampersands', '&'.repeat(2_000_000), FORM],
    ['pairs', 'token=1&'.repeat(250_000), FORM],
    ['boundaries', '--b0undary'.repeat(200_000), MULTIPART],
    ['token beginnings', 'eyJ'.repeat(700_000), JSON_TYPE],
    ['dots', `eyJ${'.'.repeat(2_000_000)}`, JSON_TYPE],
    ['slashes', `{"a":"${'//@='.repeat(400_000)}"}`, JSON_TYPE],
    ['percent signs', '%'.repeat(2_000_000), FORM],
    ['white space', ' '.repeat(2_000_000), { essence: '', boundary: null }],
    ['lines without values', 'password:\n'.repeat(100_000), { essence: '', boundary: null }],
    ['indented blocks', `password:\n${'  token:\n'.repeat(100_000)}`, { essence: '', boundary: null }],
    ['names in one line', 'password=a '.repeat(100_000), { essence: 'text/plain', boundary: null }],
    ['open braces', 'key={'.repeat(200_000), { essence: 'text/plain', boundary: null }],
    ['open lists of names', 'credentials:['.repeat(100_000), { essence: 'text/plain', boundary: null }],
    ['signs', `?a${'=b'.repeat(500_000)}`, { essence: 'text/plain', boundary: null }],
    ['encoded signs', `a=${encoded(40)}`, FORM],
    ['words', 'key '.repeat(300_000), { essence: 'text/plain', boundary: null }],
    ['one name', `a:${'x'.repeat(1_000_000)}=`, { essence: 'text/plain', boundary: null }],
    ['commas', `password=${'a,'.repeat(500_000)}`, { essence: 'text/plain', boundary: null }],
    ['quotes in single quotes', `password='${"''".repeat(500_000)}`, { essence: '', boundary: null }],
    ['options', '--password '.repeat(100_000), { essence: 'text/plain', boundary: null }],
    ['private keys', '-----BEGIN PRIVATE KEY-----'.repeat(50_000), { essence: '', boundary: null }],
    [
      'braces of GraphQL',
      `query{${'{a:"'.repeat(200_000)}`,
      { essence: 'application/graphql', boundary: null },
    ],
    ['quotes of CSV', '"'.repeat(1_000_000), { essence: 'text/csv', boundary: null }],
    ['slashes and signs', '/'.repeat(500_000) + ':@'.repeat(200_000), { essence: '', boundary: null }],
    ['open lists', '["a",['.repeat(200_000), JSON_TYPE],
    ['escapes', `{"a":"${'\\"'.repeat(500_000)}"}`, JSON_TYPE],
    ['JSON in JSON', nested(12), JSON_TYPE],
    ['encoded URLs in URLs', `a=${'%25'.repeat(300_000)}3D`, FORM],
  ])('is linear in %s', (_, text, type) => {
    const took = cpuTime(() => {
      maskBody(text, type);
    });
    expect(took).toBeLessThan(QUADRATIC);
  });
});

describe('messages', () => {
  it.each([
    ['{"token":"geheim","a":1}', `{"token":"${MASK}","a":1}`],
    ['42["login",{"password":"geheim","user":"eve"}]', `42["login",{"password":"${MASK}","user":"eve"}]`],
    ['CONNECT\nlogin:eve\npassword:geheim\n\n\0', `CONNECT\nlogin:eve\npassword:${MASK}\n\n\0`],
    [`auth ${JWT}`, `auth ${MASK}`],
    ['user=eve&password=geheim', `user=eve&password=${MASK}`],
    ['<login password="geheim"/>', `<login password="${MASK}"/>`],
    ['[10:32] all is well', '[10:32] all is well'],
    ['tick 12', 'tick 12'],
    ['', ''],
  ])('%j', (text, masked) => {
    expect(maskMessage(text, '')).toBe(masked);
  });

  it('never throw, and end', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(typeof maskMessage(text, '')).toBe('string');
      }),
    );
    // Linear: twice the length would otherwise not end within the test's time.
    for (const text of [`x${'['.repeat(200_000)}`, 'password:'.repeat(50_000)]) maskMessage(text, '');
  });
});

/**
 * Secrets in every place that a call has, each of its own, through the whole engine: none may be in what is shown. And
 * harmless names and texts that look like secrets, which must be.
 */
import { describe, expect, it } from 'vitest';
import { Table } from '../cli/table.ts';
import { Engine } from '../engine/engine.ts';
import type { Field } from '../engine/exchange.ts';
import { conversation, recordBatch, START, type Step } from '../engine/testing/records.ts';
import { binary, MASK as FRAME_MASK, switching, text, UPGRADE } from '../engine/testing/webSocket.ts';
import { readProtos } from '../protos/readProtos.ts';

interface Call {
  readonly target?: string;
  readonly fields?: readonly Field[];
  readonly type?: string | null;
  readonly body?: string | Buffer;
  readonly status?: string;
  readonly answerFields?: readonly Field[];
  readonly answerType?: string;
  readonly answer?: string;
  readonly frames?: readonly Buffer[];
}

const PROTO = `syntax = "proto3"; package p; service S { rpc M (R) returns (R); }
message Nested { string name = 1; string value = 2; }
message R { string new_password = 1; bytes payload = 2; map<string, string> settings = 3; int32 pin = 4;
  string status_code = 5; int32 code = 6; Nested session_token = 7; bool requires_password = 8; int32 max_tokens = 9; string code_text = 10; }`;
const { schema } = readProtos([{ path: 'p.proto', text: PROTO }]);

/** All that a reader may see of the call: a JSON line, the details, a row, a line of the table. */
function shown(call: Call): string {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.setProtos(schema);
  engine.push(recordBatch(conversation(stepsOf(call))));
  engine.finish();
  const row = engine.row(1);
  const json = JSON.stringify(engine.json(1));
  const table: string[] = [];
  new Table({ columns: null, secrets: false, write: (text) => table.push(text) }).exchange({
    row: () => row ?? null,
    json: () => null,
  });
  const text = [json, JSON.stringify(row), ...table].join('\n');
  const bytes = [...text.matchAll(/"base64":"([^"]*)"/g)].map(([, base64 = '']) =>
    Buffer.from(base64, 'base64').toString(),
  );
  return [text, ...bytes, decode(text)]
    .join('\n')
    .concat(
      ...[...text.matchAll(/[\w+/]{16,}={0,2}/g)].map(([run]) =>
        Buffer.from(run, 'base64').toString('latin1'),
      ),
    );
}

function decode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function stepsOf(call: Call): Step[] {
  const { target = '/a', fields = [], type = 'application/json', body = '', frames } = call;
  const lines = (all: readonly Field[]): string =>
    all.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  if (frames !== undefined) {
    return [{ out: UPGRADE }, { in: switching() }, ...frames.map((frame) => ({ out: frame }))];
  }
  const bytes = Buffer.from(body as string);
  const head =
    `POST ${target} HTTP/1.1\r\nHost: api.example\r\n${lines(fields)}` +
    `${type === null ? '' : `Content-Type: ${type}\r\n`}Content-Length: ${bytes.length}\r\n\r\n`;
  const answer = Buffer.from(call.answer ?? '');
  const answerHead =
    `HTTP/1.1 ${call.status ?? '200 OK'}\r\n${lines(call.answerFields ?? [])}` +
    `Content-Type: ${call.answerType ?? 'application/json'}\r\nContent-Length: ${answer.length}\r\n\r\n`;
  return [
    { out: Buffer.concat([Buffer.from(head), bytes]) },
    { in: Buffer.concat([Buffer.from(answerHead), answer]) },
  ];
}

const json = (value: unknown): string => JSON.stringify(value);
const encode = encodeURIComponent;
const part = (head: string, content: string): string =>
  `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n--b--\r\n`;
const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data; boundary=b';
const GRAPHQL = 'application/graphql';

/** LEN-prefixed message of gRPC. */
function grpc(...fields: readonly (readonly [number: number, content: string | Buffer | number])[]): Buffer {
  const message = Buffer.concat(
    fields.map(([number, content]) =>
      typeof content === 'number'
        ? Buffer.from([number << 3, content])
        : Buffer.concat([
            Buffer.from([(number << 3) | 2, Buffer.from(content as string).length]),
            Buffer.from(content as string),
          ]),
    ),
  );
  return Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
}

/** Names of design/trust.md, of the issue, and of what people call the same things. */
const NAMES = [
  ...['password', 'passwd', 'pwd', 'secret', 'token', 'access_token', 'refresh_token', 'id_token'],
  ...['client_secret', 'api_key', 'otp', 'pin', 'ssn', 'card', 'cvv', 'sig', 'session', 'apikey'],
  ...['X-Authorization', 'X-Password', 'passphrase', 'private_key', 'secretAccessKey', 'newPassword'],
  ...[
    'sessionToken',
    'auth_token',
    'signature',
    'X-Amz-Signature',
    'cvc',
    'session_id',
    'APIKey',
    'dbPassword',
  ],
  ...['DB_PASS', 'smtp.password', 'password_confirmation', 'password2', 'csrfmiddlewaretoken', 'x-token-bin'],
  ...['authToken', 'oauth_token_secret', 'consumerSecret', 'clientsecret', 'PHPSESSID', 'JSESSIONID', 'jwt'],
  ...['bearer', 'totp', 'mfa_code', 'verificationCode', 'code_verifier', 'device_code', 'SAMLResponse'],
  ...['encryptionKey', 'AccountKey', 'subscription-key', 'card_number', 'creditCardNumber', 'security_code'],
  ...['Passwort', 'passcode', 'SECRET_KEY', 'webhookSecret', 'connectionString', 'X-Goog-Signature', 'psk'],
];

const PLACES: Readonly<Record<string, (name: string, secret: string) => Call>> = {
  'a header field': (name, secret) => ({ fields: [[name, secret]] }),
  'a trailing query': (name, secret) => ({ target: `/a?x=1&${encode(name)}=${secret}` }),
  'a fragment of a redirect': (name, secret) => ({
    answerFields: [['Location', `/cb#${name}=${secret}&x=1`]],
  }),
  'a form': (name, secret) => ({ type: FORM, body: `x=1&${encode(name)}=${secret}` }),
  JSON: (name, secret) => ({ answer: json({ a: { [name]: secret }, b: 1 }) }),
  'JSON in JSON': (name, secret) => ({ body: json({ a: json({ b: json({ [name]: secret }) }) }) }),
  'JSON in a parameter': (name, secret) => ({ target: `/a?p=${encode(json({ [name]: secret }))}` }),
  'a part': (name, secret) => ({ type: MULTIPART, body: part(`name="${name}"`, secret) }),
  'a part, name*': (name, secret) => ({
    type: MULTIPART,
    body: part(`name*=UTF-8''${encode(name)}`, secret),
  }),
  YAML: (name, secret) => ({ type: 'application/yaml', body: `a: 1\n${name}: my ${secret} is\nb: 2\n` }),
  'plain text': (name, secret) => ({
    answerType: 'text/plain',
    answer: `it says ${name}=${secret}, and so on`,
  }),
  'a WebSocket message': (name, secret) => ({
    frames: [text(json({ [name]: secret }), { mask: FRAME_MASK })],
  }),
  'an event': (name, secret) => ({
    answerType: 'text/event-stream',
    answer: `event: x\ndata: ${json({ [name]: secret })}\n\n`,
  }),
};

let seeds = 0;
const seed = (): string => `Zq${(7_919 * ++seeds).toString(36)}x${seeds}`;

describe.each(Object.entries(PLACES))('no secret is shown of %s', (_, place) => {
  it.each(NAMES)('%s', (name) => {
    const secret = seed();
    expect(shown(place(name, secret))).not.toContain(secret);
  });
});

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N';
const S = 'S3cr3tV4lue';

const SECRETS: Readonly<Record<string, Call>> = {
  'GraphQL, GET query': { target: `/g?query=${encode(`mutation { login(password: "${S}") { id } }`)}` },
  'GraphQL, GET variables': { target: `/g?query=a&variables=${encode(json({ password: S }))}` },
  'GraphQL, GET variables, not encoded': { target: `/g?variables={"password":"${S}"}` },
  'GraphQL, inline': { body: json({ query: `mutation {\n login(user: "eve", password: "${S}") { id } }` }) },
  'GraphQL, input object': {
    body: json({ query: `mutation { a(input: {user: "e", apiKey: "${S}"}) { id } }` }),
  },
  'GraphQL, default': { body: json({ query: `mutation A($password: String! = "${S}") { a { id } }` }) },
  'GraphQL, variables': { body: json({ query: 'mutation A { a }', variables: { newPassword: S } }) },
  'GraphQL, number': { type: GRAPHQL, body: 'mutation { a(pin: 918273645) { id } }' },
  'application/graphql': { type: GRAPHQL, body: `mutation { login(password: "${S}") { id } }` },
  'application/graphql, block string': { type: GRAPHQL, body: `mutation { a(secret: """${S}""") { id } }` },
  'application/graphql, list': { type: GRAPHQL, body: `mutation { a(secret: ["x", "${S}"]) { id } }` },
  'grpc-message': {
    type: 'application/grpc',
    answerType: 'application/grpc',
    answerFields: [
      ['grpc-status', '3'],
      ['grpc-message', `bad%20password: ${S}`],
    ],
  },
  'grpc-message, JSON': {
    type: 'application/grpc',
    answerType: 'application/grpc',
    answerFields: [
      ['grpc-status', '3'],
      ['grpc-message', encode(json({ token: S }))],
    ],
  },
  'protobuf, field': { target: '/p.S/M', type: 'application/grpc', body: grpc([1, S]) },
  'protobuf, map': {
    target: '/p.S/M',
    type: 'application/grpc',
    body: grpc([
      3,
      Buffer.concat([
        Buffer.from([10, 6]),
        Buffer.from('apiKey'),
        Buffer.from([18, S.length]),
        Buffer.from(S),
      ]),
    ]),
  },
  'protobuf, JSON in bytes': {
    target: '/p.S/M',
    type: 'application/grpc',
    body: grpc([2, json({ token: S })]),
  },
  'protobuf, message': {
    target: '/p.S/M',
    type: 'application/grpc',
    body: grpc([7, Buffer.concat([Buffer.from([10, S.length]), Buffer.from(S)])]),
  },
  'protobuf without definition': {
    target: '/q.S/M',
    type: 'application/grpc',
    body: grpc([1, `password=${S}`]),
  },
  Authorization: { fields: [['Authorization', `Bearer ${S}`]] },
  'Authorization of another scheme': { fields: [['Authorization', `Custom ${S}`]] },
  'X-Authorization, Bearer': { fields: [['X-Authorization', `Bearer ${S}`]] },
  Cookie: { fields: [['Cookie', `theme=dark; anything=${S}`]] },
  'Set-Cookie': { answerFields: [['Set-Cookie', `anything=${S}; HttpOnly`]] },
  'any -Key': { fields: [['Ocp-Apim-Subscription-Key', S]] },
  'any -Token': { fields: [['Vendor-Token', S]] },
  'X-Auth': { fields: [['X-Auth', S]] },
  'a field with JSON': { fields: [['X-Payload', json({ password: S })]] },
  'a field with names': { fields: [['X-Debug', `user=eve, password=${S}`]] },
  Referer: { fields: [['Referer', `https://a/?session_id=${S}`]] },
  Link: { answerFields: [['Link', `<https://a/?page=2&token=${S}>; rel="next"`]] },
  Refresh: { answerFields: [['Refresh', `0; url=https://a/?token=${S}`]] },
  Location: { answerFields: [['Location', `https://a/cb?code=${S}&state=x`]] },
  'userinfo of Location': { answerFields: [['Location', `https://eve:${S}@a/`]] },
  'userinfo of the target': { target: `http://eve:${S}@a/x` },
  'userinfo of Host': {
    fields: [
      ['X-Forwarded-Host', `a`],
      ['Host', `eve:${S}@a`],
    ],
  },
  'userinfo in JSON': { body: json({ url: `postgres://eve:${S}@db:5432/x` }) },
  'reason phrase': { status: `400 password=${S}` },
  'query, code': { target: `/cb?code=${S}&state=x` },
  'query, value with semicolon': { target: `/a?password=a;${S}&x=1` },
  'query, name in brackets': { target: `/a?user[password]=${S}` },
  'query, encoded name': { target: `/a?api%5Fkey=${S}` },
  'query, key': { target: '/a?key=AIzaSyD9x7Qw3Er5Ty8Ui0Op', body: '' },
  'URL in a parameter': { target: `/a?next=${encode(`https://b/?token=${S}`)}` },
  'URL in a URL in a parameter': {
    target: `/a?n=${encode(`/b?n=${encode(`/c?n=${encode(`/d?token=${S}`)}`)}`)}`,
  },
  'six URLs deep': {
    target: `/a?n=${[1, 2, 3, 4, 5].reduce((inner) => encode(`/b?n=${inner}`), encode(`/d?token=${S}`))}`,
  },
  'path parameter': { target: `/a;session_id=${S};v=1/b` },
  'form, JSON': { type: FORM, body: `payload=${encode(json({ client_secret: S }))}` },
  'form, code': { type: FORM, body: `grant_type=authorization_code&code=${S}` },
  'form, name in brackets': { type: FORM, body: `login%5Bpassword%5D=${S}` },
  'form as text': { type: 'text/plain', body: `a=1&password=${S}` },
  'JSON, OAuth code': { body: json({ code: S, grant_type: 'authorization_code' }) },
  'JSON, OAuth code behind': { body: json({ grant_type: 'authorization_code', code: S }) },
  'JSON, code that looks like one': { body: json({ code: 'SplxlOBeZQQYbYS6WxSbIA' }) },
  'JSON, one-time code': { body: json({ code: '918273' }) },
  'JSON, name and value': { body: json([{ name: 'DB_PASSWORD', value: S }]) },
  'JSON, value and name': { body: json([{ value: S, key: 'api_key' }]) },
  'JSON, list of secrets': { body: json({ secrets: [S], passwords: { a: S } }) },
  'JSON, array': { body: json({ password: [S, { a: S }] }) },
  'JSON, pass': { body: json({ user: 'eve', pass: S }) },
  'JSON, text with names': { body: json({ error: `cannot log in: user=eve password=${S}` }) },
  'JSON, YAML in it': { body: json({ file: `user: eve\npassword: my ${S}\n` }) },
  'JSON, XML in it': { body: json({ file: `<?xml version="1.0"?><a><password>${S}</password></a>` }) },
  'JSON, form in it': { body: json({ body: `user=eve&password=${S}` }) },
  'JSON, escaped name': { body: `{"\\u0070assword":"${S}"}` },
  'JSON, cut': { body: `{"a":{"password":"${S}` },
  'JSON, broken': { body: `{"a":,"password":"${S}"}` },
  'JSON, single quotes': { body: `{'password': '${S}'}` },
  'JSON as another type': { type: 'application/octet-stream', body: json({ password: S }) },
  'JSON without type': { type: null, body: json({ password: S }) },
  'JSON five deep': {
    body: json({ a: json({ a: json({ a: json({ a: json({ a: json({ password: S }) }) }) }) }) }),
  },
  JSONP: { answerType: 'application/javascript', answer: `cb({"token":"${S}"})` },
  'part, continuation': { type: MULTIPART, body: part('name*0="pass"; name*1="word"', S) },
  'part, folded': { type: MULTIPART, body: part('filename=a;\r\n name="password"', S) },
  'part, quoted escape': { type: MULTIPART, body: part('name="pass\\word"', S) },
  'part, JSON': { type: MULTIPART, body: part('name="operations"', json({ variables: { password: S } })) },
  'part, form': { type: MULTIPART, body: part('name="a"', `x=1&password=${S}`) },
  'YAML, block': { type: 'text/yaml', body: `a: 1\nprivate_key: |\n  begin\n  ${S}\nb: 2\n` },
  'YAML, nested': { type: 'text/yaml', body: `secret:\n  a: ${S}\n  b: x\nc: 2\n` },
  'YAML, list': { type: 'text/yaml', body: `users:\n  - name: eve\n    password: ${S}\n` },
  'YAML, flow': { type: 'text/yaml', body: `user: {name: eve, password: ${S}}\n` },
  'YAML, quoted': { type: 'text/yaml', body: `password: "my ${S}"\n` },
  properties: { type: 'text/plain', body: `db.user=eve\ndb.password=correct horse ${S}\n` },
  environment: { type: 'text/plain', body: `export DB_PASSWORD='a ${S}'\n` },
  'plain, two words': { type: 'text/plain', body: `Your API key: ${S}\n` },
  'plain, Bearer': { type: 'text/plain', body: `sent authorization: Bearer ${S} to it` },
  'plain, command': { type: 'text/plain', body: `mysql --password=${S} -u eve` },
  'connection string': { type: 'text/plain', body: `Server=db;User=eve;Password=${S};Timeout=3` },
  'connection string in JSON': { body: json({ dsn: `Password=${S};Server=db` }) },
  'XML, element': { type: 'text/xml', body: `<a><dbPassword>${S}</dbPassword></a>` },
  'XML, attribute': { type: 'text/xml', body: `<a apiKey="${S}"/>` },
  'XML, name and value': { type: 'text/xml', body: `<a><add key="DbPassword" value="${S}"/></a>` },
  'XML-RPC': {
    type: 'text/xml',
    body: `<member><name>password</name><value><string>${S}</string></value></member>`,
  },
  'property list': {
    type: 'text/xml',
    body: `<plist><dict><key>token</key><string>${S}</string></dict></plist>`,
  },
  'XML, JSON in it': { type: 'text/xml', body: `<a>{"password":"${S}"}</a>` },
  'SOAP without type': { type: null, body: `<soap:Envelope><b:Password>${S}</b:Password></soap:Envelope>` },
  'HTML, input': { answerType: 'text/html', answer: `<input name="csrfmiddlewaretoken" value="${S}">` },
  'HTML, meta': { answerType: 'text/html', answer: `<meta name="csrf-token" content="${S}">` },
  'HTML, script': { answerType: 'text/html', answer: `<script>var a = {"apiKey": "${S}"}</script>` },
  'HTML, text': { answerType: 'text/html', answer: `<pre>password=${S}</pre>` },
  script: { answerType: 'text/javascript', answer: `const apiKey = "${S}";` },
  'WebSocket, Socket.IO': { frames: [text(`42["login",{"password":"${S}"}]`, { mask: FRAME_MASK })] },
  'WebSocket, STOMP': { frames: [text(`CONNECT\npasscode:${S}\n\n\0`, { mask: FRAME_MASK })] },
  'WebSocket, binary': { frames: [binary(json({ password: S }), { mask: FRAME_MASK })] },
  'event, id': { answerType: 'text/event-stream', answer: `id: token=${S}\ndata: x\n\n` },
  'event, names': { answerType: 'text/event-stream', answer: `data: password=${S}\n\n` },
  'JSON line': { answerType: 'application/x-ndjson', answer: `{"a":1}\n{"password":"${S}"}\n` },
  'a private key': {
    type: 'application/x-pem-file',
    body: `-----BEGIN RSA PRIVATE KEY-----\n${S}\n-----END RSA PRIVATE KEY-----\n`,
  },
  'a private key in JSON': {
    body: json({ pem: `-----BEGIN PRIVATE KEY-----\n${S}\n-----END PRIVATE KEY-----\n` }),
  },
  CSV: { type: 'text/csv', body: `user,password\neve,${S}\n` },
  'CSV, quoted': { type: 'text/csv', body: `"api key",user\r\n"a ""${S}",eve\r\n` },
  'tab-separated values': { type: 'text/tab-separated-values', body: `user\ttoken\neve\t${S}\n` },
  'Sec-WebSocket-Protocol': { fields: [['Sec-WebSocket-Protocol', `access_token, ${S}`]] },
  'Sec-WebSocket-Protocol of Kubernetes': {
    fields: [['Sec-WebSocket-Protocol', `base64url.bearer.authorization.k8s.io.${S}`]],
  },
  Ruby: { type: 'text/plain', body: `{"password"=>"${S}", "a"=>1}` },
  PHP: { type: 'text/plain', body: `[password] => ${S}` },
  SQL: { body: json({ sql: `UPDATE u SET password='it''s ${S}' WHERE id=1` }) },
  'a word with a comma': { type: 'text/plain', body: `login password=abc,${S}` },
  pairs: {
    body: json([
      ['user', 'eve'],
      ['password', S],
    ]),
  },
  arguments: { body: json(['mysql', '--password', S]) },
  'an option': { type: 'text/plain', body: `mysql --password ${S} -u eve` },
  'fields in JSON': { body: json({ headers: [`Authorization: Digest a="b", response="${S}"`] }) },
  'fields as text': { type: 'text/plain', body: `> Cookie: theme=dark; sid=${S}\r\n` },
  'JSON Patch': { body: json([{ op: 'replace', path: '/password', value: S }]) },
  'JSON Web Key': { body: json({ d: S, kty: 'RSA', n: 'x' }) },
  'a Secret of Kubernetes': { body: json({ data: { foo: S }, kind: 'Secret' }) },
  'two codes of OAuth': { body: `{"code":"${S}","code":"${S}x","client_id":"a"}` },
  'name, and a value with names': { body: json({ name: 'password', value: `${S}=a&token=b` }) },
  'an error that repeats it': { body: json({ errors: { password: [S] } }) },
  'Bearer in a sentence': { body: json({ log: `sent Bearer ${S}x1y2z3a to it` }) },
  'Basic in a sentence': {
    body: json({ log: `sent Basic ${Buffer.from(`eve:${S}`).toString('base64')} to it` }),
  },
  'HTML, JSON in an attribute': {
    answerType: 'text/html',
    answer: `<div data-page="{&quot;token&quot;:&quot;${S}&quot;}">`,
  },
  'XML-RPC, pass': { type: 'text/xml', body: `<member><name>pass</name><value>${S}</value></member>` },
  'X-Shopify-Hmac-Sha256': { fields: [['X-Shopify-Hmac-Sha256', S]] },
  'name and an object': { body: json({ name: 'password', value: { x: S } }) },
  'userinfo with a slash': { answerFields: [['Location', `http://eve:a/${S}@a/x`]] },
  'a name that is encoded twice': { target: `/a?pass%2577ord=${S}` },
  'a name in a path': { target: `/a/token=${S}/b` },
  'a list in a query': { target: `/a?token[]=${S}` },
  'XML, comment': { type: 'text/xml', body: `<a><!-- password=${S} --></a>` },
  'XML, character reference': { type: 'text/xml', body: `<a name="pass&#119;ord" value="${S}"/>` },
  'HTML, textarea': { answerType: 'text/html', answer: `<textarea name="secret">${S}</textarea>` },
  'HTML, type of input': { answerType: 'text/html', answer: `<input value="${S}" type="password">` },
  'TOML, lines': { type: 'application/toml', body: `password = """\n${S}\n"""\n` },
  'YAML, bracket': { type: 'text/yaml', body: `password: a}${S}\n` },
  'YAML, quote': { type: 'text/yaml', body: `password: 'it''s ${S}'\n` },
  'full-width letters': { body: json({ ｐａｓｓｗｏｒｄ: S }) },
  'zero-width space': { body: json({ 'pass\u200bword': S }) },
  'blanks around': { body: `{"password"  :\n "${S}"}` },
  'odd capitals': { body: json({ pAsSwOrD: S }) },
  'a name of 90 characters': {
    body: json({ [`${'integration_service_account_'.repeat(3)}client_secret`]: S }),
  },
};

describe('no secret is shown of', () => {
  it.each(Object.entries(SECRETS))('%s', (_, call) => {
    const text = shown(call);
    for (const secret of [S, 'AIzaSyD9x7Qw3Er5Ty8Ui0Op', 'SplxlOBeZQQYbYS6WxSbIA', '918273']) {
      expect(text).not.toContain(secret);
    }
    expect(text).toContain('\u2022\u2022');
  });

  it('a JSON Web Token, anywhere', () => {
    for (const call of [
      { target: `/v/${JWT}/x` },
      { target: `/v?x=${JWT}` },
      { fields: [['X-Any', JWT]] as const },
      { body: json({ any: JWT }) },
      { body: json({ any: json({ any: JWT }) }) },
      { type: 'text/html', body: `<p>${JWT}</p>` },
      { type: 'image/png', body: JWT },
      { type: 'text/css', body: JWT },
      { type: FORM, body: `a=${JWT}` },
      { frames: [text(`x ${JWT}`, { mask: FRAME_MASK })] },
    ]) {
      expect(shown(call)).not.toContain('eyJ');
    }
  });
});

/** Name, value, as members of JSON, fields of a form and of a query. */
const HARMLESS: readonly (readonly [string, unknown])[] = [
  ['tokens', 5],
  ['max_tokens', 4096],
  ['maxTokens', 4097],
  ['total_tokens', 731],
  ['promptTokens', 732],
  ['token_type', 'bearer-like'],
  ['tokenCount', 733],
  ['token_endpoint', 'https://idp.example/here'],
  ['nextPageToken', 'page-two'],
  ['continuationToken', 'after-42'],
  ['tokenizer', 'cl100k'],
  ['keyboard', 'qwerty'],
  ['passage', 'north-west'],
  ['passenger', 'Phileas'],
  ['passive', 'mode-7'],
  ['passport_country', 'FR-1'],
  ['compass', 'south'],
  ['monkey', 'capuchin'],
  ['turkey', 'ankara'],
  ['donkey', 'burro'],
  ['primary_key', 'order_id'],
  ['public_key', 'ssh-ed25519-public'],
  ['sortKey', 'created_at'],
  ['foreignKey', 'customer_id'],
  ['cache_key', 'user:42'],
  ['key_id', 'kid-7'],
  ['key', 'photos/2024/07/14.jpg'],
  ['keys', 'a-b-c'],
  ['keyword', 'shoes'],
  ['pinned', 'yes-pinned'],
  ['spinner', 'dots'],
  ['spinning', 'fast'],
  ['shopping', 'cart-9'],
  ['pinterest', 'board'],
  ['gpio_pin', 17],
  ['postcode', 'SW1A-1AA'],
  ['zipcode', '90210'],
  ['zip_code', '90211'],
  ['status_code', 418],
  ['statusCode', '419'],
  ['error_code', 'E_QUOTA'],
  ['country_code', 'DE-x'],
  ['languageCode', 'en-GB'],
  ['currency_code', 'EURX'],
  ['promo_code', 'SUMMER'],
  ['exit_code', 137],
  ['encode', 'gzip-9'],
  ['barcode', 'ean-13'],
  ['codec', 'av1-x'],
  ['author', 'Jane Doe'],
  ['authority', 'idp-example'],
  ['authenticated', true],
  ['requires_password', true],
  ['password_policy', 'twelve-characters'],
  ['passwordless', 'magic-links'],
  ['password_updated_at', '2024-05-06'],
  ['secretary', 'Ms-Lemon'],
  ['secretName', 'db-credentials'],
  ['sessions', 12_345],
  ['session_count', 54_321],
  ['sessionTimeout', 1_801],
  ['cards', 52_001],
  ['card_brand', 'visa-x'],
  ['discard', 'oldest-x'],
  ['dashboard', 'main-x'],
  ['scorecard', 'A-plus'],
  ['signal', 'SIGTERM'],
  ['significant', 'digits-x'],
  ['design', 'flat-x'],
  ['assign', 'to-me-x'],
  ['signature_algorithm', 'rs256-x'],
  ['config', 'prod-x'],
  ['cookie_consent', 'given-x'],
  ['cookies', 'none-x'],
  ['optional', 'maybe-x'],
  ['option', 'three-x'],
  ['otpauth_enabled', false],
  ['state', 'xyzzy-state'],
  ['class_name', 'btn-primary'],
  ['cvvResult', 'match-x'],
  ['test_pass', 'green-x'],
  ['bypass', 'cache-x'],
  ['salt_lake', 'city-x'],
];

describe('what a developer needs is shown', () => {
  it.each(HARMLESS)('%s: %j', (name, value) => {
    const text = String(value);
    const calls: Call[] = [
      { body: json({ [name]: value }) },
      { body: json({ a: json({ [name]: value }) }) },
      { type: FORM, body: `${name}=${encode(text)}` },
      { target: `/a?${name}=${encode(text)}` },
      { type: 'text/yaml', body: `a:\n  ${name}: ${text}\n` },
      { type: 'text/xml', body: `<a><${name}>${text}</${name}></a>` },
      { type: MULTIPART, body: part(`name="${name}"`, text) },
    ];
    for (const call of calls) {
      const all = shown(call);
      expect(all).toContain(text);
      expect(all).not.toContain('\u2022');
    }
  });

  it.each<[string, Call]>([
    ['"code":404', { answer: '{"code":404,"message":"x"}' }],
    ['ENOENT', { answer: json({ code: 'ENOENT' }) }],
    ['ERR_HTTP2_STREAM_CANCEL', { answer: json({ error: { code: 'ERR_HTTP2_STREAM_CANCEL' } }) }],
    ['rate_limit_exceeded_v2', { answer: json({ code: 'rate_limit_exceeded_v2' }) }],
    ['23505', { answer: json({ code: '23505' }) }],
    ['42P01', { answer: json({ code: '42P01' }) }],
    ['<code>E17</code>', { answerType: 'text/xml', answer: '<error><code>E17</code></error>' }],
    ['Unexpected token: identifier', { answer: json({ error: 'Unexpected token: identifier' }) }],
    ['invalid token', { answer: json({ error: 'invalid token' }) }],
    ['password is too short', { answer: json({ error: 'password is too short' }) }],
    ['12:30:45', { answer: json({ at: '12:30:45' }) }],
    [
      '$password: String!',
      { body: json({ query: 'mutation A($password: String!) { a(password: $password) }' }) },
    ],
    ['token: accessToken', { body: json({ query: 'query { token: accessToken { id } }' }) }],
    ['"pass":12', { answer: '{"pass":12,"fail":3}' }],
    ['Permissions-Policy', { answerFields: [['Permissions-Policy', 'otp-credentials=(self)']] }],
    ['otp-credentials=(self)', { answerFields: [['Permissions-Policy', 'otp-credentials=(self)']] }],
    ['dGhlIHNhbXBsZSBub25jZQ==', { frames: [] }],
    ['max-age=31536000', { answerFields: [['Strict-Transport-Security', 'max-age=31536000']] }],
    ['nonce-abc', { answerFields: [['Content-Security-Policy', "script-src 'nonce-abc'; img-src data:"]] }],
    ['W/\\"abc\\"', { answerFields: [['ETag', 'W/"abc"']] }],
    ['const token = lexer.next()', { answerType: 'text/javascript', answer: 'const token = lexer.next();' }],
    ['color: red', { answerType: 'text/css', answer: '.token { color: red }' }],
    ['Bearer realm', { answerFields: [['WWW-Authenticate', 'Bearer realm="a", error="invalid_token"']] }],
    [
      'Authorization, X-Token',
      { answerFields: [['Access-Control-Allow-Headers', 'Authorization, X-Token']] },
    ],
    ['visible-9', { type: 'text/csv', body: 'user,token_type\neve,visible-9\n' }],
    ['chat.v2', { fields: [['Sec-WebSocket-Protocol', 'chat.v2, json']] }],
    ['["password","email"]', { body: json({ required: ['password', 'email'] }) }],
    ['-----BEGIN PUBLIC KEY-----', { type: 'text/plain', body: '-----BEGIN PUBLIC KEY-----\nabc\n' }],
    ['BEGIN CERTIFICATE', { type: 'text/plain', body: '-----BEGIN CERTIFICATE-----\nabc\n' }],
    ['/a/b=c/d', { target: '/a/b=c/d' }],
    [
      'must be at least 8 characters',
      { answer: json({ errors: { password: ['must be at least 8 characters'] } }) },
    ],
    ['This field is required.', { answer: json({ errors: { token: 'This field is required.' } }) }],
    ['basic authentication', { answer: json({ error: 'basic authentication is off' }) }],
    ['bearer certificates', { answer: json({ error: 'bearer certificates are off' }) }],
    ['["k","v"]', { body: json([['k', 'v']]) }],
    ['"data":{"kind":"Pod"}', { body: json({ kind: 'Pod', data: { kind: 'Pod' } }) }],
    ['user: bob', { type: 'text/yaml', body: 'password:\nuser: bob\n' }],
  ])('%s', (text, call) => {
    const all = shown(call);
    expect(all.includes(text) || all.includes(json(text).slice(1, -1)), all).toBe(true);
  });

  it('protobuf: codes, counts and switches', () => {
    const call: Call = {
      target: '/p.S/M',
      type: 'application/grpc',
      body: grpc([5, 'UNAVAILABLE-7'], [6, 14], [8, 1], [9, 99]),
    };
    const text = shown(call);
    for (const part of [
      'UNAVAILABLE-7',
      '\\"code\\": 14',
      '\\"requires_password\\": true',
      '\\"max_tokens\\": 99',
    ]) {
      expect(text).toContain(part);
    }
  });
});

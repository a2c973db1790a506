import type { Completeness } from '../../engine/exchange.ts';
import type { ExchangeJson, MessageJson } from '../../engine/exchangeJson.ts';
import type { ExchangeRow } from '../../engine/row.ts';
import { addressText } from '../../words/address.ts';
import { notesOf, notesOfEnded } from '../../words/completeness.ts';
import { methodText, processText, sourceText } from '../../words/exchange.ts';
import { localized } from '../../words/localized.ts';
import { counted, durationText, numberText, sizeText } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { labelText, visibleLine } from '../../words/visible.ts';
import { el, textButton } from '../dom.ts';
import type { RelatedCall } from '../relatedCalls.ts';
import { contentType } from './content.ts';
import { type Fact, facts, heading, note } from './elements.ts';
import { lookupFacts } from './lookup.ts';
import type { TabActions } from './tabActions.ts';

export function summaryTab(exchange: ExchangeJson, actions: TabActions): readonly Node[] {
  if (exchange.failure?.phase === 'lookup') return failureSummary(exchange, exchange.failure.reason);
  if (exchange.encrypted !== null) return encryptedSummary(exchange, exchange.encrypted);
  const { request, response } = exchange;
  const list = facts([
    { name: 'URL', value: exchange.url, copy: actions.copy, code: true },
    { name: t('Method'), value: exchange.method, code: true },
    ...operationFacts(exchange),
    { name: t('Status'), value: status(exchange), code: true },
    ...grpcFacts(exchange),
    { name: t('Process'), value: callProcessText(exchange), remark: sideText(exchange) },
    ...sessionFacts(exchange),
    ...sourceFacts(exchange, actions),
    ...peerFacts(exchange, actions),
    { name: t('Started'), value: startedText(exchange.startedAt) },
    { name: t('Duration'), ...durationFact(exchange) },
    { name: t('Request headers'), value: headersSize(request) },
    { name: t('Request body'), value: bodySize(request), remark: bodyRemark(request) },
    { name: t('Response headers'), value: headersSize(response) },
    { name: t('Response body'), value: bodySize(response), remark: bodyRemark(response) },
    ...transferFacts(exchange),
    { name: t('Type'), value: response === null ? null : contentType(response) },
    { name: t('Protocol'), value: exchange.protocol },
    ...messageFacts(exchange),
  ]);
  const parts: Node[] = [];
  for (const { sentence, tone } of notesOfEnded(ended(exchange))) parts.push(note(sentence, tone));
  parts.push(list, ...stackSection(exchange, actions), ...relatedSection(exchange, actions));
  if (exchange.interim.length > 0) {
    parts.push(heading(t('Interim responses')));
    parts.push(
      facts(
        exchange.interim.map((r) => ({
          name: String(r.status ?? '1xx'),
          value: r.statusText || t('(no reason)'),
        })),
      ),
    );
  }
  if (exchange.violations.length > 0) parts.push(heading(t('HTTP rules violated')), violations(exchange));
  return parts;
}

const HOW: Readonly<Record<RelatedCall['how'], string>> = {
  'caused by': t('caused by'),
  caused: t('caused'),
  'redirected to': t('redirected to'),
  'sent again as': t('sent again as'),
  'sent before as': t('sent before as'),
};

/** Related calls, as links. */
function relatedSection(exchange: ExchangeJson, actions: TabActions): readonly Node[] {
  const related = actions.related(exchange);
  if (related.length === 0) return [];
  const items = related.map(({ how, row, remark }) => {
    const name = `#${row.id} ${methodText(row)} ${addressText(row) ?? ''} ${row.status ?? ''}`.trim();
    const link = textButton(labelText(name), () => actions.show(row.id), 'link');
    const evidence = remark === undefined ? [] : [el('span', { class: 'remark' }, ` (${remark})`)];
    return el('li', {}, `${HOW[how]} `, link, ...evidence);
  });
  return [heading(t('Related calls')), el('ul', { class: 'related' }, ...items)];
}

function ended(exchange: ExchangeJson): ExchangeJson & Pick<ExchangeRow, 'connectAttempts' | 'tlsFailure'> {
  const unanswered = exchange.durationMs !== null && exchange.response === null;
  const tlsFailure = unanswered ? (exchange.tls?.failure ?? null) : null;
  return { ...exchange, connectAttempts: exchange.failure?.attempts ?? 0, tlsFailure };
}

/** For a connection not decrypted, or whose handshake failed. */
function encryptedSummary(
  exchange: ExchangeJson,
  { reason, sent, received }: NonNullable<ExchangeJson['encrypted']>,
): readonly Node[] {
  const { tls } = exchange;
  const failed = exchange.completeness.includes('handshake-failed');
  const parts: Node[] = [
    note(
      failed ? `${localized(reason)}.` : t('Encrypted: {0}.', localized(reason)),
      failed ? 'fault' : 'info',
    ),
  ];
  if (tls?.alert?.meaning != null) parts.push(note(tls.alert.meaning, 'info'));
  for (const { sentence, tone } of notesOf(exchange.completeness.filter((one) => !EXPLAINED.includes(one)))) {
    parts.push(note(sentence, tone));
  }
  parts.push(
    facts([
      { name: t('Server name'), value: tls?.serverName ?? null, code: true },
      { name: t('Process'), value: callProcessText(exchange) },
      { name: t('Started'), value: startedText(exchange.startedAt) },
      {
        name: t('Duration'),
        value: exchange.durationMs === null ? t('open') : durationText(exchange.durationMs),
      },
      { name: t('Sent'), value: sizeText(sent), remark: t('including TLS overhead') },
      { name: t('Received'), value: sizeText(received), remark: t('including TLS overhead') },
      { name: t('Protocol'), value: exchange.protocol },
    ]),
  );
  return parts;
}

/** For a failure before there was a call. */
function failureSummary(exchange: ExchangeJson, reason: string): readonly Node[] {
  const failed = exchange.completeness.includes('lookup-failed');
  const said = localized(reason);
  return [
    note(`${said.slice(0, 1).toUpperCase()}${said.slice(1)}.`, failed ? 'fault' : 'info'),
    facts([
      ...lookupFacts(exchange),
      { name: t('Process'), value: callProcessText(exchange) },
      { name: t('Started'), value: startedText(exchange.startedAt) },
      { name: t('Duration'), value: exchange.durationMs === null ? null : durationText(exchange.durationMs) },
    ]),
  ];
}

/** Completeness labels that the reason already explains. */
const EXPLAINED: readonly Completeness[] = ['encrypted', 'handshake-failed'];

/** Each operation of a batch on a line of its own. */
function operationFacts({ operation }: ExchangeJson): Fact[] {
  if (operation === null) return [];
  const protocol = operation.protocol === 'graphql' ? 'GraphQL' : 'JSON-RPC';
  const more = operation.count - operation.names.length;
  return operation.names.map(({ type, name }, i) => {
    const last = i === operation.names.length - 1 && more > 0;
    return {
      name: operation.count === 1 ? t('Operation') : t('Operation {0}', i + 1),
      value: [type, name].filter((word) => word !== null).join(' ') || null,
      remark: last ? t('{0}, and {1} more', protocol, more) : protocol,
      code: true,
    };
  });
}

function grpcFacts({ grpc }: ExchangeJson): Fact[] {
  if (grpc === null) return [];
  const { service, method, status, message, timeoutMs } = grpc;
  const list: Fact[] = [
    { name: 'gRPC method', value: service === null ? null : `${service}/${method}`, code: true },
    {
      name: 'gRPC status',
      value: status === null ? null : [status, grpc.statusName ?? ''].join(' ').trim(),
      code: true,
    },
  ];
  if (message !== null && message !== '') list.push({ name: 'gRPC message', value: message });
  if (timeoutMs !== null)
    list.push({ name: t('Deadline'), value: durationText(timeoutMs), remark: 'grpc-timeout' });
  return list;
}

const VIOLATED = {
  request: (rule: string): string => t('{0}, in the request', rule),
  response: (rule: string): string => t('{0}, in the response', rule),
} as const;

function violations(exchange: ExchangeJson): HTMLElement {
  return el(
    'ul',
    { class: 'violations' },
    ...exchange.violations.map((violation) =>
      el(
        'li',
        {},
        el('span', {}, visibleLine(localized(violation.message))),
        el('span', { class: 'remark' }, VIOLATED[violation.in](violation.rule)),
      ),
    ),
  );
}

function messageFacts({ messageStream: stream }: ExchangeJson): readonly Fact[] {
  if (stream === null) return [];
  const value = numberText(stream.out + stream.in);
  const remark = t('{0} sent, {1} received', numberText(stream.out), numberText(stream.in));
  return [{ name: t('Messages'), value, remark }];
}

function status(exchange: ExchangeJson): string | null {
  if (exchange.status === null) return null;
  return `${exchange.status} ${exchange.statusText ?? ''}`.trim();
}

export function callProcessText({ process, debug }: ExchangeJson): string | null {
  return process === null ? null : processText({ ...process, name: debug?.script ?? process.name });
}

function sessionFacts({ debug, process }: ExchangeJson): Fact[] {
  if (debug === null || debug.session === null) return [];
  const name = debug.script === null ? null : (process?.name ?? null);
  return [
    {
      name: t('Debug session'),
      value: debug.session,
      remark: name === null ? null : t('program: {0}', name),
    },
  ];
}

/** The line that made the call, with an action that opens it. */
function sourceFacts({ id, debug }: ExchangeJson, { openSource }: TabActions): Fact[] {
  const source = debug?.source ?? null;
  if (source === null) return [];
  const name = source.function === null ? '' : t('in {0}', visibleLine(source.function));
  const open = { label: t('Open Line'), run: () => openSource(id, null) };
  return [{ name: t('Source'), value: t('at {0}', sourceText(source)), remark: name, action: open }];
}

/** The call stack; only the frame of the source line is highlighted. */
function stackSection({ id, debug }: ExchangeJson, { openSource }: TabActions): readonly Node[] {
  const source = debug?.source ?? null;
  if (source === null || source.stack.length < 2) return [];
  const frames = source.stack.map((frame, index) => {
    const name = frame.function === null ? '' : visibleLine(frame.function);
    const place = frame.path.startsWith('/')
      ? textButton(sourceText(frame), () => openSource(id, index), 'link')
      : sourceText(frame);
    const own = frame.path === source.path && frame.line === source.line;
    return el('li', { title: labelText(frame.path, 1_000), class: own ? 'own' : null }, place, ` ${name}`);
  });
  const count = counted(frames.length, '{0} frame', '{0} frames');
  return [
    el('details', { class: 'stack' }, el('summary', {}, t('Stack, {0}', count)), el('ol', {}, ...frames)),
  ];
}

/** The time without pauses, as in the list. */
function durationFact({ durationMs, timings }: ExchangeJson): Pick<Fact, 'value' | 'remark'> {
  if (durationMs === null) return { value: null };
  const paused = timings.pausedMs ?? 0;
  if (paused === 0) return { value: durationText(durationMs) };
  const remark = t('and about {0} paused by the debugger', durationText(paused));
  return { value: durationText(Math.max(0, durationMs - paused)), remark };
}

/** The process at the other end, with an action that shows its call. */
function peerFacts({ side }: ExchangeJson, { peer, show }: TabActions): Fact[] {
  const other = peer();
  if (other === null) return [];
  const action = side === 'client' ? t("Show the Server's Side") : t("Show the Client's Side");
  return [
    {
      name: side === 'client' ? t('Answered by') : t('Called by'),
      value: callProcessText(other) ?? t('call {0}', other.id),
      action: { label: action, run: () => show(other.id) },
    },
  ];
}

function sideText(exchange: ExchangeJson): string | null {
  if (exchange.side === null) return null;
  return exchange.side === 'client' ? t('made the call') : t('answered the call');
}

function headersSize(message: MessageJson | null): string | null {
  return message === null || message.headersSize === null ? null : sizeText(message.headersSize);
}

/** Bytes of request and response, framing included. */
function transferFacts({ request, response }: ExchangeJson): Fact[] {
  const [asked, answered] = [request?.wireSize ?? null, response?.wireSize ?? null];
  if (asked === null || answered === null) return [];
  const remark = t('{0} request, {1} response', sizeText(asked), sizeText(answered));
  return [{ name: t('Transferred'), value: sizeText(asked + answered), remark }];
}

function bodySize(message: MessageJson | null): string | null {
  return message === null || message.bodySize === null ? null : sizeText(message.bodySize);
}

function bodyRemark(message: MessageJson | null): string | null {
  if (message === null) return null;
  const remarks: string[] = [];
  if (message.decodedSize !== null) remarks.push(t('{0} decoded', sizeText(message.decodedSize)));
  if (message.bodySize === null || message.bodyCaptured < message.bodySize) {
    remarks.push(t('{0} captured', sizeText(message.bodyCaptured)));
  }
  return remarks.length === 0 ? null : remarks.join(', ');
}

/** Local time to the millisecond. */
function startedText(startedAt: string): string {
  const date = new Date(startedAt);
  if (Number.isNaN(date.getTime())) return startedAt;
  const two = (n: number, digits = 2): string => String(n).padStart(digits, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time}.${two(date.getMilliseconds(), 3)}`;
}

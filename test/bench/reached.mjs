// What a trace may cost, and what it costs: each goal beside the measured figure.

/** @typedef {{ what: string, wanted: string, reached: string }} Goal */

/** @returns {Goal[]} those of which there is a figure */
export function goals({ scenarios, moments, engine = null }) {
  const of = (id, way) => scenarios.find((one) => one.id === id)?.results.find((one) => one.way === way);
  const rows = [
    ratio('Node http, saturated, in VS Code', '0.85', of('node-http', 'extension')),
    ratio('Node http, saturated, `--format json` with bodies', '0.70', of('node-http', 'JSON')),
    ratio('nginx, saturated, in VS Code', '0.65', of('nginx', 'extension')),
    ratio('Node https, saturated, in VS Code', '0.60', of('node-https', 'extension')),
    ratio('the kernel programs alone: Node http', 'the floor', of('node-http', 'copy only')),
    ratio('the kernel programs alone: nginx', 'the floor', of('nginx', 'copy only')),
    ratio('the kernel programs alone: Node https', 'the floor', of('node-https', 'copy only')),
    ...oneAfterTheOther(of('sequential', 'untraced'), of('sequential', 'extension')),
    ...systemCalls(of('system-calls', 'untraced'), of('system-calls', 'extension')),
    ratio('nginx that is not traced, while another process is', '1', of('neighbour', 'extension')),
    ratio(
      'nginx https that is not traced, while another process is',
      '1',
      of('neighbour-https', 'extension'),
    ),
    ...(engine === null ? [] : [...DISSECTED.map((one) => dissected(one, engine)), held(engine)]),
    ...helperMemory(of('sequential', 'extension')),
    ...(moments === null
      ? []
      : [
          goal('start to the first call', '300 ms', milliseconds(moments.firstCall)),
          goal('stop until nothing is left in the kernel', '200 ms', milliseconds(moments.stop)),
        ]),
  ];
  return rows.filter((row) => row !== null);
}

const DISSECTED = [
  ['HTTP/1.1', '400,000 a second and core'],
  ['HTTP/2', '400,000 a second and core'],
  ['WebSocket', '1,000,000 a second and core'],
];

const goal = (what, wanted, reached) => ({ what, wanted, reached });
const milliseconds = (value) => `${value.toFixed(0)} ms`;
const times = (value) => `× ${value.toFixed(2)}`;

function ratio(what, wanted, result) {
  if (result === undefined) return null;
  const { ratio: median, ratios = [] } = result;
  const range =
    ratios.length < 2 ? '' : ` (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
  return goal(what, wanted, `${median.toFixed(2)}${range}`);
}

function oneAfterTheOther(untraced, traced) {
  if (untraced === undefined || traced === undefined) return [];
  const { server: _, ...ours } = traced.cpuUs;
  const core = (Object.values(ours).reduce((sum, us) => sum + us, 0) * traced.rate) / 1e6;
  const of = (what) => `one client, one call after the other: ${what}`;
  return [
    ratio(of('throughput'), '0.99', traced),
    goal(of('p50'), '× 1.02', times(traced.p50 / untraced.p50)),
    goal(of('p99'), 'within noise', times(traced.p99 / untraced.p99)),
    goal(of('all our processes'), '10 % of a core', `${(100 * core).toFixed(0)} % of a core`),
  ];
}

function systemCalls(untraced, traced) {
  if (untraced === undefined || traced === undefined) return [];
  const more = 1e6 / traced.rate - 1e6 / untraced.rate;
  return [
    goal('a system call of a process that is not traced', '+ 0.1 to 0.2 µs', `+ ${more.toFixed(2)} µs`),
  ];
}

/** Of 100,000 calls with 1 KB each. */
function held(engine) {
  const megabytes = engine.find(({ name }) => name === 'HTTP/1.1')?.megabytesHeld;
  if (megabytes === undefined) return null;
  return goal(
    'memory of the engine alone, with 100,000 calls of 1 KB',
    '300 MB',
    `${megabytes.toFixed(0)} MB`,
  );
}

function helperMemory(traced) {
  const { helper = null, helperOwn = null } = traced?.memory ?? {};
  if (helper === null || helperOwn === null) return [];
  const mb = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
  const reached = `${mb(helperOwn)} (${mb(helper)} with pages of the program that others share)`;
  return [goal('memory of the helper, with one client', '60 MB', reached)];
}

function dissected([name, wanted], engine) {
  const one = engine.find((result) => result.name === name);
  if (one === undefined) return null;
  return goal(`the engine alone: ${name}`, wanted, Math.round(one.perSecond).toLocaleString('en'));
}

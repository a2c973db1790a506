// What is measured: a server, its load generator, and the ways to observe it. `--only` chooses by id.
import * as clients from './clients.mjs';
import * as servers from './servers.mjs';
import { BARE, EXTENSION, JSON_LINES, NO_TLS, TABLE } from './ways.mjs';

const ALL = [BARE, EXTENSION, JSON_LINES, TABLE];

/**
 * @typedef {object} Scenario
 * @property {string} id
 * @property {string} name
 * @property {() => Promise<object>} server see servers.mjs
 * @property {(url: string, seconds: number) => Promise<object>} client see clients.mjs
 * @property {object[]} ways see ways.mjs: the extension's is among them; untraced is always measured
 * @property {string} unit of the client's rate
 * @property {boolean} [bystander] the trace is of an idle process, and what is measured is another one
 * @property {number} [warm] seconds in which a trace warms up before each round, where the usual second has too few calls
 * @property {object[]} [short] the ways that are measured in `npm test` as well
 * @property {boolean} [peers] other tools are measured there, where they are installed
 */

/** @type {Scenario[]} */
export const SCENARIOS = [
  {
    ...{ id: 'node-http', name: 'Node http, saturated', unit: 'calls/s' },
    ...{ server: servers.nodeHttp, client: clients.saturate, ways: ALL, peers: true },
  },
  {
    ...{ id: 'nginx', name: 'nginx, saturated', unit: 'calls/s' },
    ...{
      server: servers.nginx,
      client: clients.saturate,
      ways: ALL,
      short: [EXTENSION, JSON_LINES],
      peers: true,
    },
  },
  {
    ...{ id: 'node-https', name: 'Node https, saturated', unit: 'calls/s' },
    ...{ server: servers.nodeHttps, client: clients.saturate, ways: [...ALL, NO_TLS] },
  },
  {
    ...{ id: 'nginx-https', name: 'nginx https, saturated', unit: 'calls/s' },
    ...{ server: servers.nginxHttps, client: clients.saturate, ways: [BARE, EXTENSION, JSON_LINES, NO_TLS] },
  },
  {
    ...{ id: 'h2load', name: 'HTTP/2 (nghttpd, 14 KB), saturated', unit: 'calls/s' },
    ...{ server: servers.nghttpd, client: clients.saturate2, ways: ALL },
  },
  {
    ...{ id: 'go', name: 'Go net/http, saturated', unit: 'calls/s' },
    ...{ server: servers.goHttp, client: clients.saturate, ways: [BARE, EXTENSION, JSON_LINES] },
  },
  {
    ...{ id: 'websocket', name: 'WebSocket echo (Node), saturated', unit: 'messages/s' },
    ...{ server: servers.echo, client: clients.echoes, ways: [BARE, EXTENSION, JSON_LINES] },
  },
  {
    ...{ id: 'short', name: 'nginx, a connection for each call', unit: 'calls/s' },
    ...{ server: servers.nginx, client: clients.shortConnections, ways: [BARE, EXTENSION, JSON_LINES] },
  },
  {
    ...{ id: 'sequential', name: `Node http, ${clients.PACE} calls/s one after the other`, unit: 'calls/s' },
    ...{
      server: servers.nodeHttp,
      client: clients.sequential,
      ways: [BARE, EXTENSION, JSON_LINES],
      warm: 8,
    },
  },
  {
    ...{ id: 'neighbour', name: 'nginx that is not traced, while another process is', unit: 'calls/s' },
    ...{ server: servers.nginx, client: clients.saturate, ways: [EXTENSION], bystander: true },
  },
  {
    ...{ id: 'neighbour-https', name: 'nginx https that is not traced, while another process is' },
    ...{ server: servers.nginxHttps, client: clients.saturate, ways: [EXTENSION] },
    ...{ unit: 'calls/s', bystander: true },
  },
  {
    ...{ id: 'system-calls', name: 'system calls of a process that is not traced', unit: 'system calls/s' },
    ...{
      server: servers.nodeHttp,
      client: clients.systemCalls,
      ways: [EXTENSION],
      bystander: true,
      short: [EXTENSION],
    },
  },
];

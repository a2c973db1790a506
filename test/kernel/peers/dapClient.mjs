// A DAP client of lldb's adapter, like VS Code: `dapClient.mjs ADAPTER PID` attaches, and reports when the program runs
// and when it has stopped. It never continues the program.
import { spawn } from 'node:child_process';

const [adapter, pid] = process.argv.slice(2);
const { stdin, stdout } = spawn(adapter, [], { stdio: ['pipe', 'pipe', 'ignore'] });
let sequence = 0;
let received = '';

function send(command, argument) {
  const text = JSON.stringify({ seq: ++sequence, type: 'request', command, arguments: argument });
  stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

function take({ type, event, command, success, body }) {
  if (type === 'event' && event === 'initialized') send('configurationDone', {});
  if (type === 'response' && command === 'configurationDone') console.log('running');
  if (type === 'event' && event === 'stopped') console.log('stopped', JSON.stringify(body));
  if (type === 'response' && success !== true) console.log('failed', command);
}

stdout.setEncoding('latin1').on('data', (piece) => {
  received += piece;
  for (;;) {
    const head = /^Content-Length: (\d+)\r\n\r\n/.exec(received);
    if (head === null || received.length < head[0].length + Number(head[1])) return;
    const end = head[0].length + Number(head[1]);
    take(JSON.parse(received.slice(head[0].length, end)));
    received = received.slice(end);
  }
});

send('initialize', { adapterID: 'lldb', pathFormat: 'path' });
send('attach', { pid: Number(pid) });

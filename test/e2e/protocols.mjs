// A program that talks TLS, HTTP/2, WebSocket, event streams and gRPC, in the editor.
import { THEMES } from './workbench.mjs';

export async function protocols(steps, workbench, { url, workspace }) {
  const { rows, details, messages } = workbench;

  await steps.step('a program that talks by every protocol is debugged and traced', async () => {
    await workbench.open(url, workspace);
    await workbench.startDebugging();
    await workbench.command('Start HTTP Trace');
    await rows.filter({ hasText: '/lamps?round=' }).first().waitFor();
  });

  /** One call, as the client made it or the server answered it, with its details. */
  const open = async (filter, text) => {
    await workbench.filter(filter);
    const row = rows.filter({ hasText: text }).first();
    await row.waitFor();
    await row.click();
    await details.waitFor();
  };

  await steps.step('HTTPS: the response in plain text, and what TLS was agreed on', async () => {
    await open('lamps?round side:client', '/lamps?round=');
    await details.getByRole('tab', { name: 'Response' }).click();
    await details.getByText('Straße').first().waitFor();
    await workbench.tab('Connection');
    for (const text of ['TLSv1.3', 'OpenSSL', 'localhost']) await details.getByText(text).first().waitFor();
    await workbench.picture('tls-dark');
  });

  await steps.step('HTTP/2 over TLS: a row for each stream', async () => {
    await open('/catalogue protocol:h2 side:client', '/catalogue?page=');
    await details.getByRole('tab', { name: 'Summary' }).click();
    await details.getByText('HTTP/2').first().waitFor();
    await details.getByRole('tab', { name: 'Headers' }).click();
    await details.getByText('application/json').first().waitFor();
    await workbench.picture('http2-dark');
  });

  await steps.step('WebSocket: its messages, decompressed', async () => {
    await open('is:websocket side:client', '/chat');
    await details.getByRole('tab', { name: 'Messages' }).click();
    for (const text of ['a lamp, please', 'and a bow', 'enough light'])
      await messages.filter({ hasText: text }).first().waitFor();
    await messages.filter({ hasText: 'heard' }).first().click();
    await details
      .getByRole('region', { name: 'Content of the message' })
      .getByText('heard')
      .first()
      .waitFor();
    await workbench.picture('websocket-dark');
  });

  await steps.step('server-sent events, each with its type', async () => {
    await open('is:sse side:client', '/events');
    await details.getByRole('tab', { name: 'Messages' }).click();
    await messages.filter({ hasText: 'price' }).first().waitFor();
    await messages.filter({ hasText: 'that was all' }).first().waitFor();
  });

  await steps.step('gRPC: messages by name, from the workspace’s .proto file', async () => {
    await open('is:grpc side:client', 'Watch');
    await details.getByRole('tab', { name: 'Messages' }).click();
    await messages.filter({ hasText: 'colours' }).first().waitFor();
    await messages.filter({ hasText: 'BRIGHT' }).first().click();
    await details.getByText('lamps.v1.Offer').first().waitFor();
    for (const [theme, name] of THEMES) {
      await workbench.theme(theme);
      await messages.first().waitFor();
      await workbench.settle();
      await workbench.picture(`grpc-${name}`);
    }
  });

  await steps.step('in a narrow panel the details are still usable', async () => {
    await workbench.page.setViewportSize({ width: 760, height: 620 });
    await workbench.settle();
    await messages.first().waitFor();
    await workbench.picture('grpc-narrow');
  });
}

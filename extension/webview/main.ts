/** Entry point of the webview. */
import './language.ts';
import { App } from './app.ts';
import { watchClipping } from './clipped.ts';
import { Host } from './host.ts';

const host = new Host();
const app = new App(document.body, host);
host.listen((message) => app.handle(message));
host.send({ type: 'ready' });
watchClipping(document.documentElement, () => host.send({ type: 'clipped' }));

/** lighttpd, which has a module for each of several TLS libraries. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsContext } from './context.ts';
import type { Library, ServerPeer } from './peers.ts';
import type { Version } from './plan.ts';

/** @param library also the name of its module */
export function lighttpd(name: string, library: Library, versions?: readonly Version[]): ServerPeer {
  return {
    name: `lighttpd, ${name}`,
    library,
    alpn: true,
    proxies: true,
    ...(versions === undefined ? {} : { versions }),
    command: (context, version, port, backend) => config(context, library, version, port, backend),
    pidFile: (context, port) => join(context.folder, `lighttpd-${port}.pid`),
    stopSignal: 'SIGINT',
  };
}

function config(
  { folder, certificates }: TlsContext,
  module: string,
  version: Version,
  port: number,
  backend: string,
): string[] {
  const place = join(folder, `lighttpd-${port}`);
  const [host = '', backendPort = ''] = backend.split(':');
  writeFileSync(
    `${place}.conf`,
    `server.modules = ( "mod_proxy", "mod_${module}" )
server.document-root = "${folder}"
server.bind = "127.0.0.1"
server.port = ${port}
server.pid-file = "${place}.pid"
server.errorlog = "${place}.log"
server.upload-dirs = ( "${folder}" )
server.max-keep-alive-idle = 600
server.max-keep-alive-requests = 1000000
server.stream-response-body = 1
server.feature-flags = ( "server.h2proto" => "disable" )
ssl.engine = "enable"
ssl.pemfile = "${certificates}/cert.pem"
ssl.privkey = "${certificates}/key.pem"
ssl.openssl.ssl-conf-cmd = ( "MinProtocol" => "TLSv${version}", "MaxProtocol" => "TLSv${version}" )
proxy.server = ( "" => (( "host" => "${host}", "port" => ${backendPort} )) )
`,
  );
  return ['lighttpd', '-D', '-f', `${place}.conf`];
}

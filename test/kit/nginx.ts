/** nginx as tests start it: with a configuration and files of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One process, so that none outlives it. */
const ALONE = 'master_process off;';

/**
 * Makes the folder, used for nothing else, and the configuration in it.
 * @param http content of the block `http`
 * @param processes directive instead of one process
 * @returns the words of the command
 */
export function nginxIn(own: string, http: string, processes = ALONE): readonly [string, ...string[]] {
  mkdirSync(own, { recursive: true });
  writeFileSync(
    join(own, 'nginx.conf'),
    `daemon off; user root; ${processes} pid ${own}/pid; error_log ${own}/error.log;
     events { worker_connections 512; }
     http {
       client_body_temp_path ${own}; proxy_temp_path ${own}; fastcgi_temp_path ${own};
       uwsgi_temp_path ${own}; scgi_temp_path ${own};
       ${http}
     }`,
  );
  return ['nginx', '-p', own, '-c', join(own, 'nginx.conf'), '-e', `${own}/error.log`];
}

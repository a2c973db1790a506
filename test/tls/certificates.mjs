// The test's own CA, a certificate for this machine and one for a client; made by the openssl command. NSS does not
// read them from files: its commands also put them into an NSS database.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const EXTENSIONS = {
  cert: 'subjectAltName = DNS:localhost, IP:127.0.0.1\nextendedKeyUsage = serverAuth\n',
  client: 'extendedKeyUsage = clientAuth\n',
};

/** Writes ca.pem, cert.pem, key.pem (server), client.pem, client.key and the database nss into a folder. @throws */
export function makeCertificates(folder) {
  const run = (command, ...args) => {
    const { status, stderr, error } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ${args[0]}: ${error?.message ?? stderr}`);
  };
  const openssl = (...args) => run('openssl', ...args);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '30',
    '-subj',
    '/CN=HTTP Trace tests',
  );
  for (const [name, extensions] of Object.entries(EXTENSIONS)) {
    const keyFile = name === 'cert' ? 'key.pem' : 'client.key';
    writeFileSync(join(folder, `${name}.ext`), extensions);
    openssl('req', ...key, '-keyout', keyFile, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-out', `${name}.pem`, '-days', '30', '-extfile', `${name}.ext`],
    );
  }
  const database = ['-d', 'sql:nss'];
  mkdirSync(join(folder, 'nss'));
  run('certutil', '-N', ...database, '--empty-password');
  run('certutil', '-A', ...database, '-n', 'ca', '-t', 'CT,,', '-i', 'ca.pem');
  for (const [name, keyFile] of [
    ['cert', 'key.pem'],
    ['client', 'client.key'],
  ]) {
    const [password, file] = ['test', `${name}.p12`];
    openssl(
      ...['pkcs12', '-export', '-in', `${name}.pem`, '-inkey', keyFile, '-name', name],
      ...['-passout', `pass:${password}`, '-out', file],
    );
    run('pk12util', '-i', file, ...database, '-W', password, '-K', '');
  }
}

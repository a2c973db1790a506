import { execFileSync } from 'node:child_process';

/** Writes a key, and a self-signed certificate for this machine, to these files. @throws */
export function makeCertificate(key, certificate) {
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', certificate],
    ],
    { stdio: 'pipe' },
  );
}

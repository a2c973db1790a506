import { execFileSync } from 'node:child_process';

/** Writes a key, and a certificate for this machine that nobody has signed, to these files. @throws */
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

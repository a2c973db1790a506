/** Failing calls of widely used clients: what each row says (test/kit/failingCalls.ts). */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { callAndFail } from '../kit/failingCalls.ts';
import { NamedNetwork } from '../kit/namedNetwork.ts';
import { Child } from '../kit/process.ts';
import { makeCertificate } from './support/certificate.mjs';
import { describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();

describeTraced('clients whose calls fail', () => {
  beforeAll(async () => {
    makeCertificate(join(folder, 'key.pem'), join(folder, 'certificate.pem'));
    const built = await Promise.all([
      new Child('go', ['build', '-o', join(folder, 'failing'), join(PEERS, 'failing.go')]).ended,
      new Child('javac', ['-d', folder, join(PEERS, 'Failing.java')]).ended,
    ]);
    for (const { code, stderr } of built) expect([code, stderr]).toEqual([0, '']);
  });

  it('by the tracepoint backend', async () => {
    const context = { ...tracingIn(folder), backend: 'tracepoint' } as const;
    // With a shorter wait, a busy machine might give no answer about the name.
    const network = await NamedNetwork.make(context, PEERS, 30);
    const { wrong, others, note } = await callAndFail(network, { peers: PEERS, built: folder, folder });
    expect([[...wrong].filter(([, rows]) => rows.length > 0), others]).toEqual([[], {}]);
    expect(note).toBeNull();
  });
});

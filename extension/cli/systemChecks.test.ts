import { describe, expect, it } from 'vitest';
import type { Way } from '../elevation/ways.ts';
import { assess, assessProcess, assessTls, possible } from './systemChecks.ts';
import type { SystemFacts } from './systemFacts.ts';

const ALL = (1n << 41n) - 1n;
const good: SystemFacts = {
  platform: 'linux',
  architecture: 'x64',
  kernel: '6.1.0-56-amd64',
  btf: true,
  lockdown: 'none',
  uid: 0,
  bounding: ALL,
  initialUserNamespace: true,
  noNewPrivileges: false,
  missingParts: [],
  ways: { all: [{ id: 'root', command: ['/loader'], outcome: 'works' }], trustedProblem: null },
  administrators: null,
  helpers: [],
};
const user: SystemFacts = { ...good, uid: 1000, ways: { all: [], trustedProblem: null } };
/** A user for whom the ways come to this, in this order. */
const having = (...ways: [Way['id'], Way['outcome']][]): SystemFacts => ({
  ...user,
  ways: { all: ways.map(([id, outcome]) => ({ id, command: [id], outcome })), trustedProblem: null },
});
const check = (facts: SystemFacts, id: string) => assess(facts, null).find((c) => c.id === id);

describe('what the facts mean', () => {
  it('is fine for root on a usual kernel', () => {
    const checks = assess(good, {
      backend: 'kprobe',
      refused: { fentry: 'no trampolines', kprobe: '', tracepoint: '' },
      missing: {},
    });
    expect(checks.map((c) => c.status)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
    expect(possible(checks)).toBe(true);
  });

  it('names running helpers, and which of them is kept', () => {
    const facts = { ...good, helpers: [{ pid: 7, kept: false }] };
    expect(check(good, 'helpers')).toBeUndefined();
    expect(check(facts, 'helpers')).toMatchObject({ detail: 'process 7 serves a trace', remedy: null });
    const kept = check({ ...good, helpers: [...facts.helpers, { pid: 8, kept: true }] }, 'helpers');
    expect(kept?.detail).toBe(
      'process 7 serves a trace; process 8 is kept for the next trace, with nothing attached',
    );
    expect(kept?.remedy).toContain('httpTrace.keepHelper');
    expect(kept?.status).toBe('ok');
  });

  it('is fine if the kernel refuses an optional part, and says what is missing', () => {
    const checks = assess(good, {
      backend: 'tracepoint',
      refused: { fentry: '', kprobe: '', tracepoint: '' },
      missing: { waiting: 'EPERM' },
    });
    expect(possible(checks)).toBe(true);
    expect(checks.at(-1)?.detail).toBe(
      'loaded, attached and removed again with backend tracepoint; With --min-latency, requests that are still ' +
        'unanswered when the trace stops are not reported: EPERM',
    );
  });

  it.each<[string, SystemFacts, string]>([
    ['another system', { ...good, platform: 'darwin' }, 'platform'],
    ['another machine', { ...good, architecture: 's390x' }, 'platform'],
    ['an old kernel', { ...good, kernel: '5.4.0-1' }, 'kernel'],
    ['a kernel without bpf_loop', { ...good, kernel: '5.15.0-100-generic' }, 'kernel'],
    ['a very old kernel', { ...good, kernel: '4.19.0' }, 'kernel'],
    ['no type information', { ...good, btf: false }, 'btf'],
    ['confidentiality lockdown', { ...good, lockdown: 'confidentiality' }, 'lockdown'],
    ['a missing part', { ...good, missingParts: ['/x/loader'] }, 'parts'],
    ['a container', { ...good, bounding: 0xa80425fbn }, 'rights'],
    ['a user without sudo', user, 'rights'],
    ['root of a user namespace', { ...good, initialUserNamespace: false }, 'rights'],
    ['a user whom sudo cannot help', { ...user, noNewPrivileges: true }, 'rights'],
    ['a user whom everything refuses', having(['trusted', 'refused'], ['sudo', 'refused']), 'rights'],
  ])('%s is in the way, with something to do', (_, facts, id) => {
    expect(check(facts, id)).toMatchObject({
      status: 'missing',
      remedy: expect.stringMatching(/\w{3}.*\.$/),
    });
    expect(possible(assess(facts, null))).toBe(false);
  });

  it.each<[SystemFacts, string]>([
    [having(['sudo', 'works'], ['terminal', 'asks']), 'by sudo, without a password'],
    [having(['trusted', 'works'], ['terminal', 'asks']), 'by the installed loader'],
    [having(['trusted', 'refused'], ['trusted-pkexec', 'works']), 'and polkit'],
    // What asks nobody comes first, whatever its place.
    [having(['pkexec', 'asks'], ['sudo', 'works']), 'by sudo, without a password'],
    [having(['capabilities', 'works']), 'sufficient capabilities'],
    [
      { ...having(['sudo', 'refused'], ['terminal', 'asks']), administrators: 'sudo' },
      'by sudo, which asks for a password (member of sudo)',
    ],
    [{ ...good, kernel: '10.0-rc1' }, 'root'],
  ])('finds the way to the rights', (facts, way) => {
    expect(check(facts, 'rights')).toMatchObject({ status: 'ok', detail: expect.stringContaining(way) });
    expect(possible(assess(facts, null))).toBe(true);
  });

  it('does not promise that an untested kernel works, nor that it does not', () => {
    const untested = { ...good, kernel: '5.19.0' };
    expect(check(untested, 'kernel')).toMatchObject({
      status: 'unknown',
      detail: expect.stringContaining('tested on 6.1 and later'),
    });
    expect(possible(assess(untested, null))).toBe(true);
    expect(check({ ...good, kernel: '6.1.0' }, 'kernel')?.status).toBe('ok');
  });

  it('does not promise what only a password would show', () => {
    const facts = having(['sudo', 'refused'], ['terminal', 'asks']);
    expect(check(facts, 'rights')).toMatchObject({
      status: 'unknown',
      detail: expect.stringContaining('if it allows this user'),
      remedy: expect.stringContaining('http-trace install --user 1000'),
    });
    expect(possible(assess(facts, null))).toBe(false);
  });

  it('says why an installed loader is not used', () => {
    const facts = having(['terminal', 'asks']);
    const ways = { ...facts.ways, trustedProblem: 'It is another version.' };
    expect(check({ ...facts, ways }, 'rights')?.detail).toContain('(It is another version)');
  });

  it('does not claim what it could not find out', () => {
    expect(check({ ...good, lockdown: null }, 'lockdown')?.status).toBe('unknown');
    expect(check(user, 'trial')?.status).toBe('unknown');
  });

  it('trusts the trial over the facts', () => {
    const failed = assess(good, 'The kernel refused.');
    expect(failed.at(-1)).toMatchObject({ status: 'missing', detail: 'The kernel refused.' });
    expect(possible(failed)).toBe(false);
  });

  it('knows whose process may be traced', () => {
    expect(assessProcess(1, { owner: 0 }, 1000).status).toBe('missing');
    expect(assessProcess(7, { owner: 1000 }, 1000).status).toBe('ok');
    expect(assessProcess(7, { owner: 1000 }, 0).status).toBe('ok');
    expect(assessProcess(7, { owner: null }, 0)).toMatchObject({
      status: 'missing',
      detail: 'no such process',
    });
  });

  it('says which TLS of a process can be decrypted, and why the rest cannot', () => {
    const openssl = {
      kind: 'openssl',
      version: '3.0.19',
      path: '/usr/lib/libssl.so.3',
      inExecutable: false,
      attached: true,
      returns: 'instructions',
      reason: null,
    } as const;
    const nss = {
      ...openssl,
      kind: 'nss',
      version: null,
      path: '/usr/lib/libnss3.so',
      attached: false,
      returns: null,
      reason: 'NSS is not supported',
    } as const;
    const node = {
      ...openssl,
      version: null,
      path: '/usr/bin/node',
      inExecutable: true,
      returns: 'uretprobe',
    } as const;
    expect(assessTls(7, [openssl, nss])).toMatchObject({
      status: 'ok',
      detail:
        'OpenSSL 3.0.19 can be decrypted (/usr/lib/libssl.so.3); not decrypted: NSS is not supported (/usr/lib/libnss3.so)',
    });
    expect(assessTls(7, [node]).detail).toBe(
      'OpenSSL can be decrypted (in the program itself, with return probes)',
    );
    expect(assessTls(7, [nss]).status).toBe('unknown');
    expect(assessTls(7, [])).toMatchObject({
      status: 'unknown',
      detail: expect.stringContaining('no TLS library'),
    });
    expect(assessTls(7, null)).toMatchObject({
      status: 'unknown',
      detail: 'its memory cannot be read',
    });
    // What cannot be decrypted is no reason not to trace.
    expect(possible([assessTls(7, [nss]), assessTls(7, null)])).toBe(true);
  });
});

/** The memory that the traces of one user take together is bounded, whatever becomes of their processes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameType } from '../../helper/protocol.ts';
import { expectGone } from '../kit/holding.ts';
import { childrenOf, exists, heldIfRunning, NOTHING_HELD } from '../kit/kernel.ts';
import { Installed, type LoaderRun, NOBODY, Requester, runLoader, type Said, whySkipped } from './rig.ts';

const reason = whySkipped();
if (reason !== null) console.warn(`skipped: the tests of rings ${reason}`);

const MIB = 2 ** 20;
/** The kernel frees maps after the last descriptor is closed, on a busy machine seconds later. */
const FREED_WITHIN = 60_000;
/** Another ordinary user. */
const DAEMON = 1;

describe.skipIf(reason !== null)('rings', () => {
  let installed: Installed;
  const started: Started[] = [];

  interface Started {
    readonly requester: Requester;
    readonly loader: LoaderRun;
    /** Hello, or why there is none. */
    readonly first: Said;
  }

  beforeAll(() => {
    installed = new Installed();
  });
  afterAll(async () => {
    for (const one of started) await end(one);
    installed.remove();
  });

  async function start(mib: number, uid = NOBODY): Promise<Started> {
    const requester = await Requester.listen(installed, installed.socketDirectory(uid), uid);
    const size = ['--ring-size', String(mib * MIB), '--tls-attach', 'none'];
    const loader = runLoader(installed, requester.socket, { SUDO_UID: String(uid) }, size);
    const first = await requester.frame(
      ({ type }) => type === FrameType.Hello || type === FrameType.Fault,
      120_000,
    );
    started.push({ requester, loader, first });
    return { requester, loader, first };
  }

  async function end({ requester, loader }: Started): Promise<void> {
    const pid = loader.process.pid ?? 0;
    const maps = [pid, ...childrenOf(pid)].flatMap((one) => heldIfRunning(one).maps);
    requester.process.kill('SIGKILL');
    await loader.result;
    while (exists(pid)) await new Promise((soon) => setTimeout(soon, 20));
    await expectGone({ ...NOTHING_HELD, maps }, FREED_WITHIN);
  }

  const REFUSED = {
    type: FrameType.Fault,
    json: {
      code: 'limit',
      message: expect.stringMatching(
        /^Your traces would take more than 1024 MiB .* end another trace, or choose a smaller ring \(--ring-size\) than 512 MiB\.$/,
      ),
    },
  };

  it('one user’s traces take 1 GiB at most; another user’s do not count, nor does one that has ended', async () => {
    const big = await start(512);
    expect(big.first.type).toBe(FrameType.Hello);
    const refused = await start(512);
    expect(refused.first).toMatchObject(REFUSED);
    expect((await refused.loader.result).status).toBe(1);
    // As much as there is left.
    const small = await start(256);
    expect(small.first.type).toBe(FrameType.Hello);
    const other = await start(512, DAEMON);
    expect(other.first.type).toBe(FrameType.Hello);
    await end(other);
    // The helper has the ring: without its broker it counts no less.
    for (const pid of childrenOf(big.loader.process.pid ?? 0)) process.kill(pid, 'SIGKILL');
    expect((await start(512)).first).toMatchObject(REFUSED);
    await end(small);
    await end(big);
    const again = await start(512);
    expect(again.first.type).toBe(FrameType.Hello);
    await end(again);
  });

  it('of several that start at once, not more than fit', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => start(512)));
    const begun = all.filter(({ first }) => first.type === FrameType.Hello);
    expect(begun.length).toBeLessThanOrEqual(1);
    for (const { first } of all) if (first.type !== FrameType.Hello) expect(first).toMatchObject(REFUSED);
    for (const one of all) await end(one);
  });
});

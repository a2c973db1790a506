/** Failing calls of widely used clients (test/kit/failingCalls.ts), with each backend. */
import { callAndFail } from '../kit/failingCalls.ts';
import { NamedNetwork } from '../kit/namedNetwork.ts';
import type { Report } from '../kit/report.ts';
import type { Context } from './context.ts';

/** Seconds that resolvers wait for an answer. */
const PATIENCE = 30;
/** Milliseconds: most clients wait for something several times. */
const END_PATIENCE = 900_000;

/** @param built where run.mjs has put the clients that are compiled */
export async function runClients(
  context: Context,
  only: RegExp,
  built: string,
  peers: string,
  report: Report,
): Promise<void> {
  const scenario = (name: string): string => `calls that fail, by ${name}`;
  try {
    const own = { ...context, tls: 'auto', options: [], endPatience: END_PATIENCE } as const;
    const network = await NamedNetwork.make(own, peers, PATIENCE);
    const { wrong, others, note } = await callAndFail(
      network,
      { peers, built, folder: context.folder },
      context.slow,
    );
    const rest = { ...others, ...(note === null ? {} : { note: [note] }) };
    for (const [name, rows] of [...wrong, ['nobody', Object.entries(rest).map(String)] as const]) {
      if (!only.test(scenario(name))) continue;
      report({
        scenario: scenario(name),
        outcome: rows.length === 0 ? 'passed' : 'failed',
        detail: rows.join('; '),
      });
    }
  } catch (error) {
    report({ scenario: scenario('all'), outcome: 'failed', detail: (error as Error).message });
  }
}

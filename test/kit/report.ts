/** Outcomes of scenarios that run outside of a test framework. */

export type Outcome = 'passed' | 'failed' | 'impossible';

export interface Result {
  readonly scenario: string;
  readonly outcome: Outcome;
  /** Why it failed or is impossible; what is remarkable when it passed. */
  readonly detail: string;
}

export type Report = (result: Result) => void;

/** Runs a scenario and reports the detail that it returns, or the Error that it throws. */
export async function reportOutcome(
  report: Report,
  scenario: string,
  run: () => Promise<string>,
): Promise<void> {
  try {
    report({ scenario, outcome: 'passed', detail: await run() });
  } catch (error) {
    report({ scenario, outcome: 'failed', detail: (error as Error).message });
  }
}

import type { FaultKind } from "./engine/faults.ts";
import { makeRandom } from "./engine/random.ts";
import type { Workload } from "./plan-workload.ts";
import { simulate } from "./simulate.ts";
import { START_MS } from "./stack.ts";
import { collectTogether, type Part, tell } from "./workers.ts";

/** Accounts that share a stage. */
const PER_STAGE = 4;

const MINUTE_MS = 60_000;

/** Workers die, freeze and get no answers until all requests can have been submitted. */
const FAULTS_MS = 90 * MINUTE_MS;
const kinds: readonly FaultKind[] = [
  "crash-before",
  "crash-after",
  "timeout-applied",
  "freeze",
  "duplicate",
  "late",
  "skew",
];

function planOf(seed: number, accounts: number, requests: number): Workload {
  const random = makeRandom(seed, "accounts");
  const ids = Array.from({ length: accounts }, (_, n) => `account-${n + 1}`);
  return {
    accounts: ids.map((accountId) => {
      const min = random.int(1, 3) * 1_000;
      const paceMs = { min, max: min + random.int(0, 2) * 1_000 };
      return { accountId, paceMs, hourLimit: undefined, opensMs: undefined };
    }),
    requests: ids.flatMap((accountId, account) =>
      Array.from({ length: requests }, (_, n) => ({
        n: account * requests + n,
        accountId,
        // About one in a second: most wait for the ones before, and some do not.
        atMs: START_MS + n * 1_000 + random.int(0, 1_500),
        scheduledMs: undefined,
        isHigh: false,
        cancelAfterMs: undefined,
        repeatAfterMs: undefined,
        conflictAfterMs: undefined,
      })),
    ),
    foreign: [],
    endpointDown: { fromMs: 0, untilMs: 0 },
    busFlaky: { fromMs: 0, untilMs: 0 },
    poisonMs: undefined,
  };
}

/** What one stage has done. */
interface Message {
  accounts: number;
  requests: number;
  submissions: number;
  faults: number;
  inversions: number;
  overlaps: number;
  gaps: number;
  violations: string[];
}

/**
 * Submits the requests of many accounts while workers crash.
 *
 * @returns the exit code: 0 when no request overtook another one of its account, no two
 *   submissions of an account overlapped, and none came before its account's gap was over
 */
export async function runAccounts(of: {
  args: readonly string[];
  workers: number;
  part: Part | undefined;
  accounts: number;
  requests: number;
}): Promise<number> {
  const stages = Math.ceil(of.accounts / PER_STAGE);
  if (of.part) {
    for (let seed = 1 + of.part.part; seed <= stages; seed += of.part.of) {
      const accounts = Math.min(PER_STAGE, of.accounts - (seed - 1) * PER_STAGE);
      await tell(await runStage(seed, accounts, of.requests));
    }
    return 0;
  }
  const { results, isWhole } = await collectTogether<Message>(of.args, {
    workers: of.workers,
    every: 10,
    all: `${stages} stages`,
  });
  const sum = (name: Exclude<keyof Message, "violations">) =>
    results.reduce((total, one) => total + one[name], 0);
  const broken = results.flatMap(({ violations }) => violations).length;
  console.log(
    `${sum("accounts")} accounts, ${sum("requests")} requests, ${sum("submissions")} submissions, ` +
      `${sum("faults")} faults: ${sum("inversions")} inversions, ${sum("overlaps")} overlaps, ` +
      `${sum("gaps")} gaps under the pace, ${broken} violations in all`,
  );
  const isEach = sum("requests") === of.accounts * of.requests;
  return isWhole && isEach && broken === 0 ? 0 : 1;
}

async function runStage(seed: number, accounts: number, requests: number): Promise<Message> {
  const plan = planOf(seed, accounts, requests);
  const { history, end, violations } = await simulate({ seed, plan, kinds, faultsMs: FAULTS_MS });
  const told = (pattern: RegExp) => violations.filter(({ text }) => pattern.test(text)).length;
  return {
    accounts,
    requests: end.requests.length,
    submissions: history.submissions.length,
    faults: history.struck.length,
    inversions: told(/ overtook /),
    overlaps: told(/two submissions at|before the end of the one before/),
    gaps: told(/between two submissions/),
    violations: violations.map(({ guarantee, text }) => `seed ${seed}: ${guarantee}: ${text}`),
  };
}

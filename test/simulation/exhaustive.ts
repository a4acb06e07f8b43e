import type { FaultKind } from "./engine/faults.ts";
import { makeRandom } from "./engine/random.ts";
import { kindOf, missingKinds } from "./exhaustive-kinds.ts";
import type { Account, Workload } from "./plan-workload.ts";
import type { AnswerOf } from "./services/endpoint.ts";
import { type RunResult, simulate } from "./simulate.ts";
import { START_MS } from "./stack.ts";
import { type Part, tell, workTogether } from "./workers.ts";

/** What strikes each call: it dies before or after the call, gets no answer, or is refused. */
const ways: readonly FaultKind[] = ["crash-before", "crash-after", "timeout-applied", "throttle"];

const SEED = 1;

/** Of the pairs, so many must strike twice: after the last calls of a run there is nothing left. */
const LEAST_PAIRED = 0.95;

const at = (seconds: number) => START_MS + seconds * 1_000;

const request = {
  accountId: "account-1",
  scheduledMs: undefined,
  isHigh: false,
  cancelAfterMs: undefined,
  repeatAfterMs: undefined,
  conflictAfterMs: undefined,
};

const account: Account = {
  accountId: "account-1",
  paceMs: { min: 2_000, max: 2_000 },
  hourLimit: undefined,
  opensMs: undefined,
};

const event = { accountId: "account-1", namesAccount: true };

/** Reports that belong to no request here: the endpoint answers slowly to one, and 410 to the other. */
const SLOW = "foreign-slow";
const GONE = "foreign-gone";

/** Each thing that a function does, a few times: the calls of this run are struck one by one. */
const plan: Workload = {
  accounts: [account, { ...account, accountId: "account-2", provider: "linked-api" }],
  requests: [
    { ...request, n: 0, atMs: at(5) },
    { ...request, n: 1, atMs: at(5.2), repeatAfterMs: 400 },
    { ...request, n: 2, atMs: at(8), scheduledMs: at(40) },
    { ...request, n: 3, atMs: at(9), cancelAfterMs: 50 },
    { ...request, n: 4, atMs: at(12), batch: 0 },
    { ...request, n: 5, atMs: at(12), batch: 0, isKeyless: true, person: "person-5" },
    {
      ...request,
      ...{ n: 6, atMs: at(14), person: "person-5" },
      dependsOn: {
        ...{ n: 5, on: "connection.accepted", withinMs: 600_000, afterMs: 5_000 },
        isStoppable: true,
      },
    },
    { ...request, n: 7, accountId: "account-2", atMs: at(6) },
    { ...request, n: 8, accountId: "account-2", atMs: at(7), cancelAfterMs: 6_000 },
    {
      ...request,
      ...{ n: 9, atMs: at(20) },
      dependsOn: {
        ...{ n: 0, on: "succeeded", withinMs: 1_800_000, afterMs: 0 },
        isStoppable: false,
      },
    },
  ],
  foreign: [
    { id: SLOW, atMs: [at(10), at(10.02)], isForged: false },
    { id: "foreign-large", atMs: [at(16)], isForged: false, isLarge: true },
    { id: GONE, atMs: [at(300)], isForged: false },
    { id: "foreign-late", atMs: [at(320)], isForged: false },
  ],
  endpointDown: { fromMs: at(10), untilMs: at(14) },
  busFlaky: { fromMs: 0, untilMs: 0 },
  poisonMs: undefined,
  personEvents: [
    { ...event, id: "event-0", person: "person-5", type: "CONNECTION_ACCEPTED", atMs: at(60) },
    { ...event, id: "event-1", person: "person-5", type: "MESSAGE_REPLY", atMs: at(62) },
  ],
  recurring: [
    {
      recurringId: "recurring-0",
      accountId: "account-1",
      atMs: at(4),
      minutes: [51],
      deletedAfterMs: 120_000,
    },
  ],
};

/** Whatever is delivered after the answer 410 fails, and a job ends what waits. */
const answerOf: AnswerOf = (webhookId, { nowMs }) => {
  const { fromMs, untilMs } = plan.endpointDown;
  const isDown = nowMs >= fromMs && nowMs < untilMs;
  return {
    answer: webhookId.includes(GONE) ? 410 : isDown ? 500 : 200,
    afterMs: webhookId.includes(SLOW) ? 1_500 : 100,
  };
};

/** A run, and its calls in order, as `submit.PutCommand#3`. */
async function runWith(only: ReadonlySet<string>): Promise<{ result: RunResult; calls: string[] }> {
  const calls: string[] = [];
  const result = await simulate({
    seed: SEED,
    plan,
    answerOf,
    only,
    lastsAlways: true,
    onOperation: (operation, kinds) => {
      if (kinds.includes("crash-after")) calls.push(operation);
    },
  });
  return { result, calls };
}

const functionOf = (call: string) => call.split(".")[0] ?? "";

/**
 * Draws faults that strike after the first one. Most strike a call that there is only because of
 * the first one: a retry, or the work of `reconcile`.
 */
function secondsAfter(
  first: string,
  of: { calls: readonly string[]; usual: ReadonlySet<string>; count: number },
): string[] {
  const random = makeRandom(SEED, first);
  const later = of.calls.slice(of.calls.indexOf(first.slice(0, first.lastIndexOf(":"))) + 1);
  const caused = later.filter((call) => !of.usual.has(call));
  if (later.length === 0) return [];
  return Array.from({ length: of.count }, () => {
    const call = random.pick(caused.length > 0 && random.chance(0.7) ? caused : later);
    return `${call}:${random.pick(ways)}`;
  });
}

interface Message {
  /** The faults of a run, and whether all of them struck. */
  faults: readonly string[];
  isStruck: boolean;
  violations: readonly string[];
}

const messageOf = (faults: readonly string[], { history, violations }: RunResult): Message => ({
  faults,
  isStruck: history.struck.length === faults.length,
  violations: violations.map(({ guarantee, text }) => `${guarantee}: ${text}`),
});

interface ExhaustiveOptions {
  args: readonly string[];
  workers: number;
  part: Part | undefined;
  /** Pairs of each single fault and a later one. */
  pairs: number;
  /** Of so many single faults, one is run. */
  sample: number;
}

/**
 * Strikes each call of each function in each way, then pairs of calls, and checks every guarantee.
 *
 * @returns the exit code: 0 when every single fault has struck, almost every pair has struck twice,
 *   and no guarantee is broken
 */
export async function runExhaustive(options: ExhaustiveOptions): Promise<number> {
  const { args, workers, part, pairs, sample } = options;
  const { result, calls } = await runWith(new Set());
  if (result.violations.length > 0) {
    throw new Error(`without a fault: ${JSON.stringify(result.violations)}`);
  }
  const missing = missingKinds(calls);
  if (missing.length > 0) throw new Error(`the scenario makes no call ${missing.join(", ")}`);
  const singles = ways
    // One way after the other, so that a sample has each of them.
    .flatMap((way) => calls.map((call) => `${call}:${way}`))
    .filter((_, n) => n % sample === 0);
  if (part) {
    const own = singles.filter((_, n) => n % part.of === part.part);
    await runPart(own, { usual: new Set(calls), pairs });
    return 0;
  }
  const messages: Message[] = [];
  const total = singles.length * (1 + pairs);
  const isWhole = await workTogether<Message>(new URL("run.ts", import.meta.url).pathname, args, {
    workers,
    onMessage(message) {
      messages.push(message);
      const { faults, violations } = message;
      for (const violation of violations) console.log(`${faults.join(" and ")}: ${violation}`);
      if (messages.length % 500 === 0) console.log(`${messages.length} of ${total} runs`);
      return true;
    },
  });
  const isRight = summarise({ calls, messages, planned: singles.length, pairs });
  return isRight && isWhole ? 0 : 1;
}

async function runPart(
  singles: readonly string[],
  { usual, pairs }: { usual: ReadonlySet<string>; pairs: number },
): Promise<void> {
  for (const first of singles) {
    const { result, calls } = await runWith(new Set([first]));
    await tell(messageOf([first], result));
    for (const second of secondsAfter(first, { calls, usual, count: pairs })) {
      const both = await runWith(new Set([first, second]));
      await tell(messageOf([first, second], both.result));
    }
  }
}

/**
 * Prints what was struck.
 *
 * @param of.planned how many single faults there are
 * @param of.pairs how many pairs of each
 * @returns whether everything was struck, and nothing was broken
 */
function summarise(of: {
  calls: readonly string[];
  messages: readonly Message[];
  planned: number;
  pairs: number;
}): boolean {
  const { calls, messages, planned } = of;
  const singles = messages.filter(({ faults }) => faults.length === 1);
  const pairs = messages.filter(({ faults }) => faults.length === 2);
  const named = Map.groupBy([...calls, ...pairs.map(({ faults }) => faults[1] ?? "")], functionOf);
  for (const name of named.keys()) {
    const own = calls.filter((call) => functionOf(call) === name);
    const first = singles.filter(({ faults }) => functionOf(faults[0] ?? "") === name);
    const second = pairs.filter(({ faults }) => functionOf(faults[1] ?? "") === name);
    const kinds = new Set([...own, ...second.map(({ faults }) => faults[1] ?? "")].map(kindOf));
    console.log(
      `${name}: ${own.length} calls, ${first.length} single faults; ` +
        `${second.length} second faults; ${kinds.size} kinds of calls`,
    );
  }
  const missed = singles.filter(({ isStruck }) => !isStruck);
  const broken = messages.filter(({ violations }) => violations.length > 0);
  const both = pairs.filter(({ isStruck }) => isStruck).length;
  console.log(
    `${singles.length} single faults, of which ${missed.length} did not strike; ` +
      `${pairs.length} pairs, of which ${both} struck twice; ${broken.length} runs break a guarantee`,
  );
  const isAll = planned > 0 && singles.length === planned && missed.length === 0;
  const isPaired = both >= Math.floor(LEAST_PAIRED * planned * of.pairs);
  return isAll && isPaired && broken.length === 0;
}

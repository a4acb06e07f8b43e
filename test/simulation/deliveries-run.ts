import { makeRandom, type Random } from "./engine/random.ts";
import { wrongCounts } from "./failure-counts.ts";
import type { Workload } from "./plan-workload.ts";
import type { AnswerOf, EndpointAnswer } from "./services/endpoint.ts";
import { type RunResult, simulate } from "./simulate.ts";
import { START_MS } from "./stack.ts";
import { collectTogether, type Part, tell } from "./workers.ts";

/** Deliveries to one endpoint, which has a behaviour of its own. */
const PER_ENDPOINT = 50;

const MINUTE_MS = 60_000;

/** During which the events of an endpoint happen. */
const BUSY_MS = 3 * MINUTE_MS;

/** Faults strike until all attempts can have been made. */
const FAULTS_MS = 20 * MINUTE_MS;

function planOf(random: Random): Workload {
  return {
    accounts: [],
    requests: [],
    foreign: Array.from({ length: PER_ENDPOINT }, (_, n) => ({
      id: `foreign-${n}`,
      atMs: [START_MS + random.int(0, BUSY_MS)],
      isForged: false,
    })),
    endpointDown: { fromMs: 0, untilMs: 0 },
    busFlaky: { fromMs: 0, untilMs: 0 },
    poisonMs: undefined,
  };
}

const statuses = [
  200, 201, 204, 301, 400, 401, 404, 408, 409, 410, 425, 429, 500, 502, 503,
] as const;

/** Draws a behaviour: always well, never well, down for a time, or something else at each POST. */
function behaviourOf(random: Random): AnswerOf {
  const answer = (what: EndpointAnswer["answer"]): EndpointAnswer => ({
    answer: what,
    afterMs: random.chance(0.1) ? random.int(1_000, 14_000) : random.int(5, 500),
    ...(what === 429 || what === 503 ? { retryAfterMs: random.int(0, 60_000) } : {}),
  });
  const bad = () => answer(random.pick(["nothing", "refused", 500, 503, 429, 404, 301] as const));
  const upFromMs = START_MS + random.int(0, 30 * MINUTE_MS);
  const wellChance = random.next();
  const kinds: readonly AnswerOf[] = [
    () => answer(200),
    bad,
    (_, { nowMs }) => (nowMs >= upFromMs ? answer(200) : bad()),
    (_, { postedBefore }) => (postedBefore >= 7 ? answer(200) : bad()),
    () => (random.chance(wellChance) ? answer(200) : bad()),
    () => answer(random.pick(statuses)),
  ];
  return random.pick(kinds);
}

/** What one endpoint has got. */
interface Message {
  deliveries: number;
  delivered: number;
  failed: number;
  other: number;
  posts: number;
  /** POSTs of one delivery: the most, and the most of those whose workers no fault has struck. */
  mostPosts: number;
  mostUnstruck: number;
  /** Failures that the bus was told, each once; and those that were counted for the alarm. */
  told: number;
  counted: number;
  /** 1 if no fault struck, so that each failure must be counted exactly once; otherwise 0. */
  unstruck: number;
  violations: string[];
}

function resultOf({ seed, history, end, violations }: RunResult): Message {
  const count = (status: string) => end.deliveries.filter((one) => one.status === status).length;
  const struck = new Set(history.struck.map(({ instance }) => instance));
  const posts = Map.groupBy(history.posts, ({ webhookId }) => webhookId);
  const most = (of: (by: string) => boolean) =>
    Math.max(0, ...[...posts.values()].map((own) => own.filter(({ by }) => of(by)).length));
  const publishes = history.published.filter(({ type }) => type === "delivery.failed");
  const [delivered, failed] = [count("delivered"), count("failed")];
  const told = new Set(publishes.map(({ id }) => id)).size;
  const counted = end.counts.get("DeliveryFailed") ?? 0;
  const isStruck = history.struck.length > 0;
  const wrong = wrongCounts({ failed, told, publishes: publishes.length, counted, isStruck });
  return {
    deliveries: end.deliveries.length,
    delivered,
    failed,
    other: end.deliveries.length - delivered - failed,
    posts: history.posts.length,
    mostPosts: most(() => true),
    mostUnstruck: most((by) => !struck.has(by)),
    told,
    counted,
    unstruck: isStruck ? 0 : 1,
    violations: [
      ...violations.map(({ guarantee, text }) => `seed ${seed}: ${guarantee}: ${text}`),
      ...wrong.map((text) => `seed ${seed}: G6: ${text}`),
    ],
  };
}

/**
 * Makes deliveries to endpoints that behave at random, with all faults.
 *
 * @returns the exit code: 0 when each delivery is delivered or failed after at most eight attempts,
 *   and the failures of each endpoint are told and counted (`wrongCounts`)
 */
export async function runDeliveries(of: {
  args: readonly string[];
  workers: number;
  part: Part | undefined;
  deliveries: number;
}): Promise<number> {
  const endpoints = Math.ceil(of.deliveries / PER_ENDPOINT);
  if (of.part) {
    for (let seed = 1 + of.part.part; seed <= endpoints; seed += of.part.of) {
      const random = makeRandom(seed, "endpoint-behaviour");
      const [plan, answerOf] = [planOf(random), behaviourOf(random)];
      await tell(resultOf(await simulate({ seed, plan, answerOf, faultsMs: FAULTS_MS })));
    }
    return 0;
  }
  const { results, isWhole } = await collectTogether<Message>(of.args, {
    workers: of.workers,
    every: 100,
    all: `${endpoints} endpoints`,
  });
  const sum = (name: Exclude<keyof Message, "violations">) =>
    results.reduce((total, one) => total + one[name], 0);
  const most = (name: "mostPosts" | "mostUnstruck") => Math.max(...results.map((one) => one[name]));
  const broken = results.flatMap(({ violations }) => violations).length;
  console.log(
    `${sum("deliveries")} deliveries to ${results.length} endpoints: ${sum("delivered")} delivered, ` +
      `${sum("failed")} failed, ${sum("other")} neither; ${sum("told")} failures told, ` +
      `${sum("counted")} counted, each once at ${sum("unstruck")} endpoints without a fault; ` +
      `${sum("posts")} POSTs, at most ${most("mostUnstruck")} of a delivery without a fault of ` +
      `their workers, ${most("mostPosts")} with; ${broken} violations`,
  );
  const isRight =
    results.length === endpoints &&
    sum("deliveries") >= of.deliveries &&
    sum("other") === 0 &&
    most("mostUnstruck") <= 8 &&
    broken === 0;
  return isWhole && isRight ? 0 : 1;
}

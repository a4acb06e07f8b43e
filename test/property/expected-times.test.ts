import { expect, test } from "vitest";
import type { Category, Hours, Limit, Preset } from "../../shared/contracts/pace.ts";
import type { AccountPace } from "../../shared/core/pace/merge-pace-settings.ts";
import { seededRandom } from "../support/pace/simulate-lane.ts";
import { runs } from "../support/runs/runs.ts";
import { finished, makeWorkersSimulation } from "../support/simulations/workers-simulation.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MAX_LATENCY_MS = 8_000;

const actions = ["connect", "send_message_to_thread", "get_profile", "react", "create_post"];
const limited: readonly Category[] = ["stConnectionRequests", "stMessages", "stPersonProfileViews"];

type Random = () => number;

const pick = <One>(random: Random, from: readonly One[]): One =>
  from[Math.floor(random() * from.length)] as One;

function accountOf(random: Random): AccountPace {
  const limits = limited.flatMap((category): Limit[] => {
    if (random() < 0.5) return [];
    const per = pick(random, ["hour", "day"] as const);
    return [{ category, per, max: 2 + Math.floor(random() * 30) }];
  });
  const hours: Hours = {
    timeZone: pick(random, ["America/New_York", "Europe/Berlin", "Asia/Kolkata"]),
    days: ["mon", "tue", "wed", "thu", "fri"],
    from: "09:00",
    to: "18:00",
  };
  return {
    preset: pick(random, ["off", "careful", "standard"] as const satisfies readonly Preset[]),
    limits,
    ...(random() < 0.6 ? { hours } : {}),
    ...(random() < 0.3 ? { warmUp: { days: 14, from: 0.2 } } : {}),
  };
}

interface Outcome {
  seed: number;
  /** How much later than it happened it was expected. */
  errorMs: number;
  waitMs: number;
}

/** Asks for the expected time of a waiting request at a random moment, and looks when it is submitted. */
async function expectedAndReal(seed: number): Promise<Outcome | undefined> {
  const random = seededRandom(seed);
  const account = accountOf(random);
  const simulation = makeWorkersSimulation({
    pace: { minSeconds: 30, maxSeconds: 90 },
    account,
    exchange: () => {
      simulation.pass(random() * MAX_LATENCY_MS);
      return finished();
    },
  });
  const own = actions.slice(0, 1 + Math.floor(random() * actions.length));
  const count = 5 + Math.floor(random() * 45);
  const ids: string[] = [];
  for (let n = 1; n <= count; n++) {
    const isHigh = random() < 0.2;
    const request = { accountId: "a", n, action: pick(random, own) };
    const { requestId } = await simulation.accept({
      ...request,
      ...(isHigh ? { priority: "high" as const } : {}),
    });
    ids.push(requestId);
  }
  await simulation.runUntil(simulation.clock.businessMs() + random() ** 2 * 12 * HOUR_MS);
  const waiting: number[] = [];
  for (const [at, id] of ids.entries()) {
    if ((await simulation.find(id)).status === "QUEUED") waiting.push(at);
  }
  if (waiting.length === 0) return undefined;
  const chosen = pick(random, waiting);
  const askedMs = simulation.clock.businessMs();
  const { expectedAt = "" } = await simulation.get(ids[chosen] ?? "");
  const callOf = () => simulation.calls.find(({ n }) => n === chosen + 1);
  for (let day = 0; day < 40 && !callOf(); day++) {
    await simulation.runUntil(simulation.clock.businessMs() + DAY_MS);
  }
  const atMs = Math.floor(callOf()?.fromMs ?? Number.NaN);
  return { seed, errorMs: Date.parse(expectedAt) - atMs, waitMs: atMs - askedMs };
}

test("In 95 % of random cases, a waiting request is submitted no later than it was expected, and expected at most 10 % of its wait or five minutes later", async () => {
  const { numRuns } = runs(1_000);
  const outcomes: Outcome[] = [];
  for (let seed = 1; outcomes.length < numRuns; seed++) {
    const outcome = await expectedAndReal(seed);
    if (outcome) outcomes.push(outcome);
  }
  const bad = outcomes.filter(
    ({ errorMs, waitMs }) => !(errorMs >= 0 && errorMs <= Math.max(5 * MINUTE_MS, 0.1 * waitMs)),
  );
  expect(
    bad.length <= 0.05 * outcomes.length,
    `${bad.length} of ${outcomes.length}: ${JSON.stringify(bad.slice(0, 40))}`,
  ).toBe(true);
});

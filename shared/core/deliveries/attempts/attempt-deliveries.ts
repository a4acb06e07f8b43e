import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import { forEachConcurrent } from "../../for-each-concurrent.ts";
import { toMessageFailure } from "../../message-failure.ts";
import { isCircuitOpen, type Seen } from "../state/endpoint-health.ts";
import type { AttemptLane } from "../state/ports.ts";
import type { EndpointHealth } from "../state/record.ts";
import { type Group, isHeldLongEnough, makeAttemptBatch } from "./attempt-batch.ts";
import type { WatchPost } from "./attempt-delivery.ts";
import type { AttemptDeliveriesDeps, HintOutcome } from "./attempt-types.ts";

/** A batch that fills a receive says that more wait. */
const FULL_BATCH = 10;

/**
 * Makes the attempts that a batch of messages names. What one endpoint does
 * holds up no other (G11): each has a bounded number of workers, and one that is
 * slow, fails, or has not proven itself is left to workers of its own kind, those
 * of the lane `careful`.
 *
 * Answers for each message, in order.
 */
export function makeAttemptDeliveries(deps: AttemptDeliveriesDeps) {
  return async (
    lane: AttemptLane,
    hints: readonly AttemptMessage[],
    remainingMs: () => number,
  ): Promise<HintOutcome[]> => {
    const batch = makeAttemptBatch(deps, hints, remainingMs);
    const groups = await batch.groups().catch(toMessageFailure);
    if ("kind" in groups) return hints.map(() => groups);
    const isFull = hints.length >= FULL_BATCH;
    await Promise.all(
      groups.map((group) =>
        batch.isolateErrors(group, () =>
          lane === "prompt"
            ? workPromptly(deps, batch, group, isFull)
            : workCarefully(deps, batch, group),
        ),
      ),
    );
    await batch.finish();
    return batch.outcomes();
  };
}

type Deps = AttemptDeliveriesDeps;
type Batch = ReturnType<typeof makeAttemptBatch>;

/** An endpoint that has answered promptly so far needs no place, unless many attempts wait for it. */
async function workPromptly(
  deps: Deps,
  batch: Batch,
  group: Group,
  isFull: boolean,
): Promise<void> {
  const { health, hints } = group;
  if (!health.isFast || isCircuitOpen(health, deps.context()))
    return batch.moveToIsolatedQueue(hints);
  if (hints.length > 1 || isFull) {
    return atEndpoint(deps, group, {
      run: (entered) => runAll(deps, batch, { hints, watch: watchOf(deps, entered) }),
      refused: () => batch.moveToIsolatedQueue(hints),
    });
  }
  const seen = await runAll(deps, batch, { hints, watch: watchOf(deps, health) });
  await deps.endpoints.recordResult(health, seen);
}

async function workCarefully(deps: Deps, batch: Batch, group: Group): Promise<void> {
  await atEndpoint(deps, group, {
    run: ({ failures, ...health }) =>
      isCircuitOpen({ failures, ...health }, deps.context())
        ? probe(deps, batch, group)
        : runAll(deps, batch, { hints: group.hints, failures }),
    refused: (health) => batch.requeue(group.hints, health),
  });
}

/** With one of the endpoint's places for workers. */
async function atEndpoint(
  { endpoints, context, newOwner }: Deps,
  group: Group,
  on: {
    run: (health: EndpointHealth) => Promise<Seen>;
    refused: (health: EndpointHealth) => void;
  },
): Promise<void> {
  const { nowRealMs, rules } = context();
  const lease = { owner: newOwner(), untilMs: nowRealMs + rules.leaseMs };
  const isOverdue = group.hints.some(isHeldLongEnough);
  const result = await endpoints.acquire(group.health, { lease, isOverdue });
  if ("refusedBy" in result) return on.refused(result.refusedBy);
  let seen: Seen = { attempts: [] };
  try {
    seen = await on.run(result.written);
  } finally {
    await endpoints.release(result.written, lease.owner, seen);
  }
}

/** An endpoint that lets a POST wait is a slow one from then on, long before that POST times out. */
function watchOf({ endpoints, context, sleep }: Deps, health: EndpointHealth): WatchPost {
  const slow = { attempts: [{ isSuccess: true, isSlow: true }] };
  return async (posting) => {
    const ended = new AbortController();
    const watch = sleep(context().rules.slowMs, ended.signal)
      .then(() => endpoints.recordResult(health, slow))
      .catch(() => undefined);
    try {
      return await posting;
    } finally {
      ended.abort();
      await watch;
    }
  };
}

/**
 * All of them, a few at a time.
 *
 * @param of.failures in a row so far: with the last that is allowed, the rest is held back
 */
async function runAll(
  { context }: Deps,
  batch: Batch,
  { hints, failures, watch }: { hints: Group["hints"]; failures?: number; watch?: WatchPost },
): Promise<Seen> {
  const { rules } = context();
  const seen: Seen = { attempts: [] };
  let consecutiveFailures = failures ?? Number.NEGATIVE_INFINITY;
  await forEachConcurrent(hints, rules.postsPerWorker, async (one) => {
    if (consecutiveFailures >= rules.breakerFailures) return batch.hold(one);
    const result = await batch.run(one, watch);
    if (!result) return;
    seen.attempts.push(result);
    if (failures !== undefined)
      consecutiveFailures = result.isSuccess ? 0 : consecutiveFailures + 1;
  });
  return seen;
}

/** At a failing endpoint: what was held for long enough, or else one, to see whether it is well again. */
async function probe(deps: Deps, batch: Batch, { hints }: Group): Promise<Seen> {
  const { rules } = deps.context();
  const forced = hints.filter(isHeldLongEnough);
  const first = forced.length > 0 ? forced : hints.slice(0, 1);
  const rest = hints.filter((one) => !first.includes(one));
  const seen: Seen = { attempts: [] };
  // One that has just recovered gets at most twice what a well one does.
  await forEachConcurrent(
    first,
    2 * rules.workersPerEndpoint * rules.postsPerWorker,
    async (one) => {
      const result = await batch.run(one);
      if (result) seen.attempts.push(result);
    },
  );
  if (!seen.attempts.some(({ isSuccess }) => isSuccess)) {
    for (const one of rest) batch.hold(one);
    return seen;
  }
  const more = await runAll(deps, batch, { hints: rest });
  return { attempts: [...seen.attempts, ...more.attempts] };
}

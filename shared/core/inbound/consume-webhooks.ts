import type { Clock } from "../clock.ts";
import type { FinalEvent } from "../events/envelope.ts";
import type { EventClaimResult, EventClaims, EventPublisher } from "../events/ports.ts";
import { publishClaimed } from "../events/publish-claimed.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type { PublishedOutboxes } from "../requests/state/publish-outboxes.ts";
import {
  addMatched,
  type ConsumeOutcome,
  type EarlierEvent,
  hasOtherContent,
  type IndexedEvent,
  mapRecordingFailures,
  missingOutcome,
  type Outcomes,
  outcomeOfDuplicate,
} from "./consume-outcomes.ts";
import type { LoadedWebhook } from "./load-webhook.ts";
import type { MatchWebhooks } from "./match-webhooks.ts";
import type { BlobStore } from "./ports.ts";
import { truncateKeepingOriginal } from "./truncate-keeping-original.ts";

export interface ConsumeDeps {
  /** Loads the webhook of one message. @throws Failure */
  loadWebhook: (message: string) => Promise<LoadedWebhook>;
  matchWebhooks: MatchWebhooks;
  bodies: BlobStore;
  claims: EventClaims;
  publisher: EventPublisher;
  clock: Clock;
  newOwner: () => string;
  claimLeaseMs: number;
}

export interface ConsumeRun {
  /** One for each message, by its index. */
  messages: ConsumeOutcome[];
  /** The events of the requests that the webhooks updated. */
  outbox: PublishedOutboxes;
}

/** Real time that publishing needs, so that its result is recorded too. */
const PUBLISH_NEEDS_MS = 2_000;

/**
 * Turns verified webhooks into events on the bus, each once (G2): loads
 * them, matches them with the requests made here, claims the events of those that
 * belong to no request, and publishes these events.
 *
 * A message that fails delays no other message of the batch. Each step records
 * the outcome of the messages that end in it, and returns the others.
 */
export const makeConsumeWebhooks =
  (deps: ConsumeDeps) =>
  async (
    bodies: readonly string[],
    remainingMs: () => number = () => Number.POSITIVE_INFINITY,
  ): Promise<ConsumeRun> => {
    const outcomes: Outcomes = new Map();
    const owner = deps.newOwner();

    const loaded = await loadAll(deps, bodies, outcomes);
    const { unmatched, earlier, outbox } = await matchAll(deps, loaded, outcomes);
    const events = await truncateAll(deps, unmatched, outcomes);
    const { firsts, duplicates } = separateDuplicates(events);
    const claimed = await claimAll(deps, firsts, { owner }, outcomes);
    const { firsts: stored } = separateDuplicates(earlier);
    claimed.push(...(await claimAll(deps, stored, { owner, onlyStored: true }, outcomes)));
    const obstacle = obstacleOf(outbox, remainingMs());
    if (obstacle) await releaseAll(deps, claimed, { owner, obstacle }, outcomes);
    else await publishAll(deps, claimed, owner, outcomes);

    addMatched(earlier, outcomes);
    for (const { index, event, first } of duplicates) {
      outcomes.set(index, outcomeOfDuplicate(event, first.event, outcomes.get(first.index)));
    }
    for (const { index, webhook } of loaded) {
      const outcome = outcomes.get(index);
      if (webhook.event.unclear && outcome?.kind === "published") {
        outcomes.set(index, { ...outcome, isUnclear: true });
      }
    }
    return { messages: bodies.map((_, index) => outcomes.get(index) ?? missingOutcome), outbox };
  };

async function loadAll(
  deps: ConsumeDeps,
  bodies: readonly string[],
  outcomes: Outcomes,
): Promise<{ index: number; webhook: LoadedWebhook }[]> {
  return mapRecordingFailures(
    bodies.map((body, index) => ({ index, body })),
    outcomes,
    async ({ index, body }) => ({ index, webhook: await deps.loadWebhook(body) }),
  );
}

interface Matched {
  /** The events of the webhooks that belong to no request. */
  unmatched: IndexedEvent[];
  /** Those that webhooks of requests may have made before. */
  earlier: EarlierEvent[];
  outbox: PublishedOutboxes;
}

async function matchAll(
  deps: ConsumeDeps,
  loaded: readonly { index: number; webhook: LoadedWebhook }[],
  outcomes: Outcomes,
): Promise<Matched> {
  const nothing = { unmatched: [], earlier: [], outbox: { published: 0, failures: [] } };
  if (loaded.length === 0) return nothing;
  try {
    const matched = await deps.matchWebhooks(loaded.map(({ webhook }) => webhook));
    const unmatched: IndexedEvent[] = [];
    const earlier: EarlierEvent[] = [];
    for (const [position, { index }] of loaded.entries()) {
      const outcome = matched.outcomes[position] ?? missingOutcome;
      if (outcome.kind === "unmatched") {
        unmatched.push({ index, event: outcome.event });
      } else if (outcome.kind === "matched") {
        const { earlierEvent, ...others } = outcome;
        outcomes.set(index, others);
        if (earlierEvent) earlier.push({ index, event: earlierEvent, matched: others });
      } else {
        outcomes.set(index, outcome);
      }
    }
    return { unmatched, earlier, outbox: matched.outbox };
  } catch (error) {
    for (const { index } of loaded) outcomes.set(index, toMessageFailure(error));
    return nothing;
  }
}

/** Returns the events, truncated where the bus could not carry them. */
function truncateAll(
  deps: ConsumeDeps,
  events: readonly IndexedEvent[],
  outcomes: Outcomes,
): Promise<IndexedEvent[]> {
  return mapRecordingFailures(events, outcomes, async ({ index, event }) => ({
    index,
    event: await truncateKeepingOriginal(deps.bodies, event),
  }));
}

/** A batch can contain the same webhook twice: only its first message claims the event. */
function separateDuplicates(events: readonly IndexedEvent[]) {
  const firstById = new Map<string, IndexedEvent>();
  const duplicates: (IndexedEvent & { first: IndexedEvent })[] = [];
  for (const one of events) {
    const first = firstById.get(one.event.id);
    if (first) duplicates.push({ ...one, first });
    else firstById.set(one.event.id, one);
  }
  return { firsts: [...firstById.values()], duplicates };
}

/**
 * Returns the events that this worker has claimed, each in the bytes of its first claim.
 *
 * @param of.onlyStored claims those alone that an earlier receive of their webhook has stored: it
 *   ended while it published the event, and the id was bound to a request meanwhile. The outcomes
 *   of the others stay
 */
async function claimAll(
  deps: ConsumeDeps,
  events: readonly IndexedEvent[],
  { owner, onlyStored = false }: { owner: string; onlyStored?: boolean },
  outcomes: Outcomes,
): Promise<IndexedEvent[]> {
  const lease = { owner, untilMs: deps.clock.realMs() + deps.claimLeaseMs };
  const results = await mapRecordingFailures(events, outcomes, async ({ index, event }) => ({
    index,
    event,
    result: onlyStored
      ? await deps.claims.claimStored(event.id, lease)
      : await deps.claims.claim(event, lease, { isRetriedByQueue: true }),
  }));
  return results.flatMap(({ index, event, result }) => {
    if (result?.kind === "granted") return [{ index, event: result.event }];
    const mustTell = result?.kind === "held" || !onlyStored;
    if (result && mustTell) outcomes.set(index, outcomeOfRefusedClaim(event, result));
    return [];
  });
}

async function publishAll(
  deps: ConsumeDeps,
  claimed: readonly IndexedEvent[],
  owner: string,
  outcomes: Outcomes,
): Promise<void> {
  const events = claimed.map(({ event }) => event);
  const published = await publishClaimed(deps, owner, events);
  claimed.forEach(({ index, event }, position) => {
    outcomes.set(index, { ...(published[position] ?? missingOutcome), eventId: event.id });
  });
}

/** Returns why nothing more can be published in this invocation; `undefined` when it can. */
function obstacleOf(
  { published, failures }: PublishedOutboxes,
  remainingMs: number,
): Pick<MessageFailure, "code" | "detail"> | undefined {
  // A call that the bus does not answer takes seconds, and the function has not many more.
  const isBusDown = published === 0 && failures.some(({ code }) => code === "PUBLISH_FAILED");
  if (isBusDown) return { code: "PUBLISH_FAILED", detail: "the bus took no event of the requests" };
  if (remainingMs >= PUBLISH_NEEDS_MS) return undefined;
  return { code: "OUT_OF_TIME", detail: `less than ${PUBLISH_NEEDS_MS} ms left` };
}

/**
 * Releases claims whose events are not published in this invocation. The next receive of the
 * message publishes the event, or the sweep of the outbox.
 */
async function releaseAll(
  deps: ConsumeDeps,
  claimed: readonly IndexedEvent[],
  { owner, obstacle }: { owner: string; obstacle: Pick<MessageFailure, "code" | "detail"> },
  outcomes: Outcomes,
): Promise<void> {
  const released = await mapRecordingFailures(claimed, outcomes, async (one) => {
    await deps.claims.release(one.event.id, owner);
    return one;
  });
  for (const { index, event } of released) {
    outcomes.set(index, { kind: "failed", ...obstacle, eventId: event.id });
  }
}

function outcomeOfRefusedClaim(
  { id: eventId, envelope }: FinalEvent,
  result: Exclude<EventClaimResult, { kind: "granted" }>,
): ConsumeOutcome {
  if (result.kind === "done") {
    return {
      kind: "duplicate",
      eventId,
      contentDiffers: hasOtherContent(envelope, result.envelope),
    };
  }
  const detail = "another worker has claimed this event";
  return { kind: "failed", code: "CLAIM_HELD", detail, eventId, retryAtMs: result.untilMs };
}

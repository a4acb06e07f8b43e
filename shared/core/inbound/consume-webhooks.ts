import type { Clock } from "../clock.ts";
import { sha256Hex } from "../crypto/digest.ts";
import type { FinalEvent } from "../events/envelope.ts";
import type { EventClaimResult, EventClaims, EventPublisher } from "../events/ports.ts";
import { publishClaimed } from "../events/publish-claimed.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type { PublishedOutboxes } from "../requests/state/publish-outboxes.ts";
import type { LoadedWebhook } from "./load-webhook.ts";
import type { MatchOutcome, MatchWebhooks } from "./match-webhooks.ts";
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

export type ConsumeOutcome =
  /** `isUnclear`: it has a status or code that the vocabulary does not list, or contradicts itself. */
  | { kind: "published"; eventId: string; isUnclear?: true }
  /** `contentDiffers`: the copy has other content than the event that was published. */
  | { kind: "duplicate"; eventId: string; contentDiffers: boolean }
  | Omit<Extract<MatchOutcome, { kind: "matched" }>, "earlierEvent">
  | Extract<MatchOutcome, { kind: "waiting" }>
  /** The message must stay in the queue; `retryAtMs` (real) is when a retry can succeed. */
  | (MessageFailure & { eventId?: string; retryAtMs?: number });

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
    const claimed = await claimAll(deps, firsts, owner, outcomes);
    const { firsts: stored } = separateDuplicates(earlier);
    claimed.push(...(await claimEarlier(deps, stored, owner, outcomes)));
    if (remainingMs() < PUBLISH_NEEDS_MS) await releaseAll(deps, claimed, owner, outcomes);
    else await publishAll(deps, claimed, owner, outcomes);

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

/** The outcomes of messages by their index in the batch. */
type Outcomes = Map<number, ConsumeOutcome>;

/** An event of the message with this index. */
interface IndexedEvent {
  index: number;
  event: FinalEvent;
}

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
  earlier: IndexedEvent[];
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
    const earlier: IndexedEvent[] = [];
    for (const [position, { index }] of loaded.entries()) {
      const outcome = matched.outcomes[position] ?? missingOutcome;
      if (outcome.kind === "unmatched") {
        unmatched.push({ index, event: outcome.event });
      } else if (outcome.kind === "matched") {
        const { earlierEvent, ...others } = outcome;
        outcomes.set(index, others);
        if (earlierEvent) earlier.push({ index, event: earlierEvent });
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

/** Returns the events that this worker has claimed, each in the bytes of its first claim. */
async function claimAll(
  deps: ConsumeDeps,
  events: readonly IndexedEvent[],
  owner: string,
  outcomes: Outcomes,
): Promise<IndexedEvent[]> {
  const lease = { owner, untilMs: deps.clock.realMs() + deps.claimLeaseMs };
  const results = await mapRecordingFailures(events, outcomes, async ({ index, event }) => ({
    index,
    event,
    result: await deps.claims.claim(event, lease, { isRetriedByQueue: true }),
  }));
  return results.flatMap(({ index, event, result }) => {
    if (result.kind === "granted") return [{ index, event: result.event }];
    outcomes.set(index, outcomeOfRefusedClaim(event, result));
    return [];
  });
}

/**
 * Returns those of the events that are stored and not on the bus: an earlier receive of the webhook
 * ended while it published the event, and the id was bound to a request meanwhile. The outcomes of
 * the others stay.
 */
async function claimEarlier(
  deps: ConsumeDeps,
  events: readonly IndexedEvent[],
  owner: string,
  outcomes: Outcomes,
): Promise<IndexedEvent[]> {
  const lease = { owner, untilMs: deps.clock.realMs() + deps.claimLeaseMs };
  const results = await mapRecordingFailures(events, outcomes, async ({ index, event }) => ({
    index,
    event,
    result: await deps.claims.claimStored(event.id, lease),
  }));
  return results.flatMap(({ index, event, result }) => {
    if (result?.kind === "granted") return [{ index, event: result.event }];
    if (result?.kind === "held") outcomes.set(index, outcomeOfRefusedClaim(event, result));
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

/** Releases claims that came too late to publish in this invocation. The next receive publishes the events. */
async function releaseAll(
  deps: ConsumeDeps,
  claimed: readonly IndexedEvent[],
  owner: string,
  outcomes: Outcomes,
): Promise<void> {
  const released = await mapRecordingFailures(claimed, outcomes, async (one) => {
    await deps.claims.release(one.event.id, owner);
    return one;
  });
  const detail = `less than ${PUBLISH_NEEDS_MS} ms left`;
  for (const { index, event } of released) {
    outcomes.set(index, { kind: "failed", code: "OUT_OF_TIME", detail, eventId: event.id });
  }
}

/** Runs a step for all messages concurrently. When it throws for a message, records the failure as its outcome. */
async function mapRecordingFailures<Item extends { index: number; event?: FinalEvent }, Result>(
  items: readonly Item[],
  outcomes: Outcomes,
  step: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const settled = await Promise.allSettled(items.map(step));
  return items.flatMap(({ index, event }, position) => {
    const result = settled[position];
    if (result?.status === "fulfilled") return [result.value];
    const failure = toMessageFailure(result?.reason);
    outcomes.set(index, { ...failure, ...(event ? { eventId: event.id } : {}) });
    return [];
  });
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

/** When the first message was published, the second one is a duplicate; otherwise both have the same outcome. */
function outcomeOfDuplicate(
  { id: eventId, envelope }: FinalEvent,
  first: FinalEvent,
  outcomeOfFirst: ConsumeOutcome = missingOutcome,
): ConsumeOutcome {
  if (outcomeOfFirst.kind !== "published") return outcomeOfFirst;
  return { kind: "duplicate", eventId, contentDiffers: hasOtherContent(envelope, first.envelope) };
}

/** Compares `data` without `accountUnknown`: the time of receipt and the registered accounts may differ. */
function hasOtherContent(envelope: string, other: string): boolean {
  const digest = (text: string) =>
    sha256Hex(text.slice(text.indexOf('"data":')).replace(',"accountUnknown":true', ""));
  return digest(envelope) !== digest(other);
}

/** For a step that returned too few outcomes, which is a bug. */
const missingOutcome: MessageFailure = {
  kind: "failed",
  code: "INTERNAL_ERROR",
  detail: "no step set an outcome for this message",
};

import type { Clock } from "../clock.ts";
import { sha256Hex } from "../crypto/digest.ts";
import type { FinalEvent } from "../events/envelope.ts";
import type { ClaimResult, EventClaims, EventPublisher } from "../events/ports.ts";
import { publishClaimed } from "../events/publish-claimed.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type { PublishedOutboxes } from "../requests/state/publish-outboxes.ts";
import type { DecodedWebhook } from "./decode-inbound.ts";
import type { JoinOutcome, JoinWebhooks } from "./join-webhooks.ts";
import type { BlobStore } from "./ports.ts";
import { storeAndTruncate } from "./store-and-truncate.ts";

export interface ConsumeDeps {
  /** Decodes one message. @throws Failure */
  decode: (message: string) => Promise<DecodedWebhook>;
  join: JoinWebhooks;
  bodies: BlobStore;
  claims: EventClaims;
  publisher: EventPublisher;
  clock: Clock;
  newOwner: () => string;
  leaseMs: number;
}

export type ConsumeOutcome =
  | { kind: "published"; eventId: string }
  /** `conflict`: the copy has other content than the event that was published. */
  | { kind: "duplicate"; eventId: string; conflict: boolean }
  | Extract<JoinOutcome, { kind: "joined" | "waiting" }>
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
 * Turns verified webhooks into events on the bus, each once (G2): decode, join
 * with the requests made here, claim what belongs to none, publish it.
 *
 * A message that fails holds up no other message of the batch. Each step takes
 * the messages that the step before passed on, and sets the outcome of those
 * that end with it.
 */
export const makeConsumeWebhooks =
  (deps: ConsumeDeps) =>
  async (
    bodies: readonly string[],
    remainingMs: () => number = () => Number.POSITIVE_INFINITY,
  ): Promise<ConsumeRun> => {
    const outcomes: Outcomes = new Map();
    const owner = deps.newOwner();

    const decoded = await decode(deps, bodies, outcomes);
    const { unmatched, outbox } = await join(deps, decoded, outcomes);
    const events = await fitForBus(deps, unmatched, outcomes);
    const { firsts, copies } = separateCopies(events);
    const claimed = await claim(deps, firsts, owner, outcomes);
    if (remainingMs() < PUBLISH_NEEDS_MS) await release(deps, claimed, owner, outcomes);
    else await publish(deps, claimed, owner, outcomes);

    for (const { index, event, first } of copies) {
      outcomes.set(index, outcomeOfCopy(event, first.event, outcomes.get(first.index)));
    }
    return { messages: bodies.map((_, index) => outcomes.get(index) ?? noAnswer), outbox };
  };

/** The outcomes of messages by their index in the batch. */
type Outcomes = Map<number, ConsumeOutcome>;

/** An event of the message with this index. */
interface IndexedEvent {
  index: number;
  event: FinalEvent;
}

async function decode(
  deps: ConsumeDeps,
  bodies: readonly string[],
  outcomes: Outcomes,
): Promise<{ index: number; webhook: DecodedWebhook }[]> {
  return forEachIndexed(
    bodies.map((body, index) => ({ index, body })),
    outcomes,
    async ({ index, body }) => ({ index, webhook: await deps.decode(body) }),
  );
}

/** Passes on the webhooks that belong to no request, each as its event. */
async function join(
  deps: ConsumeDeps,
  decoded: readonly { index: number; webhook: DecodedWebhook }[],
  outcomes: Outcomes,
): Promise<{ unmatched: IndexedEvent[]; outbox: PublishedOutboxes }> {
  const nothing = { unmatched: [], outbox: { published: 0, failures: [] } };
  if (decoded.length === 0) return nothing;
  try {
    const joined = await deps.join(decoded.map(({ webhook }) => webhook));
    const unmatched = decoded.flatMap(({ index }, position) => {
      const outcome = joined.outcomes[position] ?? noAnswer;
      if (outcome.kind === "unmatched") return [{ index, event: outcome.event }];
      outcomes.set(index, outcome);
      return [];
    });
    return { unmatched, outbox: joined.outbox };
  } catch (error) {
    for (const { index } of decoded) outcomes.set(index, toMessageFailure(error));
    return nothing;
  }
}

/** Passes on each event as the bus can carry it. */
function fitForBus(
  deps: ConsumeDeps,
  events: readonly IndexedEvent[],
  outcomes: Outcomes,
): Promise<IndexedEvent[]> {
  return forEachIndexed(events, outcomes, async ({ index, event }) => ({
    index,
    event: await storeAndTruncate(deps.bodies, event),
  }));
}

/** The same webhook can be in one batch twice: only its first message claims the event. */
function separateCopies(events: readonly IndexedEvent[]) {
  const firstById = new Map<string, IndexedEvent>();
  const copies: (IndexedEvent & { first: IndexedEvent })[] = [];
  for (const one of events) {
    const first = firstById.get(one.event.id);
    if (first) copies.push({ ...one, first });
    else firstById.set(one.event.id, one);
  }
  return { firsts: [...firstById.values()], copies };
}

/** Passes on the events that are this worker's to publish, in the bytes of their first claim. */
async function claim(
  deps: ConsumeDeps,
  events: readonly IndexedEvent[],
  owner: string,
  outcomes: Outcomes,
): Promise<IndexedEvent[]> {
  const lease = { owner, untilMs: deps.clock.realMs() + deps.leaseMs };
  const answered = await forEachIndexed(events, outcomes, async ({ index, event }) => ({
    index,
    event,
    result: await deps.claims.claim(event, lease),
  }));
  return answered.flatMap(({ index, event, result }) => {
    if (result.kind === "granted") return [{ index, event: result.event }];
    outcomes.set(index, outcomeOfRefusedClaim(event, result));
    return [];
  });
}

async function publish(
  deps: ConsumeDeps,
  claimed: readonly IndexedEvent[],
  owner: string,
  outcomes: Outcomes,
): Promise<void> {
  const events = claimed.map(({ event }) => event);
  const published = await publishClaimed(deps, owner, events);
  claimed.forEach(({ index, event }, position) => {
    outcomes.set(index, { ...(published[position] ?? noAnswer), eventId: event.id });
  });
}

/** Claiming took too long to publish in this invocation: the message's next receive does it. */
async function release(
  deps: ConsumeDeps,
  claimed: readonly IndexedEvent[],
  owner: string,
  outcomes: Outcomes,
): Promise<void> {
  const released = await forEachIndexed(claimed, outcomes, async (one) => {
    await deps.claims.release(one.event.id, owner);
    return one;
  });
  const detail = `less than ${PUBLISH_NEEDS_MS} ms left`;
  for (const { index, event } of released) {
    outcomes.set(index, { kind: "failed", code: "OUT_OF_TIME", detail, eventId: event.id });
  }
}

/** Runs a step for all messages at once. One that throws gets that failure as its outcome. */
async function forEachIndexed<Item extends { index: number; event?: FinalEvent }, Result>(
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
  result: Exclude<ClaimResult, { kind: "granted" }>,
): ConsumeOutcome {
  if (result.kind === "done") {
    return { kind: "duplicate", eventId, conflict: isConflict(envelope, result.envelope) };
  }
  const detail = "another worker has this event";
  return { kind: "failed", code: "CLAIM_HELD", detail, eventId, retryAtMs: result.untilMs };
}

/** A copy of a published event is a duplicate; otherwise it shares the outcome of the first. */
function outcomeOfCopy(
  { id: eventId, envelope }: FinalEvent,
  first: FinalEvent,
  outcomeOfFirst: ConsumeOutcome = noAnswer,
): ConsumeOutcome {
  if (outcomeOfFirst.kind !== "published") return outcomeOfFirst;
  return { kind: "duplicate", eventId, conflict: isConflict(envelope, first.envelope) };
}

/** Compares `data` alone: copies differ in the time of receipt, and in whether their account was known. */
function isConflict(envelope: string, other: string): boolean {
  const digest = (text: string) =>
    sha256Hex(text.slice(text.indexOf('"data":')).replace(',"accountUnknown":true', ""));
  return digest(envelope) !== digest(other);
}

const noAnswer: MessageFailure = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no answer" };

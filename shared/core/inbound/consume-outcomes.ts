import { sha256Hex } from "../crypto/digest.ts";
import type { FinalEvent } from "../events/envelope.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type { MatchedOutcome, MatchOutcome } from "./match-webhooks.ts";

export type ConsumeOutcome =
  /** `isUnclear`: the vocabulary does not list its status or code, or it contradicts itself. */
  | { kind: "published"; eventId: string; isUnclear?: true }
  /** `contentDiffers`: the copy has other content than the event that was published. */
  | { kind: "duplicate"; eventId: string; contentDiffers: boolean }
  /** `publishedEventId`: its own event, which an earlier receive stored and did not publish. */
  | (MatchedOutcome & { publishedEventId?: string })
  | Extract<MatchOutcome, { kind: "waiting" }>
  /**
   * The message must stay in the queue; `retryAtMs` (real) is when a retry can succeed. `matched`:
   * what it did to its request all the same.
   */
  | (MessageFailure & { eventId?: string; retryAtMs?: number; matched?: MatchedOutcome });

/** The outcomes of messages by their index in the batch. */
export type Outcomes = Map<number, ConsumeOutcome>;

/** An event of the message with this index. */
export interface IndexedEvent {
  index: number;
  event: FinalEvent;
}

/** An event that a webhook made before its request was known, and what the webhook did to that. */
export interface EarlierEvent extends IndexedEvent {
  matched: MatchedOutcome;
}

/**
 * Runs a step for all messages concurrently. When it throws for a message, records the failure as
 * its outcome.
 */
export async function mapRecordingFailures<
  Item extends { index: number; event?: FinalEvent },
  Result,
>(
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

/**
 * Adds what the webhooks did to their requests to what became of their earlier events: nobody
 * could tell it at the next receive.
 */
export function addMatched(events: readonly EarlierEvent[], outcomes: Outcomes): void {
  for (const { index, matched } of events) {
    const outcome = outcomes.get(index);
    if (outcome?.kind === "failed") outcomes.set(index, { ...outcome, matched });
    if (outcome?.kind === "published") {
      outcomes.set(index, { ...matched, publishedEventId: outcome.eventId });
    }
  }
}

/**
 * When the first message was published, the second one is a duplicate; otherwise both have the same
 * outcome.
 */
export function outcomeOfDuplicate(
  { id: eventId, envelope }: FinalEvent,
  first: FinalEvent,
  outcomeOfFirst: ConsumeOutcome = missingOutcome,
): ConsumeOutcome {
  if (outcomeOfFirst.kind !== "published") return outcomeOfFirst;
  return { kind: "duplicate", eventId, contentDiffers: hasOtherContent(envelope, first.envelope) };
}

/**
 * Compares `data` without `accountUnknown`: the time of receipt and the registered accounts may
 * differ.
 */
export function hasOtherContent(envelope: string, other: string): boolean {
  const digest = (text: string) =>
    sha256Hex(text.slice(text.indexOf('"data":')).replace(',"accountUnknown":true', ""));
  return digest(envelope) !== digest(other);
}

/** For a step that returned too few outcomes, which is a bug. */
export const missingOutcome: MessageFailure = {
  kind: "failed",
  code: "INTERNAL_ERROR",
  detail: "no step set an outcome for this message",
};

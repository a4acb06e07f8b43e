import type { Clock } from "../clock.ts";
import { type MessageFailure, toError, toMessageFailure } from "../message-failure.ts";
import type { FinalEvent } from "./envelope.ts";
import type { EventClaims, EventPublisher } from "./ports.ts";
import { toPublishFailure } from "./publish-failure.ts";

export type PublishOutcome = { kind: "published" } | MessageFailure;

/**
 * Publishes events that `owner` has claimed, and records each as published.
 *
 * When publishing fails, the claim is released. When recording fails, the event
 * is published again later with the same id and bytes: the one duplicate that
 * G2 allows.
 *
 * @returns one outcome for each event, by its index
 */
export async function publishClaimed(
  deps: { claims: EventClaims; publisher: EventPublisher },
  owner: string,
  events: readonly FinalEvent[],
): Promise<PublishOutcome[]> {
  const results = await deps.publisher.publish(events);
  return Promise.all(
    events.map(async (event, index): Promise<PublishOutcome> => {
      const result = results[index];
      if (result?.ok) return record(deps.claims, event.id, owner);
      const failure = toPublishFailure(result);
      const endClaim =
        failure.code === "PUBLISH_REFUSED" ? deps.claims.removeFromOutbox : deps.claims.release;
      try {
        await endClaim(event.id, owner);
        return failure;
      } catch (error) {
        // The claim expires, and the event is published after that.
        const { detail, error: cause } = toMessageFailure(error);
        return {
          ...failure,
          detail: `${failure.detail}; releasing its claim failed: ${detail}`,
          ...(cause ? { error: cause } : {}),
        };
      }
    }),
  );
}

/**
 * Stores one event and publishes it. When publishing fails, the error is
 * reported and the sweep of the outbox publishes the event. Calling it again
 * with the same event publishes nothing twice.
 *
 * @throws DEPENDENCY_DOWN when the event may not be stored
 */
export const makePublishEvent =
  (deps: {
    claims: EventClaims;
    publisher: EventPublisher;
    clock: Clock;
    newOwner: () => string;
    leaseMs: number;
    /** Receives the failure of an event that the sweep publishes later. */
    onNonFatalError: (error: unknown) => void;
  }) =>
  async (event: FinalEvent): Promise<void> => {
    const owner = deps.newOwner();
    const untilMs = deps.clock.realMs() + deps.leaseMs;
    const claim = await deps.claims.claim(event, { owner, untilMs });
    if (claim.kind !== "granted") return;
    for (const outcome of await publishClaimed(deps, owner, [claim.event])) {
      if (outcome.kind === "failed") deps.onNonFatalError(toError(outcome));
    }
  };

async function record(claims: EventClaims, id: string, owner: string): Promise<PublishOutcome> {
  try {
    const recorded = await claims.complete(id, owner);
    if (recorded === "completed") return { kind: "published" };
    return {
      kind: "failed",
      code: "CLAIM_LOST",
      detail: "published, but the claim had expired: another worker may publish it again",
    };
  } catch (error) {
    const failure = toMessageFailure(error);
    return { ...failure, detail: `published, not recorded: ${failure.detail}` };
  }
}

import type { Clock } from "../clock.ts";
import { sha256Hex } from "../crypto/digest.ts";
import type { FinalEvent } from "../events/envelope.ts";
import type { ClaimResult, EventClaims, EventPublisher } from "../events/ports.ts";
import { publishClaimed } from "../events/publish-claimed.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type { UpdateResult } from "../requests/state/provider-update.ts";
import type { DecodedWebhook } from "./decode-inbound.ts";
import type { JoinOutcome } from "./join-webhooks.ts";

export interface ConsumeDeps {
  claims: EventClaims;
  publisher: EventPublisher;
  /** What a message of the queue says. @throws Failure */
  decode: (message: string) => Promise<DecodedWebhook>;
  /** Which request each belongs to, in order; what belongs to one is settled there. */
  join: (heard: readonly DecodedWebhook[]) => Promise<JoinOutcome[]>;
  clock: Clock;
  newOwner: () => string;
  leaseMs: number;
}

export type ConsumeOutcome =
  | { kind: "published"; eventId: string }
  | { kind: "duplicate"; eventId: string; conflict: boolean }
  /** It belongs to a request made here, which knows it now. */
  | {
      kind: "joined";
      requestId: string;
      verdict: UpdateResult["verdict"];
      hasPausedAccount: boolean;
    }
  /** Sent back: the submission that it may belong to is still under way. */
  | { kind: "waiting" }
  /** The message must stay in the queue; `retryAtMs` (real) is when it is worth another look. */
  | (MessageFailure & { eventId?: string; retryAtMs?: number });

/**
 * Turns verified webhooks into events on the bus, each once (G2). Answers for
 * each message, in order; one that fails never holds up its neighbours.
 */
export const makeConsumeWebhooks =
  (deps: ConsumeDeps) =>
  async (
    bodies: readonly string[],
    remainingMs: () => number = () => Number.POSITIVE_INFINITY,
  ): Promise<ConsumeOutcome[]> => {
    const owner = deps.newOwner();
    const messages = await decodeAndJoin(deps, bodies);
    const firsts = new Map<string, FinalEvent>();
    for (const event of messages) {
      if ("envelope" in event && !firsts.has(event.id)) firsts.set(event.id, event);
    }
    const outcomes = await settle({ ...deps, remainingMs }, owner, [...firsts.values()]);
    return messages.map((event) => {
      if (!("envelope" in event)) return event;
      const outcome = outcomes.get(event.id) ?? noAnswer(event.id);
      const first = firsts.get(event.id) ?? event;
      if (event === first || outcome.kind !== "published") return outcome;
      // The same webhook twice in one batch: the second is a duplicate of the first.
      const conflict = isConflict(event.envelope, first.envelope);
      return { kind: "duplicate", eventId: event.id, conflict };
    });
  };

/** For each message the event of nobody's request that it stands for, or what became of it. */
async function decodeAndJoin(
  deps: ConsumeDeps,
  bodies: readonly string[],
): Promise<(FinalEvent | ConsumeOutcome)[]> {
  const heard = await Promise.allSettled(bodies.map(deps.decode));
  const understood = heard.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const joined = await deps.join(understood).catch((error: unknown) => error);
  const outcomes = Array.isArray(joined) ? (joined as JoinOutcome[]) : undefined;
  let at = 0;
  return heard.map((one) => {
    if (one.status === "rejected") return toMessageFailure(one.reason);
    const outcome = outcomes?.[at++];
    if (!outcome) return toMessageFailure(joined);
    return outcome.kind === "unmatched" ? outcome.event : outcome;
  });
}

/** Real time that publishing and recording should have: what is begun is then recorded too. */
const PUBLISH_NEEDS_MS = 2_000;

async function settle(
  deps: ConsumeDeps & { remainingMs: () => number },
  owner: string,
  events: FinalEvent[],
): Promise<Map<string, ConsumeOutcome>> {
  const outcomes = new Map<string, ConsumeOutcome>();
  const granted: FinalEvent[] = [];
  const lease = { owner, untilMs: deps.clock.realMs() + deps.leaseMs };
  const claimed = await Promise.allSettled(events.map((event) => deps.claims.claim(event, lease)));
  events.forEach((event, index) => {
    const claim = claimed[index];
    if (claim?.status !== "fulfilled")
      outcomes.set(event.id, { ...toMessageFailure(claim?.reason), eventId: event.id });
    else if (claim.value.kind === "granted") granted.push(claim.value.event);
    else outcomes.set(event.id, notGranted(event, claim.value));
  });
  if (deps.remainingMs() < PUBLISH_NEEDS_MS) return giveBack(deps, owner, granted, outcomes);
  const published = await publishClaimed(deps, owner, granted);
  granted.forEach((event, index) => {
    const outcome = published[index];
    if (outcome) outcomes.set(event.id, { ...outcome, eventId: event.id });
  });
  return outcomes;
}

/** Claiming took so long that publishing might not be recorded: the next receive does it. */
async function giveBack(
  deps: ConsumeDeps,
  owner: string,
  granted: readonly FinalEvent[],
  outcomes: Map<string, ConsumeOutcome>,
) {
  await Promise.allSettled(granted.map(({ id }) => deps.claims.release(id, owner)));
  const detail = `less than ${PUBLISH_NEEDS_MS} ms left`;
  for (const { id } of granted) {
    outcomes.set(id, { kind: "failed", code: "OUT_OF_TIME", detail, eventId: id });
  }
  return outcomes;
}

function notGranted(
  event: FinalEvent,
  claim: Exclude<ClaimResult, { kind: "granted" }>,
): ConsumeOutcome {
  if (claim.kind === "held") {
    return {
      kind: "failed",
      code: "CLAIM_HELD",
      detail: "another worker has this event",
      eventId: event.id,
      retryAtMs: claim.untilMs,
    };
  }
  return {
    kind: "duplicate",
    eventId: event.id,
    conflict: isConflict(event.envelope, claim.envelope),
  };
}

/** When it came, and whether its account was known then, differs between copies; what it says must not. */
function isConflict(one: string, other: string): boolean {
  const said = (envelope: string) =>
    sha256Hex(envelope.slice(envelope.indexOf('"data":')).replace(',"accountUnknown":true', ""));
  return said(one) !== said(other);
}

function noAnswer(eventId: string): ConsumeOutcome {
  return { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no answer", eventId };
}

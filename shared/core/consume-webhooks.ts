import { Failure, type FailureCode } from "../contracts/failures.ts";
import { inboundMessage } from "../contracts/inbound-message.ts";
import { sha256Hex } from "./digest.ts";
import { type FinalEvent, unmatchedEvent } from "./envelope.ts";
import { readJsonObject } from "./json.ts";
import type { ClaimResult, Clock, EventClaims, EventPublisher } from "./ports.ts";
import type { ProviderPack } from "./provider-pack.ts";
import { publishClaimed } from "./publish-claimed.ts";

export interface ConsumeDeps {
  claims: EventClaims;
  publisher: EventPublisher;
  packs: Readonly<Record<string, ProviderPack>>;
  clock: Clock;
  newOwner: () => string;
  leaseMs: number;
}

export type ConsumeOutcome =
  | { kind: "published"; eventId: string }
  | { kind: "duplicate"; eventId: string; conflict: boolean }
  /** The message must stay in the queue; `retryAtMs` (real) is when it is worth another look. */
  | { kind: "failed"; code: FailureCode; detail: string; eventId?: string; retryAtMs?: number };

/**
 * Turns verified webhooks into events on the bus, each once (G2). Answers for
 * each message, in order; one that fails never holds up its neighbours.
 */
export const makeConsumeWebhooks =
  (deps: ConsumeDeps) =>
  async (bodies: readonly string[]): Promise<ConsumeOutcome[]> => {
    const owner = deps.newOwner();
    const read = bodies.map((body) => readMessage(deps, body));
    const unique = new Map(
      read.flatMap((event) => ("envelope" in event ? [[event.id, event] as const] : [])),
    );
    const outcomes = await settle(deps, owner, [...unique.values()]);
    const first = new Set<string>();
    return read.map((event) => {
      if (!("envelope" in event)) return event;
      const outcome = outcomes.get(event.id) ?? noAnswer(event.id);
      // The same webhook twice in one batch: the second is a duplicate of the first.
      if (first.has(event.id) && outcome.kind === "published") {
        return { kind: "duplicate", eventId: event.id, conflict: false };
      }
      first.add(event.id);
      return outcome;
    });
  };

function readMessage(deps: ConsumeDeps, body: string): FinalEvent | ConsumeOutcome {
  try {
    const message = inboundMessage.parse(JSON.parse(body));
    const pack = deps.packs[message.provider];
    if (pack === undefined) throw new Error(`no provider pack for ${message.provider}`);
    const webhook = {
      ...readJsonObject(Buffer.from(message.bodyBase64, "base64")),
      headers: {},
    };
    return unmatchedEvent(pack.read(webhook), {
      ...message,
      numbersAsText: webhook.numbersAsText,
    });
  } catch (error) {
    const code = error instanceof Failure ? error.code : "MESSAGE_MALFORMED";
    return { kind: "failed", code: "MESSAGE_MALFORMED", detail: `message refused: ${code}` };
  }
}

async function settle(
  deps: ConsumeDeps,
  owner: string,
  events: FinalEvent[],
): Promise<Map<string, ConsumeOutcome>> {
  const outcomes = new Map<string, ConsumeOutcome>();
  const granted: FinalEvent[] = [];
  const lease = { owner, untilMs: deps.clock.realMs() + deps.leaseMs };
  const claimed = await Promise.allSettled(events.map((event) => deps.claims.claim(event, lease)));
  events.forEach((event, index) => {
    const claim = claimed[index];
    if (claim?.status !== "fulfilled") outcomes.set(event.id, notClaimed(event.id, claim?.reason));
    else if (claim.value.kind === "granted") granted.push(claim.value.event);
    else outcomes.set(event.id, notGranted(event, claim.value));
  });
  const published = await publishClaimed(deps, owner, granted);
  granted.forEach((event, index) => {
    const outcome = published[index];
    if (outcome) outcomes.set(event.id, { ...outcome, eventId: event.id });
  });
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
  return { kind: "duplicate", eventId: event.id, conflict: differ(event.envelope, claim.envelope) };
}

/** The time of receipt differs between two copies of one webhook; what it says must not. */
function differ(one: string, other: string): boolean {
  const said = (envelope: string) => sha256Hex(envelope.slice(envelope.indexOf('"data":')));
  return said(one) !== said(other);
}

function notClaimed(eventId: string, reason: unknown): ConsumeOutcome {
  const detail = reason instanceof Error ? reason.message : "no answer";
  return { kind: "failed", code: "DEPENDENCY_DOWN", detail, eventId };
}

function noAnswer(eventId: string): ConsumeOutcome {
  return { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no answer", eventId };
}

import type { InboundMessage } from "../../contracts/messages/inbound.ts";
import { exponential } from "../backoff.ts";
import { type FinalEvent, unmatchedEvent } from "../events/envelope.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type {
  AppliedUpdate,
  makeApplyProviderUpdate,
} from "../requests/results/apply-provider-update.ts";
import type { DecisionContext } from "../requests/state/decision-context.ts";
import type { ProviderClients, Reference, ReferenceStore } from "../requests/state/ports.ts";
import type { UpdateResult } from "../requests/state/provider-update.ts";
import type { PublishedOutboxes, PublishOutboxes } from "../requests/state/publish-outboxes.ts";
import type { RequestRecord } from "../requests/state/record.ts";
import type { DecodedWebhook } from "./decode-inbound.ts";

export interface JoinWebhooksDeps {
  references: ReferenceStore;
  applyProviderUpdate: ReturnType<typeof makeApplyProviderUpdate>;
  publish: PublishOutboxes;
  providerClients: ProviderClients;
  /** Sends a message to its queue again, with a delay in real time. @throws DEPENDENCY_DOWN */
  sendBack: (message: InboundMessage, delayRealMs: number) => Promise<void>;
  context: () => DecisionContext;
}

export type JoinOutcome =
  /** It belongs to no request made here and becomes an event of its own. */
  | { kind: "unmatched"; event: FinalEvent }
  | {
      kind: "joined";
      requestId: string;
      verdict: UpdateResult["verdict"];
      hasPausedAccount: boolean;
    }
  /** It was sent back to the queue, because a submission that it may belong to is not finished. */
  | { kind: "waiting" }
  | MessageFailure;

export interface JoinedWebhooks {
  /** One for each webhook, by its index. */
  outcomes: JoinOutcome[];
  /** The events of the requests that were updated. */
  outbox: PublishedOutboxes;
}

export type JoinWebhooks = (webhooks: readonly DecodedWebhook[]) => Promise<JoinedWebhooks>;

/** Real time before a waiting webhook is received again; it doubles with each wait. */
const FIRST_WAIT_MS = 1_000;

/**
 * Joins webhooks with the requests that they are about, in any order: by the
 * provider's id of the request, or by the label that was sent with it. Updates
 * those requests and publishes their events.
 *
 * A webhook that arrives while a submission on its connection is not finished
 * waits for it, at most as long as that submission may take.
 *
 * @throws DEPENDENCY_DOWN when the references cannot be read; nothing is joined then
 */
export const makeJoinWebhooks =
  (deps: JoinWebhooksDeps): JoinWebhooks =>
  async (webhooks) => {
    const subjects = await findSubjects(deps, webhooks);
    const joined = await Promise.all(
      webhooks.map(async (webhook, index): Promise<Joined> => {
        try {
          return await joinOne(deps, webhook, subjects.get(index));
        } catch (error) {
          return { outcome: toMessageFailure(error) };
        }
      }),
    );
    const outbox = await deps.publish(joined.flatMap(({ updated }) => updated ?? []));
    return { outcomes: joined.map(({ outcome }) => outcome), outbox };
  };

interface Joined {
  outcome: JoinOutcome;
  /** The request, if this webhook changed it: its new events must be published. */
  updated?: RequestRecord;
}

/** What a webhook is about at its provider, and what is stored about it here. */
interface Subject {
  connectionId: string;
  providerRequestId: string;
  reference?: Reference | undefined;
  /** Real time until which a submission on this connection may still be running; 0 if none is. */
  submittingUntilRealMs: number;
}

/** The subjects by the index of their webhook; a webhook about no request has none. */
async function findSubjects(
  deps: JoinWebhooksDeps,
  webhooks: readonly DecodedWebhook[],
): Promise<Map<number, Subject>> {
  const named = webhooks.flatMap(({ message: { connectionId }, event }, index) => {
    const { providerRequestId } = event.data;
    return providerRequestId === undefined ? [] : [{ index, connectionId, providerRequestId }];
  });
  const found = await deps.references.findByProviderIds(named);
  return new Map(
    named.flatMap(({ index, ...subject }, position) => {
      const stored = found[position];
      return stored ? [[index, { ...subject, ...stored }]] : [];
    }),
  );
}

async function joinOne(
  deps: JoinWebhooksDeps,
  webhook: DecodedWebhook,
  subject: Subject | undefined,
): Promise<Joined> {
  if (!subject) return { outcome: { kind: "unmatched", event: toUnmatchedEvent(webhook) } };
  if (!mayBeResult(webhook)) {
    const { event } = await recordUnmatched(deps, webhook, subject);
    return { outcome: { kind: "unmatched", event } };
  }
  const applied = await applyToRequest(deps, webhook, subject);
  if (applied) return joinedTo(applied);
  if (await waitsForSubmission(deps, webhook.message, subject)) {
    return { outcome: { kind: "waiting" } };
  }
  const { event, requestId } = await recordUnmatched(deps, webhook, subject);
  // The submission bound the id after it was looked up.
  const late = requestId && (await applyTo(deps, webhook, { ...subject, requestId }));
  return late ? joinedTo(late) : { outcome: { kind: "unmatched", event } };
}

/** Events of other types name a request and are never its result. */
function mayBeResult({ event }: DecodedWebhook): boolean {
  return event.type.startsWith("workflow.");
}

/** By the stored reference, else by the label in which the provider returns our own id. */
async function applyToRequest(
  deps: JoinWebhooksDeps,
  webhook: DecodedWebhook,
  subject: Subject,
): Promise<AppliedUpdate | undefined> {
  const { connectionId, providerRequestId, reference } = subject;
  if (reference && "requestId" in reference) {
    return applyTo(deps, webhook, { connectionId, requestId: reference.requestId });
  }
  const requestId = deps.providerClients[webhook.message.provider].requestIdOf?.(webhook.event);
  if (requestId === undefined) return undefined;
  const applied = await applyTo(deps, webhook, { connectionId, requestId });
  if (applied) await deps.references.bind({ connectionId, providerRequestId, requestId });
  return applied;
}

/** @returns `undefined` when the connection has no such request */
function applyTo(
  deps: JoinWebhooksDeps,
  { event, numbersAsText, raw }: DecodedWebhook,
  { requestId, connectionId }: { requestId: string; connectionId: string },
): Promise<AppliedUpdate | undefined> {
  const update = { event, numbersAsText, ...(raw ? { raw } : {}) };
  return deps.applyProviderUpdate({ requestId, connectionId }, update);
}

/** Sends the message back if a submission may still bind its id. The first wait fixes how long. */
async function waitsForSubmission(
  deps: JoinWebhooksDeps,
  message: InboundMessage,
  { submittingUntilRealMs }: Subject,
): Promise<boolean> {
  const { waits = 0, waitUntilRealMs = submittingUntilRealMs } = message;
  const leftMs = waitUntilRealMs - deps.context().nowRealMs;
  if (leftMs <= 0) return false;
  const delayMs = exponential({ firstMs: FIRST_WAIT_MS, maxMs: leftMs }, waits);
  await deps.sendBack({ ...message, waitUntilRealMs, waits: waits + 1 }, delayMs);
  return true;
}

/**
 * Records that the provider's id belongs to an event and no request, so that
 * the event is found by that id.
 *
 * @returns the event, and the request if the id was bound to one meanwhile
 */
async function recordUnmatched(
  deps: JoinWebhooksDeps,
  webhook: DecodedWebhook,
  { connectionId, providerRequestId }: Subject,
): Promise<{ event: FinalEvent; requestId: string | undefined }> {
  const event = toUnmatchedEvent(webhook);
  const requestId = await deps.references.recordUnmatched({
    connectionId,
    providerRequestId,
    eventId: event.id,
    isFinal: event.type === "workflow.completed",
  });
  return { event, requestId };
}

function joinedTo({ request, verdict, isChanged, hasPausedAccount }: AppliedUpdate): Joined {
  const { requestId } = request;
  const outcome = { kind: "joined" as const, requestId, verdict, hasPausedAccount };
  return isChanged ? { outcome, updated: request } : { outcome };
}

/** The event of a webhook that belongs to no request made here. */
export function toUnmatchedEvent({
  event,
  message,
  numbersAsText,
  raw,
}: DecodedWebhook): FinalEvent {
  return unmatchedEvent(event, { ...message, numbersAsText, ...(raw ? { raw } : {}) });
}

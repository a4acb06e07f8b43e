import type { InboundMessage } from "../../contracts/messages/inbound.ts";
import { exponential } from "../backoff.ts";
import { type FinalEvent, unmatchedEvent } from "../events/envelope.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type {
  AppliedUpdate,
  makeApplyProviderUpdate,
} from "../requests/results/apply-provider-update.ts";
import type { CorrelationStore } from "../requests/state/correlation-ports.ts";
import type { DecisionContext } from "../requests/state/decision-context.ts";
import type {
  BoundReference,
  ProviderClients,
  Reference,
  ReferenceStore,
  SubmitQueue,
} from "../requests/state/ports.ts";
import type { UpdateResult } from "../requests/state/provider-update.ts";
import type { PublishedOutboxes, PublishOutboxes } from "../requests/state/publish-outboxes.ts";
import type { RequestRecord } from "../requests/state/record.ts";
import type { TracingDeps } from "../tracing/derived-ids.ts";
import { notifyWatchers } from "./correlated-events.ts";
import type { LoadedWebhook } from "./load-webhook.ts";

export interface MatchWebhooksDeps extends TracingDeps {
  references: ReferenceStore;
  applyProviderUpdate: ReturnType<typeof makeApplyProviderUpdate>;
  publishOutboxes: PublishOutboxes;
  providerClients: ProviderClients;
  correlations: CorrelationStore;
  submitQueue: SubmitQueue;
  /** Sends a message to its queue again, with a delay in real time. @throws DEPENDENCY_DOWN */
  requeueLater: (message: InboundMessage, delayRealMs: number) => Promise<void>;
  context: () => DecisionContext;
}

/** What a webhook did to its request. */
export interface MatchedOutcome {
  kind: "matched";
  requestId: string;
  /** The trace of the request. */
  traceparent?: string | undefined;
  verdict: UpdateResult["verdict"];
  hasPausedAccount: boolean;
  hasStoredUnclearReport: boolean;
}

export type MatchOutcome =
  /** It belongs to no request made here and becomes an event of its own. */
  | { kind: "unmatched"; event: FinalEvent }
  /**
   * `earlierEvent`: the event of its own that an earlier receive may have stored and not finished
   * publishing, because the id was bound to no request then.
   */
  | (MatchedOutcome & { earlierEvent?: FinalEvent })
  /** It was requeued, because it may belong to a submission, or an input, that is being sent. */
  | { kind: "waiting"; connectionId: string }
  /** `matched`: what it did to its request before something else failed. */
  | (MessageFailure & { matched?: MatchedOutcome });

export interface MatchedWebhooks {
  /** One for each webhook, by its index. */
  outcomes: MatchOutcome[];
  /** The events of the requests that were updated. */
  outbox: PublishedOutboxes;
}

export type MatchWebhooks = (webhooks: readonly LoadedWebhook[]) => Promise<MatchedWebhooks>;

/** Real time before a waiting webhook is received again; it doubles with each wait. */
const FIRST_WAIT_MS = 1_000;

/**
 * Matches webhooks with the requests that they are about, in any order: by the
 * provider's id of the request, or by the label that was sent with it. Updates
 * those requests and publishes their events.
 *
 * A webhook that arrives while a submission on its connection is not finished
 * waits for it, at most as long as that submission may take. So does a prompt for a request whose
 * input is being sent.
 *
 * @throws DEPENDENCY_DOWN when the references cannot be read; nothing is matched then
 */
export const makeMatchWebhooks =
  (deps: MatchWebhooksDeps): MatchWebhooks =>
  async (webhooks) => {
    const lookups = await findReferences(deps, webhooks);
    const matches = await Promise.all(
      webhooks.map(async (webhook, index): Promise<Match> => {
        try {
          return await matchOne(deps, webhook, lookups.get(index));
        } catch (error) {
          return { outcome: toMessageFailure(error) };
        }
      }),
    );
    const outbox = await deps.publishOutboxes(matches.flatMap(({ updated }) => updated ?? []));
    return { outcomes: matches.map(({ outcome }) => outcome), outbox };
  };

interface Match {
  outcome: MatchOutcome;
  /** The request, if this webhook changed it: its new events must be published. */
  updated?: RequestRecord;
}

/** The provider's id in a webhook, and what is stored about that id. */
interface ReferenceLookup {
  connectionId: string;
  providerRequestId: string;
  reference?: Reference | undefined;
  /** Real time until which a submission on this connection may be running (set by `submit`); 0 if none is. */
  submittingUntilRealMs: number;
}

/** Reads the references of all webhooks at once. The key is the index of the webhook; one that names no request is absent. */
async function findReferences(
  deps: MatchWebhooksDeps,
  webhooks: readonly LoadedWebhook[],
): Promise<Map<number, ReferenceLookup>> {
  const named = webhooks.flatMap(({ message: { connectionId }, event }, index) => {
    const { providerRequestId } = event.data;
    return providerRequestId === undefined ? [] : [{ index, connectionId, providerRequestId }];
  });
  const found = await deps.references.findByProviderIds(named);
  return new Map(
    named.flatMap(({ index, ...id }, position) => {
      const stored = found[position];
      return stored ? [[index, { ...id, ...stored }]] : [];
    }),
  );
}

async function matchOne(
  deps: MatchWebhooksDeps,
  webhook: LoadedWebhook,
  lookup: ReferenceLookup | undefined,
): Promise<Match> {
  await notifyWatchers(deps, webhook);
  if (!lookup) return { outcome: { kind: "unmatched", event: toUnmatchedEvent(webhook, deps) } };
  if (!isAboutRequest(webhook)) {
    const { event } = await recordUnlessBound(deps, webhook, lookup);
    return { outcome: { kind: "unmatched", event } };
  }
  const applied = await applyByReferenceOrLabel(deps, webhook, lookup);
  const mayWait = !applied || isPromptDuringInput(webhook, applied);
  let waitError: unknown;
  const isWaiting =
    mayWait &&
    (await requeueIfSubmissionRunning(deps, webhook.message, lookup).catch((error: unknown) => {
      // What the webhook has changed is told, although its message must be received again.
      if (!applied) throw error;
      waitError = error;
      return false;
    }));
  // What a prompt changed all the same is told now.
  if (isWaiting && !applied?.update.isChanged) {
    return { outcome: { kind: "waiting", connectionId: webhook.message.connectionId } };
  }
  if (applied) {
    return matchedWith(deps, webhook, { ...applied, error: applied.error ?? waitError });
  }
  const { event, bound } = await recordUnlessBound(deps, webhook, lookup);
  if (bound) {
    // The submission bound the id after the lookup.
    const update = await applyToRequest(deps, webhook, { ...lookup, ...bound });
    if (update) return matchedWith(deps, webhook, { update, eventId: bound.eventId });
  }
  return { outcome: { kind: "unmatched", event } };
}

/** True for `workflow.*`, which report a request's state, and for events that were not recognised. */
function isAboutRequest({ event }: LoadedWebhook): boolean {
  return event.type.startsWith("workflow.") || event.type === "event.unrecognised";
}

/**
 * Whether a prompt comes while an input is being sent: it may be the next one, by a provider that
 * is faster than the write of its answer.
 */
function isPromptDuringInput({ event }: LoadedWebhook, { update }: Applied): boolean {
  return event.type === "workflow.actionRequired" && update.request.sealedInput !== undefined;
}

/** A webhook that was applied to its request. */
interface Applied {
  update: AppliedUpdate;
  /** The unmatched event that was recorded under the id before. */
  eventId?: string | undefined;
  /** Why something that is left must be done at the next receive. */
  error?: unknown;
}

/** Finds the request by the stored reference, else by the label in which the provider returns our own id. */
async function applyByReferenceOrLabel(
  deps: MatchWebhooksDeps,
  webhook: LoadedWebhook,
  lookup: ReferenceLookup,
): Promise<Applied | undefined> {
  const { connectionId, providerRequestId, reference } = lookup;
  if (reference && "requestId" in reference) {
    const { requestId, eventId } = reference;
    const update = await applyToRequest(deps, webhook, { connectionId, requestId });
    return update && { update, eventId };
  }
  const requestId = deps.providerClients[webhook.message.provider].requestIdOf?.(webhook.event);
  if (requestId === undefined) return undefined;
  const update = await applyToRequest(deps, webhook, { connectionId, requestId });
  if (!update) return undefined;
  try {
    const before = await deps.references.bind({ connectionId, providerRequestId, requestId });
    return { update, eventId: before?.eventId };
  } catch (error) {
    return { update, error };
  }
}

/** @returns `undefined` when the connection has no such request */
function applyToRequest(
  deps: MatchWebhooksDeps,
  { event, message, numbersAsText, raw }: LoadedWebhook,
  { requestId, connectionId }: { requestId: string; connectionId: string },
): Promise<AppliedUpdate | undefined> {
  const hasWaited = message.waits !== undefined;
  const update = { event, numbersAsText, hasWaited, ...(raw ? { raw } : {}) };
  return deps.applyProviderUpdate({ requestId, connectionId }, update);
}

/** Requeues the message if a submission may still bind its id. The first wait sets the deadline, which the message carries. */
async function requeueIfSubmissionRunning(
  deps: MatchWebhooksDeps,
  message: InboundMessage,
  { submittingUntilRealMs }: ReferenceLookup,
): Promise<boolean> {
  const { waits = 0, waitUntilRealMs = submittingUntilRealMs } = message;
  const leftMs = waitUntilRealMs - deps.context().nowRealMs;
  if (leftMs <= 0) return false;
  const delayMs = exponential({ firstMs: FIRST_WAIT_MS, maxMs: leftMs }, waits);
  await deps.requeueLater({ ...message, waitUntilRealMs, waits: waits + 1 }, delayMs);
  return true;
}

/**
 * Records that the provider's id belongs to an event and no request, so that
 * the event is found by that id.
 *
 * @returns the event, and the request if the id was bound to one meanwhile
 */
async function recordUnlessBound(
  deps: MatchWebhooksDeps,
  webhook: LoadedWebhook,
  { connectionId, providerRequestId }: ReferenceLookup,
): Promise<{ event: FinalEvent; bound: BoundReference | undefined }> {
  const event = toUnmatchedEvent(webhook, deps);
  const bound = await deps.references.recordUnlessBound({
    connectionId,
    providerRequestId,
    eventId: event.id,
    isFinal: event.type === "workflow.completed",
  });
  return { event, bound };
}

function matchedWith(
  deps: MatchWebhooksDeps,
  webhook: LoadedWebhook,
  { update, eventId, error: otherError }: Applied,
): Match {
  const { request, isChanged, wakeError, ...applied } = update;
  const { requestId, traceparent } = request;
  const matched = { kind: "matched" as const, requestId, traceparent, ...applied };
  const updated = isChanged ? { updated: request } : {};
  const error = wakeError ?? otherError;
  // What is left is done at the next receive. That one could not tell what this one has done.
  if (error !== undefined) return { outcome: { ...toMessageFailure(error), matched }, ...updated };
  const earlier = eventId === undefined ? {} : { earlierEvent: toUnmatchedEvent(webhook, deps) };
  return { outcome: { ...matched, ...earlier }, ...updated };
}

/** The event of a webhook that belongs to no request made here. */
export function toUnmatchedEvent(
  { event, message, numbersAsText, raw }: LoadedWebhook,
  { isTracing }: TracingDeps = {},
): FinalEvent {
  const origin = { ...message, numbersAsText, isTracing, ...(raw ? { raw } : {}) };
  return unmatchedEvent(event, origin);
}

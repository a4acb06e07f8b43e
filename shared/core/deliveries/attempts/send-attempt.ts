import type { WebhookItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import { providerPacks } from "../../../contracts/providers.ts";
import type { Lease } from "../../clock.ts";
import { validAt } from "../../connections/rotation.ts";
import type { TextStore } from "../../requests/state/ports.ts";
import { attemptSpanId, type TracingDeps, traceHeader } from "../../tracing/derived-ids.ts";
import { openHeaders } from "../signing/client-headers.ts";
import {
  type FetchMasterKeys,
  requireMasterKeys,
  signedHeaders,
  signingSecret,
} from "../signing/signing.ts";
import { deliveryFromMessage } from "../state/attempt-message.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import type { DeliveryInputsCache } from "../state/delivery-inputs-cache.ts";
import { claimFirstAttempt, hasExhaustedClaims } from "../state/delivery-state.ts";
import type {
  DeliveryClaimResult,
  DeliveryStore,
  PostResult,
  WebhookPost,
  WebhookPoster,
} from "../state/ports.ts";
import type { DeliveryRecord, EndpointHealth, EndReason } from "../state/record.ts";
import type { EndpointSlots } from "./endpoint-slots.ts";

export interface SendAttemptDeps extends TracingDeps {
  deliveries: DeliveryStore;
  texts: TextStore;
  poster: WebhookPoster;
  masterKeys: FetchMasterKeys;
  endpointSlots: EndpointSlots;
  context: () => DeliveryContext;
  newOwner: () => string;
}

/** What happened to one message. Where a `delivery` is given, it is claimed and must be recorded. */
export type SendResult =
  /**
   * One POST was made. `startedAtMs` is business time. `hasMoved`: the client has another URL by
   * now, so that a 410 says nothing about it; known of a 410 only.
   */
  | {
      kind: "posted";
      delivery: DeliveryRecord;
      post: PostResult;
      startedAtMs: number;
      endpointNumber: number;
      hasMoved: boolean;
    }
  /** The delivery must end without another attempt. */
  | {
      kind: "ineligible";
      delivery: DeliveryRecord;
      status: "failed" | "cancelled";
      reason: EndReason;
    }
  /** Workers stopped during this attempt too often: it counts as failed. */
  | { kind: "workersLost"; delivery: DeliveryRecord }
  /** The body or a signing key could not be read. */
  | { kind: "postNotBuilt"; delivery: DeliveryRecord; error: unknown }
  /** Too little of the invocation or of the lease is left for a POST; `delivery` is absent if it was not claimed. */
  | { kind: "outOfTime"; delivery?: DeliveryRecord }
  /** The next attempt is due at `nextMs` (business time). */
  | { kind: "notDue"; nextMs: number }
  /** Another worker has claimed the delivery. */
  | { kind: "claimedByAnother" }
  /** The delivery has ended: there is nothing to do. */
  | { kind: "notClaimed" };

export type SendAttempt = (
  message: AttemptMessage,
  options: {
    inputs: DeliveryInputsCache;
    /** Real time until Lambda ends the invocation. */
    remainingMs: () => number;
    /** Set if the endpoint counts as fast: it is then marked as slow while the POST is still running. */
    fastEndpointHealth?: EndpointHealth | undefined;
  },
) => Promise<SendResult>;

/** Time that is left to record an attempt after its POST (real). */
const RECORDING_MS = 8_000;

/** Builds of one POST while the webhook is changed again and again. */
const MAX_BUILDS = 3;

/** The lease of a claim must outlast the POST by this much (real). */
const LEASE_MARGIN_MS = 5_000;

/**
 * Makes one attempt of a delivery: checks that the delivery is still eligible,
 * claims it, signs its body, and sends one POST. The result is not recorded:
 * `makeSettleAttempt` does that.
 *
 * If the worker stops between the claim and the record, another worker makes the
 * same attempt again after the claim's lease, with the same id and the same bytes.
 *
 * @throws DEPENDENCY_DOWN if the delivery could not be claimed: process the message again
 */
export function makeSendAttempt(deps: SendAttemptDeps): SendAttempt {
  const { deliveries, endpointSlots, poster } = deps;

  return async (message, { inputs, remainingMs, fastEndpointHealth }) => {
    const hasTime = () => remainingMs() > deps.context().rules.timeoutMs + RECORDING_MS;
    if (!hasTime()) return { kind: "outOfTime" };

    // Read before the claim: if the read fails, the delivery stays unclaimed.
    const eligibility = await inputs.eligibilityOf(message);
    const { nowRealMs, rules } = deps.context();
    const lease = { owner: deps.newOwner(), untilMs: nowRealMs + rules.leaseMs };
    const claim = await claimDelivery(message, lease);
    if (claim.kind !== "claimed") return claim;
    const { delivery } = claim;
    if (eligibility.kind === "ineligible") return { ...eligibility, delivery };
    if (hasExhaustedClaims(delivery)) return { kind: "workersLost", delivery };

    const built = await buildLatestPost(delivery, { message, inputs, first: eligibility.webhook });
    if (!("post" in built)) return built;

    const context = deps.context();
    // The process may have been frozen meanwhile.
    const isLeaseTooShort = context.nowRealMs + rules.timeoutMs + LEASE_MARGIN_MS > lease.untilMs;
    if (isLeaseTooShort || !hasTime()) return { kind: "outOfTime", delivery };

    const posting = poster.post(built.post);
    const post = await (fastEndpointHealth
      ? endpointSlots.awaitMarkingSlow(fastEndpointHealth, posting)
      : posting);
    const { endpointNumber } = built.webhook;
    const hasMoved = post.httpStatus === 410 && (await isMoved(inputs, built.webhook));
    const startedAtMs = context.nowMs;
    return { kind: "posted", delivery, post, startedAtMs, endpointNumber, hasMoved };
  };

  /** Claims a delivery. One that is not stored yet is stored as claimed, by the same write. */
  async function claimDelivery(
    { unstored, ...message }: AttemptMessage,
    lease: Lease,
  ): Promise<DeliveryClaimResult> {
    if (unstored) {
      const first = deliveryFromMessage({ ...message, unstored }, deps.context());
      const delivery = claimFirstAttempt(first, lease);
      if ((await deliveries.create(delivery)) === "created") {
        return { kind: "claimed", delivery: { ...delivery, version: 1 } };
      }
    }
    return deliveries.claim(message.deliveryId, lease);
  }

  /**
   * Builds the POST for the webhook as it is by then: the claim, the body and the keys may have
   * taken seconds, in which the client has cancelled the request or changed the webhook.
   */
  async function buildLatestPost(
    delivery: DeliveryRecord,
    of: { message: AttemptMessage; inputs: DeliveryInputsCache; first: WebhookItem },
  ): Promise<
    | { post: WebhookPost; webhook: WebhookItem }
    | Extract<SendResult, { kind: "ineligible" | "postNotBuilt" }>
  > {
    let webhook = of.first;
    try {
      for (let builds = 1; ; builds++) {
        const built = await buildPost(delivery, webhook);
        if (!("post" in built)) return built;
        const latest = await of.inputs.eligibilityOf(of.message);
        if (latest.kind === "ineligible") return { ...latest, delivery };
        const isLatest = latest.webhook.version === webhook.version;
        if (isLatest || builds === MAX_BUILDS) return { ...built, webhook };
        webhook = latest.webhook;
      }
    } catch (error) {
      return { kind: "postNotBuilt", delivery, error };
    }
  }

  /** Reads the body and the keys, and builds the signed POST. */
  async function buildPost(
    delivery: DeliveryRecord,
    webhook: WebhookItem,
  ): Promise<{ post: WebhookPost } | Extract<SendResult, { kind: "ineligible" | "postNotBuilt" }>> {
    try {
      const [body, secrets, clientHeaders] = await Promise.all([
        deps.texts.open(delivery.body),
        secretsOf(webhook),
        openHeaders(webhook, deps.masterKeys),
      ]);
      const { eventId } = delivery;
      const timestampSeconds = Math.floor(deps.context().nowRealMs / 1000);
      const signed = signedHeaders({ eventId, body, timestampSeconds, secrets });
      const asProvider = providerSignature(webhook, { body, timestampSeconds, secrets });
      const headers = { ...clientHeaders, ...asProvider, ...signed, ...traceHeaderOf(delivery) };
      return { post: { url: webhook.url, headers, body } };
    } catch (error) {
      if (error instanceof Failure && error.code === "BODY_GONE") {
        return { kind: "ineligible", delivery, status: "failed", reason: "body_gone" };
      }
      return { kind: "postNotBuilt", delivery, error };
    }
  }

  /** Names the trace of the event, and while spans are recorded the span of this attempt. */
  function traceHeaderOf(delivery: DeliveryRecord) {
    const { deliveryId, cycle, attemptsInCycle } = delivery;
    return traceHeader(delivery, deps, () =>
      attemptSpanId({ deliveryId, cycle, attemptNumber: attemptsInCycle + 1 }),
    );
  }

  /**
   * Returns the current secret, and during a rotation the previous one too, unless
   * its master key has been removed.
   */
  async function secretsOf(webhook: WebhookItem): Promise<string[]> {
    const [current, ...previous] = validAt(webhook.secrets, deps.context().nowMs);
    const signing = current
      ? [{ secret: current, master: await requireMasterKeys(webhook, deps.masterKeys) }]
      : [];
    for (const secret of previous) {
      const master = await deps.masterKeys(secret.masterKeyId);
      if (master.keys.has(secret.masterKeyId)) signing.push({ secret, master });
    }
    const { webhookId } = webhook;
    return signing.map(({ secret, master }) => signingSecret(master, { webhookId, ...secret }));
  }
}

/** Whether the client has moved the webhook to another URL, or that cannot be read. */
async function isMoved(
  inputs: DeliveryInputsCache,
  { clientId, webhookId, endpointNumber }: WebhookItem,
): Promise<boolean> {
  inputs.invalidate();
  const read = await inputs.current().catch(() => undefined);
  const now = read?.webhooks.get(clientId);
  return now?.webhookId !== webhookId || now.endpointNumber !== endpointNumber;
}

/** The headers of a provider's own scheme, which has one signature: that of the current secret. */
function providerSignature(
  { signedAs }: WebhookItem,
  { secrets: [secret], ...signed }: { body: string; timestampSeconds: number; secrets: string[] },
): Readonly<Record<string, string>> {
  const sign = signedAs && providerPacks[signedAs].signWebhook;
  return sign && secret !== undefined ? sign({ ...signed, secret }) : {};
}

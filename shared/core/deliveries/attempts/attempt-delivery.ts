import type { WebhookItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import type { Lease } from "../../clock.ts";
import { validAt } from "../../connections/rotation.ts";
import type { TextStore } from "../../requests/state/ports.ts";
import { masterKeysOf, type ReadMasterKeys } from "../signing/master-keys-of.ts";
import { signedHeaders, signingSecret } from "../signing/signing.ts";
import { freshDelivery } from "../state/attempt-message.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import { attempted, ended, hasExhaustedStarts, isSuccess, taken } from "../state/delivery-state.ts";
import type { DeliveryEligibility } from "../state/delivery-state-cache.ts";
import type { DeliveryStore, Posted, WebhookPoster } from "../state/ports.ts";
import type { DeliveryRecord } from "../state/record.ts";

export interface AttemptDeliveryDeps {
  deliveries: DeliveryStore;
  texts: TextStore;
  poster: WebhookPoster;
  masterKeys: ReadMasterKeys;
  context: () => DeliveryContext;
  /** From 0 to 1. */
  random: () => number;
  newOwner: () => string;
}

/** Looks at a POST, and nothing else, while it is under way. */
export type WatchPost = (posting: Promise<Posted>) => Promise<Posted>;
export type AttemptOutcome =
  /** A POST was made, and is recorded. */
  | { kind: "attempted"; delivery: DeliveryRecord; isSuccess: boolean; isSlow: boolean }
  /** It ended, or counts as an attempt, without a POST. */
  | { kind: "settled"; delivery: DeliveryRecord }
  /** Its time has not come. */
  | { kind: "early"; nextMs: number }
  /** Nothing is left to do for this message. */
  | { kind: "nothing" };

/** What cannot be prepared now is tried again so much later (business). */
const GIVEN_BACK_MS = 60_000;

/** The worker must reach the POST so soon after the claim that the lease outlasts it (real). */
const LEASE_MARGIN_MS = 5_000;

/**
 * Makes one attempt of a delivery: claims it, POSTs, and records what became of
 * it in one write. A crash in between makes the same attempt again when the
 * claim's lease is over, with the same id and bytes.
 *
 * @throws DEPENDENCY_DOWN: the message must come again
 */
export function makeAttemptDelivery(deps: AttemptDeliveryDeps) {
  const { deliveries } = deps;

  return async (
    hint: AttemptMessage,
    standing: () => Promise<DeliveryEligibility>,
    of: {
      /** Whether a POST that began now would end in this invocation. */
      hasTime: () => boolean;
      watch?: WatchPost | undefined;
    },
  ): Promise<AttemptOutcome> => {
    const now = await standing();
    const { nowRealMs, rules } = deps.context();
    const lease = { owner: deps.newOwner(), untilMs: nowRealMs + rules.leaseMs };
    const claim = await take(hint, lease);
    if (claim.kind === "early") return claim;
    if (claim.kind === "notOurs") return { kind: "nothing" };
    const { delivery } = claim;
    if (now.kind === "ineligible") {
      return settle(ended(delivery, now.status, now.reason, deps.context()));
    }
    if (hasExhaustedStarts(delivery)) {
      return settle(after(delivery, { error: "WORKER_LOST", durationMs: 0 }));
    }
    const prepared = await prepare(delivery, now.webhook);
    if (prepared === "BODY_GONE") {
      return settle(ended(delivery, "failed", "body_gone", deps.context()));
    }
    const context = deps.context();
    // A worker that was frozen in the meantime leaves it to another.
    if (context.nowRealMs + rules.timeoutMs + LEASE_MARGIN_MS > lease.untilMs) {
      return { kind: "nothing" };
    }
    if (!of.hasTime()) {
      await giveBack(delivery, 0);
      return { kind: "early", nextMs: context.nowMs };
    }
    const posting = deps.poster.post(prepared);
    const posted = await (of.watch?.(posting) ?? posting);
    const recorded = await deliveries.replace(after(delivery, posted, context.nowMs));
    // The lease was over, and another worker made the attempt again: what it records holds.
    if (!recorded) return { kind: "nothing" };
    return {
      kind: "attempted",
      delivery: recorded,
      isSuccess: isSuccess(posted),
      isSlow: posted.durationMs > rules.slowMs,
    };
  };

  /** Stores what is not stored yet as taken; what was stored meanwhile is claimed as ever. */
  async function take({ fresh, ...hint }: AttemptMessage, lease: Lease) {
    if (fresh) {
      const delivery = taken(freshDelivery({ ...hint, fresh }, deps.context()), lease);
      const stored = await deliveries.create(delivery);
      if (stored === "created") {
        return { kind: "claimed", delivery: { ...delivery, version: 1 } } as const;
      }
    }
    return deliveries.claim(hint.deliveryId, lease);
  }

  function after(delivery: DeliveryRecord, posted: Posted, atMs = deps.context().nowMs) {
    return attempted(delivery, { posted, atMs, draw: deps.random() }, deps.context());
  }

  async function settle(next: DeliveryRecord): Promise<AttemptOutcome> {
    const delivery = await deliveries.replace(next);
    return delivery ? { kind: "settled", delivery } : { kind: "nothing" };
  }

  /** All that needs a dependency; where it fails, the claim is given back uncounted. */
  async function prepare(delivery: DeliveryRecord, webhook: WebhookItem) {
    try {
      const [body, secrets] = await Promise.all([
        deps.texts.open(delivery.body),
        secretsOf(webhook),
      ]);
      const timestampSeconds = Math.floor(deps.context().nowRealMs / 1000);
      const { eventId } = delivery;
      return {
        url: webhook.url,
        headers: signedHeaders({ eventId, body, timestampSeconds, secrets }),
        body,
      };
    } catch (error) {
      if (error instanceof Failure && error.code === "BODY_GONE") return "BODY_GONE";
      await giveBack(delivery, GIVEN_BACK_MS).catch(() => undefined);
      throw error;
    }
  }

  /** The present secret, and while a rotation overlaps the one before, where its master key is still there. */
  async function secretsOf(webhook: WebhookItem): Promise<string[]> {
    const [present, ...before] = validAt(webhook.secrets, deps.context().nowMs);
    const signing = present
      ? [{ secret: present, master: await masterKeysOf(webhook, deps.masterKeys) }]
      : [];
    for (const secret of before) {
      const master = await deps.masterKeys(secret.masterKeyId);
      if (master.keys.has(secret.masterKeyId)) signing.push({ secret, master });
    }
    const { webhookId } = webhook;
    return signing.map(({ secret, master }) => signingSecret(master, { webhookId, ...secret }));
  }

  async function giveBack(delivery: DeliveryRecord, waitMs: number): Promise<void> {
    const nextMs = deps.context().nowMs + waitMs;
    await deliveries.replace({
      ...delivery,
      status: "waiting",
      startCount: delivery.startCount - 1,
      owner: undefined,
      leaseUntilRealMs: undefined,
      nextMs,
      dueMs: nextMs,
      recoverAfterRealMs:
        delivery.unpublishedFailures.length > 0 ? deps.context().nowRealMs : undefined,
    });
  }
}

import type { InboundMessage } from "../../contracts/messages/inbound.ts";
import type { ProviderId } from "../../contracts/providers.ts";
import { exponential } from "../backoff.ts";
import type { FinalEvent } from "../events/envelope.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type { ProviderClient } from "../providers/provider-client.ts";
import type {
  AppliedUpdate,
  makeApplyProviderUpdate,
} from "../requests/results/apply-provider-update.ts";
import type { DecisionContext } from "../requests/state/decision-context.ts";
import type { Reference, ReferenceStore } from "../requests/state/ports.ts";
import type { UpdateResult } from "../requests/state/provider-update.ts";
import type { PublishOutboxes } from "../requests/state/publish-outboxes.ts";
import type { RequestRecord } from "../requests/state/record.ts";
import type { DecodedWebhook } from "./decode-inbound.ts";

export interface JoinWebhooksDeps {
  references: ReferenceStore;
  applyProviderUpdate: ReturnType<typeof makeApplyProviderUpdate>;
  publish: PublishOutboxes;
  providers: Readonly<Record<ProviderId, ProviderClient>>;
  /** Puts a message back into its queue, to come again after this real time. @throws DEPENDENCY_DOWN */
  sendBack: (message: InboundMessage, delayRealMs: number) => Promise<void>;
  context: () => DecisionContext;
}

export type JoinOutcome =
  /** It belongs to no request made here: an event in its own right. */
  | { kind: "unmatched"; event: FinalEvent }
  | {
      kind: "joined";
      requestId: string;
      verdict: UpdateResult["verdict"];
      hasPausedAccount: boolean;
    }
  | { kind: "waiting" }
  | MessageFailure;

/** How soon a webhook that waits for its submission's answer is looked at again (real); then twice as late each time. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Joins webhooks with the requests that they are about, in any order: by the
 * provider's id, or by the label that we sent along. One that comes while a
 * submission on its connection is under way waits for it, once and not longer
 * than that submission may take. What it causes is published here.
 */
export const makeJoinWebhooks =
  (deps: JoinWebhooksDeps) =>
  async (heard: readonly DecodedWebhook[]): Promise<JoinOutcome[]> => {
    const asked = heard.map((webhook) => subjectOf(webhook));
    const looks = await deps.references.findByProviderIds(
      asked.filter((subject) => subject !== undefined),
    );
    let at = 0;
    const paired = heard.map((webhook, index) => ({
      webhook,
      subject: asked[index],
      look: asked[index] && looks[at++],
    }));
    const taken: RequestRecord[] = [];
    const outcomes = await Promise.all(
      paired.map(({ webhook, subject, look }) =>
        joinOne(deps, webhook, { subject, look, taken }).catch(toMessageFailure),
      ),
    );
    await deps.publish(taken);
    return outcomes;
  };

interface Subject {
  connectionId: string;
  providerRequestId: string;
}

/** What a webhook is about at its provider. */
function subjectOf({ message, event }: DecodedWebhook): Subject | undefined {
  const { providerRequestId } = event.data;
  const { connectionId } = message;
  return providerRequestId === undefined ? undefined : { connectionId, providerRequestId };
}

/** An unasked reply names a request, and is never its result. */
function mayBeResult({ event }: DecodedWebhook): boolean {
  return event.type.startsWith("workflow.");
}

async function joinOne(
  deps: JoinWebhooksDeps,
  webhook: DecodedWebhook,
  of: {
    subject: Subject | undefined;
    look: { reference?: Reference | undefined; submittingUntilRealMs: number } | undefined;
    taken: RequestRecord[];
  },
): Promise<JoinOutcome> {
  const { subject, look, taken } = of;
  if (!subject || !look) return { kind: "unmatched", event: await webhook.toEvent() };
  if (!mayBeResult(webhook)) return leave(deps, webhook, subject);
  const joined = await takeBy(deps, webhook, subject, look.reference);
  if (joined) return settle(joined, taken);

  const { message } = webhook;
  const waitUntilRealMs = message.waitUntilRealMs ?? look.submittingUntilRealMs;
  const leftMs = waitUntilRealMs - deps.context().nowRealMs;
  if (leftMs > 0) {
    const { waits = 0 } = message;
    const delayMs = exponential({ firstMs: LOOK_AGAIN_MS, maxMs: leftMs }, waits);
    await deps.sendBack({ ...message, waitUntilRealMs, waits: waits + 1 }, delayMs);
    return { kind: "waiting" };
  }
  return leave(deps, webhook, subject, taken);
}

/** As an event of nobody's request, which is found by the provider's id; unless it was bound meanwhile. */
async function leave(
  deps: JoinWebhooksDeps,
  webhook: DecodedWebhook,
  subject: Subject,
  taken?: RequestRecord[],
): Promise<JoinOutcome> {
  const event = await webhook.toEvent();
  const isFinal = event.type === "workflow.completed";
  const requestId = await deps.references.recordUnmatched({
    ...subject,
    eventId: event.id,
    isFinal,
  });
  const late =
    requestId !== undefined && taken ? await take(deps, webhook, subject, requestId) : undefined;
  return late && taken ? settle(late, taken) : { kind: "unmatched", event };
}

/** By the reference, or else by our own id, where the provider tells it. */
async function takeBy(
  deps: JoinWebhooksDeps,
  webhook: DecodedWebhook,
  subject: Subject,
  reference: Reference | undefined,
): Promise<AppliedUpdate | undefined> {
  if (reference && "requestId" in reference) {
    return take(deps, webhook, subject, reference.requestId);
  }
  const labelled = deps.providers[webhook.message.provider].requestIdOf?.(webhook.event);
  if (labelled === undefined) return undefined;
  const taken = await take(deps, webhook, subject, labelled);
  if (taken) await deps.references.bind({ ...subject, requestId: labelled });
  return taken;
}

function take(
  deps: JoinWebhooksDeps,
  { event, numbersAsText, raw }: DecodedWebhook,
  { connectionId }: Subject,
  requestId: string,
): Promise<AppliedUpdate | undefined> {
  const update = { event, numbersAsText, ...(raw ? { raw } : {}) };
  return deps.applyProviderUpdate({ requestId, connectionId }, update);
}

function settle(update: AppliedUpdate, taken: RequestRecord[]): JoinOutcome {
  const { request, verdict, isChanged, hasPausedAccount } = update;
  if (isChanged) taken.push(request);
  return { kind: "joined", requestId: request.requestId, verdict, hasPausedAccount };
}

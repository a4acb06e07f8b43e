// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code
import { type Defect, defect } from "./defect.ts";

const claim = "shared/adapters/dynamo/dynamo-delivery-claim.ts";
const state = "shared/core/deliveries/state/delivery-state.ts";
const told = "shared/core/deliveries/state/publish-delivery-failed.ts";
const attempts = "shared/core/deliveries/attempts/attempt-deliveries.ts";

/** Defects of deliveries. */
export const deliveryDefects: readonly Defect[] = [
  defect(
    "attempt-not-claimed",
    "G2: two workers make one attempt",
    claim,
    '"(#status = :waiting AND nextMs <= :now) OR " +',
    '"attribute_exists(id) OR (#status = :waiting AND nextMs <= :now) OR " +',
  ),
  defect(
    "attempt-lease-ignored",
    "G2: an attempt under way is made again",
    claim,
    '"(#status = :delivering AND leaseUntilRealMs <= :nowReal)"',
    '"(#status = :delivering AND (leaseUntilRealMs <= :nowReal OR attribute_exists(id)))"',
  ),
  defect(
    "every-answer-is-success",
    "G6: a 500 counts as delivered",
    state,
    "return httpStatus >= 200 && httpStatus < 300;",
    "return httpStatus >= 200;",
  ),
  defect(
    "attempts-not-counted",
    "G6: attempts without an end",
    state,
    "const attemptNumber = delivery.attemptsInCycle + 1;",
    "const attemptNumber = Math.min(delivery.attemptsInCycle + 1, 2);",
  ),
  defect(
    "failure-not-told",
    "G6: a failure is not published",
    state,
    'status === "failed" ? [...delivery.unpublishedFailures, failure] : delivery.unpublishedFailures;',
    'status === ("nothing" as string) ? [...delivery.unpublishedFailures, failure] : delivery.unpublishedFailures;',
  ),
  defect(
    "failure-not-counted",
    "G6: a failure raises no alarm",
    told,
    "if (published.length > 0) deps.onDeliveriesFailed(published.length);",
    "",
  ),
  defect(
    "next-attempt-not-stored",
    "G6: a delivery has no next attempt",
    state,
    'status: "waiting", nextMs, dueMs };\n}\n\n/** Whether a POST',
    'status: "waiting", nextMs: nextMs + 1e12, dueMs: dueMs && 1e15 };\n}\n\n/** Whether a POST',
  ),
  defect(
    "delivery-id-of-receipt",
    "G2: an event that the bus sends twice is delivered twice",
    "shared/core/deliveries/creation/new-delivery.ts",
    "return `dl_${sha256Hex(JSON.stringify([webhookId, eventId])).slice(0, 32)}`;",
    "return `dl_${sha256Hex(JSON.stringify([webhookId, eventId, Math.random()])).slice(0, 32)}`;",
  ),
  defect(
    "cancelled-is-delivered",
    "G9: events of a cancelled request are posted",
    "shared/adapters/dynamo/dynamo-delivery-inputs.ts",
    "filter(({ status }) => status === CANCELLED)",
    "filter(({ status }) => status === `not ${CANCELLED}`)",
  ),
  defect(
    "attempt-failure-acked",
    "G6: a message whose attempt failed is acked",
    attempts,
    "} catch (error) {\n      return { index, outcome: toMessageFailure(error) };",
    '} catch {\n      return { index, outcome: { kind: "alreadyHandled" } };',
  ),
];

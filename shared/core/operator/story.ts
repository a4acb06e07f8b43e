import type { WebhookItem } from "../../contracts/config-items.ts";
import type { StepView } from "../../contracts/http/operator/find.ts";
import { toIso } from "../clock.ts";
import { type DeliveryRecord, hasEnded } from "../deliveries/state/record.ts";
import { webhookStatusOf } from "../deliveries/state/webhook-status.ts";
import type { StoredEvent } from "../events/read-events.ts";
import { parseJsonObject } from "../json/json.ts";
import type { RequestRecord } from "../requests/state/record.ts";
import type { Wait } from "../requests/state/request-view.ts";

/** The steps of a request until its end, as its record knows them. */
export function stepsOfRequest(request: RequestRecord, wait: Wait | undefined): StepView[] {
  const { requestId: id, createdMs, scheduledMs, joinedMs, submittedMs, finishedMs } = request;
  const about = { id, idKind: "request" as const };
  const steps: StepView[] = [
    { at: toIso(createdMs), kind: "accepted", title: `${request.action} was accepted`, ...about },
  ];
  if (request.dependsOn) {
    const { requestId, on, metMs } = request.dependsOn;
    // It began to wait when it was accepted, and a wait that goes on is now.
    const atMs = metMs ?? (finishedMs === undefined ? undefined : createdMs);
    const verb = finishedMs === undefined ? "waits" : "waited";
    steps.push({
      ...(atMs === undefined ? {} : { at: toIso(atMs) }),
      kind: "waits",
      title:
        metMs === undefined ? `It ${verb} for another request` : "What it depended on happened",
      detail: `Until ${requestId} ${on === "succeeded" ? "succeeds" : "causes an event"}.`,
      id: requestId,
      idKind: "request",
    });
  }
  if (scheduledMs !== undefined && finishedMs !== undefined && finishedMs < scheduledMs) {
    const title = `It was scheduled for ${toIso(scheduledMs)}`;
    steps.push({ at: toIso(createdMs), kind: "scheduled", title });
  } else if (scheduledMs !== undefined) {
    const isFuture = joinedMs === undefined && request.status === "SCHEDULED";
    steps.push({
      at: toIso(scheduledMs),
      kind: "scheduled",
      title: isFuture ? "It is due" : "It was due",
      ...(isFuture ? { isFuture: true } : {}),
    });
  }
  if (joinedMs !== undefined) {
    steps.push({ at: toIso(joinedMs), kind: "joined", title: "It joined its account's lane" });
  }
  if (request.takenMs !== undefined) {
    steps.push({ at: toIso(request.takenMs), kind: "sent", title: "It was sent to the provider" });
  }
  if (submittedMs !== undefined) {
    steps.push({
      at: toIso(submittedMs),
      kind: "answered",
      title: "The provider took it",
      ...(request.providerRequestId === undefined
        ? {}
        : { detail: `It is ${request.providerRequestId} there.` }),
    });
  }
  for (const { atMs, kind, source } of request.unclearReports ?? []) {
    steps.push({
      at: toIso(atMs),
      kind: "note",
      title: `The provider's ${source} was ${kind}`,
      isFailure: true,
    });
  }
  if (finishedMs !== undefined) {
    if (request.outcomeDigest !== undefined) {
      const title = "The provider reported the result, by webhook or when it was asked";
      steps.push({ at: toIso(finishedMs), kind: "webhook", title });
    }
    steps.push({
      at: toIso(finishedMs),
      kind: "ended",
      title: `It ended ${request.status}`,
      ...(request.error ? { detail: `${request.error.code}: ${request.error.message}` } : {}),
      ...(request.status === "FAILED" ? { isFailure: true } : {}),
    });
  } else if (wait) {
    steps.push(...stepsOfWait(request, wait));
  }
  return steps;
}

function stepsOfWait({ attempts, status }: RequestRecord, wait: Wait): StepView[] {
  const position = wait.position === undefined ? "" : ` It is number ${wait.position}.`;
  const times = attempts === 1 ? "once" : `${attempts} times`;
  const tried = attempts > 0 && status === "QUEUED" ? ` It was tried ${times}.` : "";
  const waits: StepView = {
    kind: "waits",
    title: `It waits: ${wait.waitsFor.replaceAll("_", " ")}`,
    detail: `${wait.reason}${position}${tried}`,
  };
  if (wait.expectedMs === undefined) return [waits];
  return [
    waits,
    {
      at: toIso(wait.expectedMs),
      kind: "sent",
      title: "It is expected to be sent",
      isFuture: true,
    },
  ];
}

/** The steps of an event: its webhook or its cause, and its publication. */
export function stepsOfEvent({ id, envelope, publishedAt, listedAs }: StoredEvent): StepView[] {
  const { type, createdAt } = parseJsonObject(Buffer.from(envelope)).value;
  const receivedAt = listedAs?.slice(0, listedAs.indexOf("#"));
  const about = { id, idKind: "event" as const };
  const steps: StepView[] = [
    {
      ...(typeof createdAt === "string" ? { at: createdAt } : {}),
      kind: "event",
      title: `${String(type)} happened`,
      ...about,
    },
  ];
  // The id of an event that belongs to no request names the connection of its webhook.
  if (receivedAt !== undefined && /^[^:]+:cn_/.test(id)) {
    steps.unshift({ at: receivedAt, kind: "webhook", title: "A webhook reported it", ...about });
  }
  steps.push(
    publishedAt === undefined
      ? { kind: "event", title: "It is not known to be published yet", ...about, isFuture: true }
      : { at: publishedAt, kind: "event", title: `${String(type)} was published`, ...about },
  );
  return steps;
}

/** The steps of a delivery: each attempt, and how it ended. */
export function stepsOfDelivery(delivery: DeliveryRecord): StepView[] {
  const { deliveryId: id, status, reason, nextMs, endedMs } = delivery;
  const about = { id, idKind: "delivery" as const };
  const steps: StepView[] = [
    {
      at: toIso(delivery.createdMs),
      kind: "delivery",
      title: `${delivery.eventType} is to be delivered`,
      ...about,
    },
    ...delivery.attemptHistory.map((attempt): StepView => {
      const isSuccess = attempt.httpStatus !== undefined && attempt.httpStatus < 300;
      return {
        at: toIso(attempt.atMs),
        kind: "attempt",
        title: `Attempt ${attempt.attemptNumber}: ${attempt.error ?? `HTTP ${attempt.httpStatus}`}`,
        detail: `${Math.round(attempt.durationMs)} ms${attempt.bodyStart ? `: ${attempt.bodyStart}` : ""}`,
        ...about,
        ...(isSuccess ? {} : { isFailure: true as const }),
      };
    }),
  ];
  if (status === "waiting" && nextMs !== undefined) {
    const at = toIso(nextMs);
    steps.push({ at, kind: "attempt", title: "The next attempt is due", ...about, isFuture: true });
  } else if (endedMs !== undefined) {
    steps.push({
      at: toIso(endedMs),
      kind: "ended",
      title: `The delivery is ${status}${reason ? ` (${reason})` : ""}`,
      ...about,
      ...(status === "failed" ? { isFailure: true } : {}),
    });
  }
  return steps;
}

/**
 * What became of a client's webhooks before these deliveries ended, once for each webhook. When a
 * webhook was deleted is not stored: a delivery that ended because of it tells it by its reason.
 *
 * @param current the client's stored webhook
 */
export function stepsOfWebhooks(
  deliveries: readonly DeliveryRecord[],
  current: WebhookItem | undefined,
): StepView[] {
  if (!current) return [];
  const byWebhook = Map.groupBy(deliveries, ({ webhookId }) => webhookId);
  return [...byWebhook].flatMap(([id, own]) => {
    const { status, disabledAt, disabledReason } = webhookStatusOf(current, id);
    const about = { id, idKind: "webhook" as const };
    const steps: StepView[] = [];
    if (disabledAt !== undefined && own.some((one) => !hadEnded(one, Date.parse(disabledAt)))) {
      steps.push({
        at: disabledAt,
        kind: "paused",
        title: "The client's webhook was disabled",
        ...(disabledReason === undefined ? {} : { detail: disabledReason }),
        ...about,
        isFailure: true,
      });
    }
    if (status === "deleted" && own.some((one) => !hasEnded(one))) {
      steps.push({ kind: "note", title: "The client's webhook is deleted", ...about });
    }
    return steps;
  });
}

/** Whether a delivery had ended before that time. */
function hadEnded(delivery: DeliveryRecord, atMs: number): boolean {
  return hasEnded(delivery) && (delivery.endedMs ?? Number.POSITIVE_INFINITY) < atMs;
}

/** Oldest first; steps without a time are now, and what is to happen comes last. */
export function inOrder(steps: readonly StepView[], nowMs: number): StepView[] {
  const time = ({ at, isFuture }: StepView) =>
    at === undefined ? nowMs : isFuture ? Math.max(Date.parse(at), nowMs + 1) : Date.parse(at);
  return steps.toSorted((one, other) => time(one) - time(other));
}

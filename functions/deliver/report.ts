import type { SQSRecord } from "aws-lambda";
import type { DeliveryObserver } from "../../shared/composition/delivery-use-cases.ts";
import { type LogMessage, logMessages } from "../../shared/contracts/log-messages.ts";
import type { DeliveryStatus } from "../../shared/contracts/statuses.ts";
import type { ParsedMessageOutcome } from "../../shared/core/deliveries/process-messages.ts";
import { subjectOf } from "../../shared/runtime/message-subject.ts";
import { reportFailedMessage, reportNonFatalError } from "../../shared/runtime/report-failure.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

const logMessageOf = {
  waiting: logMessages.deliveryWaiting,
  delivering: logMessages.deliveryMessageProcessed,
  delivered: logMessages.deliveryDelivered,
  failed: logMessages.deliveryFailed,
  cancelled: logMessages.deliveryCancelled,
} satisfies Record<DeliveryStatus, LogMessage>;

/** Logs the outcome of one message. `code` is the HTTP status of the last attempt, or why there was none. */
export function report(
  telemetry: Telemetry,
  { messageId, body }: Pick<SQSRecord, "messageId" | "body">,
  outcome: ParsedMessageOutcome,
): void {
  if (outcome.kind === "failed") {
    const fields = { messageId, ...subjectOf(body) };
    reportFailedMessage(telemetry, outcome, fields);
    return;
  }
  if (outcome.kind === "held") telemetry.count("AttemptHeld");
  const delivery = "delivery" in outcome ? outcome.delivery : undefined;
  if (!delivery) {
    telemetry.log("debug", logMessages.deliveryMessageProcessed, {
      messageId,
      ...subjectOf(body),
      ...("deliveryId" in outcome ? { deliveryId: outcome.deliveryId } : {}),
      outcome: outcome.kind,
    });
    return;
  }
  const { deliveryId, webhookId, clientId, status, reason, attemptsInCycle } = delivery;
  const last = delivery.attemptHistory.at(-1);
  if (outcome.kind === "attempted") countAttempt(telemetry, outcome);
  const isFine = status === "delivered" || status === "cancelled";
  telemetry.log(isFine ? "debug" : "warn", logMessageOf[status], {
    deliveryId,
    webhookId,
    clientId,
    count: attemptsInCycle,
    code: last?.error ?? String(last?.httpStatus ?? ""),
    ...(reason ? { detail: reason } : {}),
  });
}

function countAttempt(
  telemetry: Telemetry,
  { delivery, isSuccess }: Extract<ParsedMessageOutcome, { kind: "attempted" }>,
): void {
  telemetry.count(isSuccess ? "AttemptSucceeded" : "AttemptFailed");
  const made = delivery.attemptHistory.at(-1);
  if (made?.cycle !== 1 || made.attemptNumber !== 1) return;
  telemetry.seconds("EventToFirstPost", Math.max(0, made.atMs - delivery.createdMs) / 1_000);
}

/** Reports what happens to endpoints and webhooks while a batch is processed. */
export function makeObserver(telemetry: Telemetry): DeliveryObserver {
  return {
    onDeliveriesFailed: (count) => {
      telemetry.count("DeliveryFailed", count);
      telemetry.flush();
    },
    onCircuitOpened: ({ webhookId, consecutiveFailures }) => {
      telemetry.log("warn", logMessages.endpointCircuitOpened, {
        webhookId,
        count: consecutiveFailures,
      });
      telemetry.count("BreakerOpened");
    },
    onWebhookDisabled: () => telemetry.count("WebhookDisabled"),
    onNonFatalError: (error) => reportNonFatalError(telemetry, error),
  };
}

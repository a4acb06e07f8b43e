import { failures } from "../../shared/contracts/failures.ts";
import type { WorkOutcome } from "../../shared/core/deliveries/handle-delivery-work.ts";
import type { EndpointHealth } from "../../shared/core/deliveries/state/record.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

/** What an operator learns of one message: of an attempt that failed, never what was sent or answered. */
export function report(telemetry: Telemetry, messageId: string, outcome: WorkOutcome): void {
  if (outcome.kind === "failed") {
    const { code, detail, error } = outcome;
    const fields = { messageId, code, detail, ...(error ? { error } : {}) };
    telemetry.log(failures[code].logLevel, "message not done", fields);
    return;
  }
  const delivery = "delivery" in outcome ? outcome.delivery : undefined;
  if (!delivery) {
    telemetry.log("debug", outcome.kind, { messageId });
    return;
  }
  const { deliveryId, webhookId, status, reason, attempt } = delivery;
  const last = delivery.attempts.at(-1);
  const isFine = status === "delivered" || status === "cancelled";
  telemetry.log(isFine ? "debug" : "warn", `delivery ${status}`, {
    deliveryId,
    webhookId,
    count: attempt,
    code: last?.error ?? String(last?.httpStatus ?? ""),
    ...(reason ? { detail: reason } : {}),
  });
}

export function reportBreaker(telemetry: Telemetry, { webhookId, failures }: EndpointHealth): void {
  telemetry.log("warn", "endpoint fails: its deliveries are held back", {
    webhookId,
    count: failures,
  });
  telemetry.count("BreakerOpened");
}

import * as z from "zod/mini";

/** The state of a request, as it is stored and as the API shows it. */
export const requestStatus = z.enum([
  "SCHEDULED",
  "QUEUED",
  "SUBMITTING",
  "RUNNING",
  "ACTION_REQUIRED",
  "UNKNOWN",
  "SUCCEEDED",
  "FAILED",
  "CANCELLED",
]);

export type RequestStatus = z.output<typeof requestStatus>;

/** The state of a delivery, as it is stored and as the API shows it. */
export const deliveryStatus = z.enum(["waiting", "delivering", "delivered", "failed", "cancelled"]);

export type DeliveryStatus = z.output<typeof deliveryStatus>;

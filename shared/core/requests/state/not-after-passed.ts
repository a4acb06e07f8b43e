import type { RequestError } from "./record.ts";

/** Why a request ends that was not submitted by its `notAfter`. */
export const notAfterPassed: RequestError = {
  code: "EXPIRED_NOT_AFTER",
  message:
    "The request was not submitted by its `notAfter` and was never sent: create a new request with a new Idempotency-Key",
};

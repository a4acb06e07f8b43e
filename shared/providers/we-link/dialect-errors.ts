import * as z from "zod/mini";
import { failures, type Remedy } from "../../contracts/failures.ts";
import { type Refusal, refusalMessage } from "../../core/providers/dialect.ts";

/** Both `{status: CODE, message}` and NestJS's `{message, error, statusCode}` occur at We-Link. */
export const weLinkErrorSchema = z.object({
  status: z.string().check(z.describe("Ackwire's error code.")),
  message: z.string(),
  error: z.string(),
  statusCode: z.number(),
});

/** An error of the API in We-Link's shape. */
export function weLinkErrorBody(refusal: Refusal): z.output<typeof weLinkErrorSchema> {
  const { httpStatus } = failures[refusal.code];
  return {
    status: refusal.code,
    message: refusalMessage(refusal, weLinkRemedies),
    error: reasonPhrases[httpStatus] ?? "Error",
    statusCode: httpStatus,
  };
}

/** We-Link's clients have no call for their webhook, so only requests can fail in one of these ways. */
const weLinkRemedies: Readonly<Record<Remedy, string>> = {
  createConnection: "There is no connection to We-Link yet: whoever runs Ackwire creates it",
  nameConnection:
    "There are several connections to We-Link, and this accountId is known on none or on several of them: whoever runs Ackwire registers it with one",
  setCredentials:
    "The connection to We-Link has no credentials yet: whoever runs Ackwire sets them",
  registerAccount: "This accountId is not registered: log it in with login_v2",
  registerWebhook: "There is no webhook",
  replaceWebhook: "A webhook is active already",
  enableWebhook: "The webhook is disabled",
  recoverDeliveries: "The webhook of this delivery was deleted",
  awaitRecovery: "Failed deliveries are being sent again",
};

const reasonPhrases: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Payload Too Large",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

import * as z from "zod/mini";
import { accountId, nothing, oneOfMembers, text } from "../../contracts/http/parts.ts";

const common = { isPublic: false, params: nothing, query: z.looseObject({}) } as const;

const weLinkAnswer = z.object({
  request_id: z.string(),
  requestId: z.string(),
  status: z.enum([
    "SCHEDULED",
    "QUEUED",
    "PROCESSING",
    "PIN_REQUIRED",
    "SUCCESS",
    "FAILED",
    "CANCELLED",
    "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED",
  ]),
  result: z.optional(z.unknown()),
  error: z
    .optional(z.string())
    .check(z.describe("The error's code, or the provider's text where it named no code.")),
  message: z.optional(z.string()),
});

export type WeLinkStatus = z.output<typeof weLinkAnswer>["status"];

const requestId = z.exactOptional(text(512));

/** We-Link's operations: everything is a `POST` below `/api/v1`. https://apidocs.we-link.ai */
export const weLinkOperations = {
  weLinkGetResponse: {
    ...common,
    operationId: "weLinkGetResponse",
    method: "POST",
    path: "/api/v1/get_response",
    summary: "Returns a request, in We-Link's protocol",
    body: z
      .looseObject({ request_id: requestId, requestId })
      .check(oneOfMembers(["request_id", "requestId"])),
    answer: { status: 200, description: "The request", schema: weLinkAnswer },
    problems: [404],
  },
  weLinkSubmit: {
    ...common,
    operationId: "weLinkSubmit",
    method: "POST",
    path: "/api/v1/{action}",
    summary: "Accepts an action, in We-Link's protocol; the result comes later",
    params: z.strictObject({
      action: z
        .string()
        .check(z.regex(/^[a-z][a-z0-9_]{0,63}$/, "is not an action, such as connect")),
    }),
    body: z.looseObject({
      accountId: z
        .exactOptional(accountId)
        .check(z.describe("Required, except by logins. `account_id` is understood too.")),
      scheduled: z
        .exactOptional(text(64))
        .check(z.describe("YYYY-MM-DDTHH:mm:ss.sssZ in UTC, at least 2 hours ahead.")),
    }),
    takesIdempotencyKey: true,
    answer: {
      status: 200,
      description: "The request is stored and will be submitted",
      schema: z.object({ requestId: z.string() }),
    },
    problems: [404, 409],
  },
} as const;

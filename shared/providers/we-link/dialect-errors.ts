import * as z from "zod/mini";
import { failures } from "../../contracts/failures.ts";
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
    message: refusalMessage(refusal),
    error: reasonPhrases[httpStatus] ?? "Error",
    statusCode: httpStatus,
  };
}

const reasonPhrases: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  409: "Conflict",
  413: "Payload Too Large",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

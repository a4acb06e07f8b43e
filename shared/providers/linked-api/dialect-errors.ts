import * as z from "zod/mini";
import { failures } from "../../contracts/failures.ts";
import { type Refusal, refusalMessage } from "../../core/providers/dialect.ts";
import type { linkedApiWebhookOperations } from "./dialect-webhook-operations.ts";

export const linkedApiErrorSchema = z.object({
  success: z.literal(false),
  error: z.object({ type: z.string(), message: z.string() }),
});

/** An error of the API in Linked API's shape. */
export function linkedApiErrorBody(refusal: Refusal): z.output<typeof linkedApiErrorSchema> {
  return {
    success: false,
    error: { type: errorTypeOf(refusal), message: refusalMessage(refusal) },
  };
}

/** A type that Linked API's own client knows (`dist/types/errors.d.ts`), where one fits. */
function errorTypeOf({ code, authFailure, operationId = "" }: Refusal): string {
  switch (failures[code].httpStatus) {
    case 401: {
      const { wasSent = false, credential = "key" } = authFailure ?? {};
      return authenticationTypes[credential][wasSent ? "wasSent" : "wasNotSent"];
    }
    case 404:
      return notFoundTypes[operationId] ?? "workflowNotFound";
    case 409:
      return conflictTypes[operationId] ?? "conflict";
    case 429:
      return "tooManyRequests";
    case 503:
      // The only type on which that client keeps polling.
      return "httpError";
    default:
      return "invalidRequestPayload";
  }
}

type TypeByOperation = Partial<Record<keyof typeof linkedApiWebhookOperations, string>>;

/** Of operations that are not about a workflow. */
const notFoundTypes: Readonly<Record<string, string>> = {
  linkedApiSetPayloadMode: "webhookNotFound",
  linkedApiDeleteWebhook: "webhookNotFound",
  linkedApiSendTest: "webhookNotFound",
  linkedApiReplayDelivery: "deliveryNotFound",
} satisfies TypeByOperation;

const conflictTypes: Readonly<Record<string, string>> = {
  linkedApiSetWebhook: "webhookAlreadyExists",
  linkedApiSendTest: "webhookDisabled",
} satisfies TypeByOperation;

const authenticationTypes = {
  key: { wasSent: "invalidLinkedApiToken", wasNotSent: "linkedApiTokenRequired" },
  account: { wasSent: "invalidIdentificationToken", wasNotSent: "identificationTokenRequired" },
} as const;

import * as z from "zod/mini";
import { failures, type Remedy } from "../../contracts/failures.ts";
import { type Refusal, refusalMessage } from "../../core/providers/dialect.ts";
import { linkedApiLimitOperations } from "./dialect-limit-operations.ts";
import type { linkedApiWebhookOperations } from "./dialect-webhook-operations.ts";

export const linkedApiErrorSchema = z.object({
  success: z.literal(false),
  error: z.object({ type: z.string(), message: z.string() }),
});

/** An error of the API in Linked API's shape. */
export function linkedApiErrorBody(refusal: Refusal): z.output<typeof linkedApiErrorSchema> {
  return {
    success: false,
    error: {
      type: errorTypeOf(refusal),
      message: refusalMessage(refusal, linkedApiRemedies),
    },
  };
}

/** A type that Linked API's own client knows (`dist/types/errors.d.ts`), where one fits. */
function errorTypeOf(refusal: Refusal): string {
  const { code, authFailure, operationId = "", remedy, route, errors } = refusal;
  if (errors?.some(({ field }) => field === "accountId") && isAboutLimits(operationId)) {
    return "accountIdRequired";
  }
  if (remedy !== undefined && remedyTypes[remedy] !== undefined) return remedyTypes[remedy];
  switch (failures[code].httpStatus) {
    case 401: {
      const { wasSent = false, credential = "key" } = authFailure ?? {};
      return authenticationTypes[credential][wasSent ? "wasSent" : "wasNotSent"];
    }
    case 404:
      return route ? "notFound" : (notFoundTypes[operationId] ?? "workflowNotFound");
    case 405:
      return "methodNotAllowed";
    case 409:
      return conflictTypes[operationId] ?? "conflict";
    case 429:
      return "tooManyRequests";
    case 503:
    case 504:
      // The only type on which that client keeps polling.
      return "httpError";
    default:
      return "invalidRequestPayload";
  }
}

const isAboutLimits = (operationId: string) => Object.hasOwn(linkedApiLimitOperations, operationId);

type TypeByOperation = Partial<
  Record<keyof typeof linkedApiWebhookOperations | keyof typeof linkedApiLimitOperations, string>
>;

/** Of operations that are not about a workflow. */
const notFoundTypes: Readonly<Record<string, string>> = {
  linkedApiSetPayloadMode: "webhookNotFound",
  linkedApiSetEvents: "webhookNotFound",
  linkedApiSetHeaders: "webhookNotFound",
  linkedApiSetHeader: "webhookNotFound",
  linkedApiDeleteHeader: "webhookNotFound",
  linkedApiSetSigning: "webhookNotFound",
  linkedApiRevealSecret: "webhookNotFound",
  linkedApiRotateSecret: "webhookNotFound",
  linkedApiDeleteWebhook: "webhookNotFound",
  linkedApiSendTest: "webhookNotFound",
  linkedApiReplayDelivery: "deliveryNotFound",
  linkedApiGetLimits: "accountNotFound",
  linkedApiGetLimitsUsage: "accountNotFound",
  linkedApiSetLimits: "accountNotFound",
  linkedApiDeleteLimits: "accountNotFound",
  linkedApiResetLimits: "accountNotFound",
} satisfies TypeByOperation;

const conflictTypes: Readonly<Record<string, string>> = {
  linkedApiSetWebhook: "webhookAlreadyExists",
  linkedApiSendTest: "webhookDisabled",
} satisfies TypeByOperation;

/** Failures whose cause says more than their status. */
const remedyTypes: Readonly<Partial<Record<Remedy, string>>> = {
  registerAccount: "invalidIdentificationToken",
  enableWebhook: "webhookDisabled",
};

const linkedApiRemedies: Readonly<Record<Remedy, string>> = {
  createConnection: "There is no connection to Linked API yet: whoever runs Ackwire creates it",
  nameConnection:
    "There are several connections to Linked API, and this account is registered with none or with several of them: whoever runs Ackwire registers it with one",
  setCredentials:
    "The connection to Linked API has no credentials yet: whoever runs Ackwire sets them",
  registerAccount:
    "The account of this identification-token is not registered: call accounts.getAll with an API key that may write, which registers it",
  registerWebhook: "There is no webhook: register one with webhook.set",
  replaceWebhook: "A webhook is active already: delete it with webhook.delete first",
  enableWebhook: "The webhook is disabled: set it again with webhook.set",
  recoverDeliveries: "The webhook of this delivery was deleted, so the delivery is not sent again",
  awaitRecovery: "Failed deliveries are being sent again: try again when that has ended",
};

const authenticationTypes = {
  key: { wasSent: "invalidLinkedApiToken", wasNotSent: "linkedApiTokenRequired" },
  account: { wasSent: "invalidIdentificationToken", wasNotSent: "identificationTokenRequired" },
} as const;

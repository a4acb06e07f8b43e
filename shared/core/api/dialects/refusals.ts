import { failures, type HttpFailureCode } from "../../../contracts/failures.ts";
import type { OperationId } from "../../../contracts/http/operations.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import type { FieldError } from "../../input/invalid-request.ts";
import type { AuthFailure } from "../authentication/authenticate.ts";

/** Why a call was refused, as far as its caller may know. */
export interface Refusal {
  code: HttpFailureCode;
  detail: string;
  errors?: readonly FieldError[] | undefined;
  lacks?: AuthFailure | undefined;
  /** Which call it was. */
  operationId?: OperationId | undefined;
}

/** The body of an error as each provider words it. */
export const refusalBodies: Readonly<Record<ProviderId, (refusal: Refusal) => object>> = {
  /** `{status: CODE, message}` and NestJS's `{message, error, statusCode}`: both are seen from We-Link. */
  "we-link": (refusal) => {
    const { httpStatus } = failures[refusal.code];
    return {
      status: refusal.code,
      message: messageOf(refusal),
      error: reasonPhrases[httpStatus] ?? "Error",
      statusCode: httpStatus,
    };
  },
  "linked-api": (refusal) => ({
    success: false,
    error: { type: typeOf(refusal), message: messageOf(refusal) },
  }),
};

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

function messageOf({ code, detail, errors = [] }: Refusal): string {
  const { httpStatus, title } = failures[code];
  // Which dependency failed is for the log; a 401 says the same always.
  if (httpStatus === 401 || httpStatus === 503) return title;
  const fields = errors.map(({ field, message }) => `${field || "the body"}: ${message}`);
  return fields.length > 0 ? fields.join("; ") : detail;
}

/** Types that Linked API's own client knows (dist/types/errors.d.ts), where one fits. */
function typeOf({ code, lacks, operationId }: Refusal): string {
  switch (failures[code].httpStatus) {
    case 401:
      return proofTypes[lacks?.credential ?? "key"][lacks?.wasSent ? "wasSent" : "wasNotSent"];
    case 404:
      return (operationId && notFoundTypes[operationId]) ?? "workflowNotFound";
    case 409:
      return (operationId && conflictTypes[operationId]) ?? "conflict";
    case 429:
      return "tooManyRequests";
    case 503:
      // The one type at which that client goes on polling.
      return "httpError";
    default:
      return "invalidRequestPayload";
  }
}

/** Of calls that are about no workflow. */
const notFoundTypes: Readonly<Partial<Record<OperationId, string>>> = {
  linkedApiSetPayloadMode: "webhookNotFound",
  linkedApiDeleteWebhook: "webhookNotFound",
  linkedApiSendTest: "webhookNotFound",
  linkedApiReplayDelivery: "deliveryNotFound",
};

const conflictTypes: Readonly<Partial<Record<OperationId, string>>> = {
  linkedApiSetWebhook: "webhookAlreadyExists",
  linkedApiSendTest: "webhookDisabled",
};

const proofTypes = {
  key: { wasSent: "invalidLinkedApiToken", wasNotSent: "linkedApiTokenRequired" },
  account: { wasSent: "invalidIdentificationToken", wasNotSent: "identificationTokenRequired" },
} as const;

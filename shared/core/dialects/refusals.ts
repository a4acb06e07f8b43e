import { failures, type HttpFailureCode } from "../../contracts/failures.ts";
import type { ProviderId } from "../../contracts/providers.ts";
import type { LackingProof } from "../authenticate.ts";
import type { FieldError } from "../invalid-request.ts";

/** Why a call was refused, as far as its caller may know. */
export interface Refusal {
  code: HttpFailureCode;
  detail: string;
  errors?: readonly FieldError[] | undefined;
  lacks?: LackingProof | undefined;
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
function typeOf({ code, lacks }: Refusal): string {
  switch (failures[code].httpStatus) {
    case 401:
      return proofTypes[lacks?.proof ?? "key"][lacks?.wasSent ? "wasSent" : "wasNotSent"];
    case 404:
      return "workflowNotFound";
    case 409:
      return "conflict";
    case 429:
      return "tooManyRequests";
    case 503:
      // The one type at which that client goes on polling.
      return "httpError";
    default:
      return "invalidRequestPayload";
  }
}

const proofTypes = {
  key: { wasSent: "invalidLinkedApiToken", wasNotSent: "linkedApiTokenRequired" },
  account: { wasSent: "invalidIdentificationToken", wasNotSent: "identificationTokenRequired" },
} as const;

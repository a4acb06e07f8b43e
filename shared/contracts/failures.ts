/**
 * How Ackwire answers, logs and retries each kind of failure. `disposition` is
 * what happens to the call or message:
 * - `refuse`: the caller gets an error and nothing is stored;
 * - `retry`: the queue delivers it again, or the caller retries after a 5xx;
 * - `park`: retries cannot succeed. The message is not deleted, and SQS moves it to the
 *   dead-letter queue after the queue's maximum of receives.
 */
interface FailureRule {
  disposition: "refuse" | "retry" | "park";
  /** The HTTP status, where the failure answers a caller. */
  httpStatus?: number;
  logLevel: "debug" | "info" | "warn" | "error";
  /** Safe to show to a caller: does not say which part of a secret was wrong. */
  title: string;
  /** The caller does not get the message: it names a dependency, or would help a forger. */
  hidesMessage?: true;
}

export const failures = {
  BODY_NOT_UTF8: refuse(400, "The body is not valid UTF-8"),
  BODY_NOT_JSON: refuse(400, "The body is not a JSON object"),
  BODY_TOO_DEEP: refuse(400, "The body is nested too deeply"),
  BODY_TOO_LARGE: refuse(413, "The body is too large"),
  FRAME_INVALID: refuse(400, "The body is not a webhook of this provider"),
  REQUEST_INVALID: refuse(400, "The request is not valid"),
  UNAUTHENTICATED: refuse(401, "The API key is missing or not valid"),
  FORBIDDEN: refuse(403, "The key may not do this"),
  NOT_FOUND: refuse(404, "Not found"),
  METHOD_NOT_ALLOWED: refuse(405, "This path does not have this method"),
  CONFLICT: refuse(409, "The resource's current state does not allow this operation"),
  IDEMPOTENCY_CONFLICT: refuse(409, "This Idempotency-Key was used with another body"),
  NOT_AFTER_UNREACHABLE: refuse(422, "The request cannot be submitted by its notAfter"),
  TOO_MANY_REQUESTS: refuse(429, "Too many requests: try again later"),
  PREDECESSOR_UNKNOWN: refuse(422, "The request that this one depends on is not known"),
  CONNECTION_UNKNOWN: { ...refuse(404, "Unknown webhook address"), hidesMessage: true },
  SIGNATURE_REJECTED: {
    disposition: "refuse",
    httpStatus: 401,
    logLevel: "warn",
    title: "The signature does not match",
    hidesMessage: true,
  },
  DEPENDENCY_DOWN: {
    disposition: "retry",
    httpStatus: 503,
    logLevel: "error",
    title: "Service temporarily unavailable: try again later",
    hidesMessage: true,
  },
  PROVIDER_UNANSWERED: {
    disposition: "retry",
    httpStatus: 504,
    logLevel: "warn",
    title: "The provider did not answer in time: the call may have taken effect",
  },
  INTERNAL_ERROR: {
    disposition: "retry",
    httpStatus: 500,
    logLevel: "error",
    title: "Internal error",
    hidesMessage: true,
  },
  CLAIM_HELD: {
    disposition: "retry",
    logLevel: "info",
    title: "Another worker has claimed the event",
  },
  OUT_OF_TIME: {
    disposition: "retry",
    logLevel: "warn",
    title: "Too little time left in this invocation",
  },
  CLAIM_LOST: {
    disposition: "retry",
    logLevel: "warn",
    title: "The claim expired and another worker took it",
  },
  PUBLISH_FAILED: {
    disposition: "retry",
    logLevel: "error",
    title: "EventBridge rejected or did not acknowledge the event",
  },
  PUBLISH_REFUSED: {
    disposition: "park",
    logLevel: "error",
    title: "EventBridge can never accept the event as it is",
  },
  MESSAGE_STALE: {
    disposition: "park",
    logLevel: "error",
    title: "The message is older than the dedupe window",
  },
  UNCONFIRMED: {
    disposition: "park",
    logLevel: "error",
    title: "The provider does not confirm the webhook",
  },
  BODY_GONE: { disposition: "park", logLevel: "error", title: "The stored body has expired" },
  MESSAGE_MALFORMED: {
    disposition: "park",
    logLevel: "error",
    title: "The message is not in Ackwire's format",
  },
} as const satisfies Record<string, FailureRule>;

export type FailureCode = keyof typeof failures;

/** The codes with an HTTP status. */
export type HttpFailureCode = {
  [Code in FailureCode]: (typeof failures)[Code] extends { httpStatus: number } ? Code : never;
}[FailureCode];

function refuse(httpStatus: number, title: string) {
  return { disposition: "refuse", httpStatus, logLevel: "info", title } as const;
}

/**
 * What a caller can do about a failure, where the message names a call of Ackwire's own
 * API: a dialect says it in the words of its own protocol.
 */
export const remedies = [
  "createConnection",
  "nameConnection",
  "setCredentials",
  "registerAccount",
  "registerWebhook",
  "replaceWebhook",
  "enableWebhook",
  "recoverDeliveries",
  "awaitRecovery",
] as const;

export type Remedy = (typeof remedies)[number];

/** An error with one of the codes. Its message holds lengths and kinds, and no content. */
export class Failure<Code extends FailureCode = FailureCode> extends Error {
  readonly code: Code;
  readonly remedy: Remedy | undefined;
  /** When a repeated call can succeed (real time); absent where that is not known. */
  readonly retryAfterMs: number | undefined;
  /** When the refused request would be submitted (ISO, business time). */
  readonly expectedAt: string | undefined;

  constructor(
    code: Code,
    message: string,
    options?: { cause?: unknown; remedy?: Remedy; retryAfterMs?: number; expectedAt?: string },
  ) {
    super(message, options);
    this.name = "Failure";
    this.code = code;
    this.remedy = options?.remedy;
    this.retryAfterMs = options?.retryAfterMs;
    this.expectedAt = options?.expectedAt;
  }
}

/** For the `catch` of a read that may find nothing. Rethrows every other error. */
export function undefinedIfNotFound(error: unknown): undefined {
  if (error instanceof Failure && error.code === "NOT_FOUND") return undefined;
  throw error;
}

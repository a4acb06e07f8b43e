/**
 * Every way in which Ackwire says no, and what follows from it. `disposition`
 * is what happens to the thing at hand:
 * - `refuse`: the caller is told and nothing is kept;
 * - `retry`: it comes again by itself (the queue, or the caller after a 503);
 * - `park`: it will never succeed as it is, and ends in a dead-letter queue.
 */
interface FailureRule {
  disposition: "refuse" | "retry" | "park";
  /** The HTTP status, where the failure answers a caller. */
  httpStatus?: number;
  logLevel: "debug" | "info" | "warn" | "error";
  /** What a caller may be told. Never says which part of a secret was wrong. */
  title: string;
}

export const failures = {
  BODY_NOT_UTF8: refuse(400, "The body is not valid UTF-8"),
  BODY_NOT_JSON: refuse(400, "The body is not a JSON object"),
  BODY_TOO_DEEP: refuse(400, "The body is nested too deeply"),
  BODY_TOO_LARGE: refuse(413, "The body is too large"),
  FRAME_INVALID: refuse(400, "The body lacks what every webhook of this provider carries"),
  REQUEST_INVALID: refuse(400, "The request is not valid"),
  UNAUTHENTICATED: refuse(401, "The API key is missing or not valid"),
  NOT_FOUND: refuse(404, "There is no such thing"),
  CONFLICT: refuse(409, "It is not in a state that allows this"),
  TOO_MANY_REQUESTS: refuse(429, "Too many requests: try again later"),
  CONNECTION_UNKNOWN: refuse(404, "There is no such webhook address"),
  SIGNATURE_REJECTED: {
    disposition: "refuse",
    httpStatus: 401,
    logLevel: "warn",
    title: "The signature does not match",
  },
  DEPENDENCY_DOWN: {
    disposition: "retry",
    httpStatus: 503,
    logLevel: "error",
    title: "Not accepted: try again later",
  },
  CLAIM_HELD: { disposition: "retry", logLevel: "info", title: "Another worker has this event" },
  OUT_OF_TIME: { disposition: "retry", logLevel: "warn", title: "Too little time is left" },
  CLAIM_LOST: { disposition: "retry", logLevel: "warn", title: "The claim passed to another" },
  PUBLISH_FAILED: { disposition: "retry", logLevel: "error", title: "The bus took no copy" },
  PUBLISH_REFUSED: { disposition: "park", logLevel: "error", title: "The bus will never take it" },
  UNFORESEEN: { disposition: "retry", logLevel: "error", title: "A fault of ours" },
  MESSAGE_STALE: { disposition: "park", logLevel: "error", title: "Older than the dedupe window" },
  UNCONFIRMED: { disposition: "park", logLevel: "error", title: "The provider tells it otherwise" },
  BODY_GONE: { disposition: "park", logLevel: "error", title: "The bucket has it no more" },
  MESSAGE_MALFORMED: { disposition: "park", logLevel: "error", title: "Not one of our messages" },
} as const satisfies Record<string, FailureRule>;

export type FailureCode = keyof typeof failures;

/** The codes that answer an HTTP caller. */
export type HttpFailureCode = {
  [Code in FailureCode]: (typeof failures)[Code] extends { httpStatus: number } ? Code : never;
}[FailureCode];

function refuse(httpStatus: number, title: string) {
  return { disposition: "refuse", httpStatus, logLevel: "info", title } as const;
}

/** An error with one of our codes. Its message never holds content, only lengths and kinds. */
export class Failure<Code extends FailureCode = FailureCode> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "Failure";
    this.code = code;
  }
}

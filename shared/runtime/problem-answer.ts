import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { failures, type HttpFailureCode } from "../contracts/failures.ts";
import type { FieldError } from "../core/input/describe-issue.ts";
import { problemOf } from "../core/input/problem-of.ts";

export interface AnsweredFailure {
  code: HttpFailureCode;
  /** Left out of the answer where the failure's message is not for its caller. */
  detail: string;
  errors?: readonly FieldError[] | undefined;
  /** When a repeated call can succeed (real time); absent where that is not known. */
  retryAfterMs?: number | undefined;
  /** When the refused request would be submitted. */
  expectedAt?: string | undefined;
}

/** Seconds after which to repeat a call that was too fast or met an outage. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;

/** The problem document of a failure (RFC 9457), and the headers that belong to its status. */
export function problemAnswer(failure: AnsweredFailure): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: failures[failure.code].httpStatus,
    headers: { "content-type": "application/problem+json", ...retryHeaders(failure) },
    body: JSON.stringify(problemOf(failure)),
  };
}

/** `retry-after` in whole seconds for every answer that a repeated call can change. */
export function retryHeaders({ code, retryAfterMs }: AnsweredFailure): Record<string, string> {
  const { httpStatus } = failures[code];
  if (httpStatus !== 429 && httpStatus !== 503) return {};
  const seconds = Math.ceil((retryAfterMs ?? DEFAULT_RETRY_AFTER_SECONDS * 1_000) / 1_000);
  return { "retry-after": String(Math.max(seconds, 1)) };
}

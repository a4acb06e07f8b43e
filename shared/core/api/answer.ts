import {
  Failure,
  type FailureCode,
  failures,
  type HttpFailureCode,
} from "../../contracts/failures.ts";
import type { ApiOperation, HandlerAnswer, RelayedAnswer } from "../../contracts/http/operation.ts";
import type { Operation } from "../../contracts/http/operations.ts";
import { InvalidRequest } from "../input/invalid-request.ts";
import type { ApiOutcome } from "./api-call.ts";
import { Unauthenticated } from "./authentication/authenticate.ts";

/** The headers of a provider's answer that say how to read it and when to come again. */
const RELAYED_HEADERS = ["content-type", "retry-after"];

function relayed({ status, headers, body }: RelayedAnswer) {
  const kept = RELAYED_HEADERS.flatMap((name) =>
    headers[name] === undefined ? [] : [[name, headers[name]]],
  );
  return { status, body, headers: Object.fromEntries(kept) as Record<string, string> };
}

/** The status and the body of an answer, as the contract of its operation names them. */
export function statusAndBody(
  { answer, repeatedAnswer }: Pick<ApiOperation, "answer" | "repeatedAnswer">,
  given: HandlerAnswer,
) {
  if (typeof given !== "object") return { status: answer.status, body: given };
  if ("body" in given) return relayed(given);
  return { status: repeatedAnswer?.status ?? answer.status, body: given.repeated };
}

/** Rejects when the time of the call is over. @throws DEPENDENCY_DOWN */
export function timeout(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () =>
      reject(new Failure("DEPENDENCY_DOWN", "a dependency did not answer in time"));
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** The outcome of a call that was refused. @throws any error of which no status tells the caller */
export function refusal(
  error: unknown,
  operation: Pick<Operation, "operationId" | "dialect">,
  caller: { clientId: string; keyId: string } | undefined,
): ApiOutcome {
  if (!(error instanceof Failure)) throw error;
  const code: FailureCode = error.code;
  if (!isForCallers(code)) throw error;
  return {
    kind: "refused",
    code,
    detail: error.message,
    caller,
    errors: error instanceof InvalidRequest ? error.errors : undefined,
    operationId: operation.operationId,
    dialect: operation.dialect,
    authFailure: error instanceof Unauthenticated ? error.authFailure : undefined,
    remedy: error.remedy,
    retryAfterMs: error.retryAfterMs,
    expectedAt: error.expectedAt,
  };
}

const isForCallers = (code: FailureCode): code is HttpFailureCode => "httpStatus" in failures[code];

import { Failure, type HttpFailureCode } from "../../../contracts/failures.ts";
import { batchItem } from "../../../contracts/http/new-request.ts";
import type { RequestPriority } from "../../../contracts/http/request-view.ts";
import { byContract } from "../../input/by-contract.ts";
import { InvalidRequest, validate } from "../../input/invalid-request.ts";
import { problemOf } from "../../input/problem-of.ts";
import type { BatchResult } from "../../requests/acceptance/accept-batch.ts";
import type { NewRequest } from "../../requests/acceptance/idempotency.ts";
import { requestJson, summaryOf, type Wait } from "../../requests/state/request-view.ts";

/** One request of a batch, with what the batch says for all; a failure if it is not valid. */
export function readBatchItem(
  clientId: string,
  item: unknown,
  {
    group,
    priority,
    traceparent,
  }: { group?: string; priority?: RequestPriority; traceparent?: string | undefined },
): NewRequest | InvalidRequest {
  const read = validate(batchItem, byContract(batchItem, item));
  if (!("output" in read)) return new InvalidRequest(read.errors);
  return { group, priority, ...read.output, traceparent, clientId };
}

/** The answer to a batch as JSON text. */
export function batchJson(
  results: readonly BatchResult[],
  waits: ReadonlyMap<string, Wait>,
): string {
  const accepted = results.filter((result) => !(result instanceof Failure)).length;
  const items = results.map((result) => itemJson(result, waits)).join(",");
  return `{"accepted":${accepted},"refused":${results.length - accepted},"items":[${items}]}`;
}

function itemJson(result: BatchResult, waits: ReadonlyMap<string, Wait>): string {
  if (!(result instanceof Failure)) {
    return `{"status":202,"request":${requestJson(summaryOf(result, waits.get(result.requestId)))}}`;
  }
  const problem = problemOf({
    code: result.code as HttpFailureCode,
    detail: result.message,
    errors: result instanceof InvalidRequest ? result.errors : undefined,
    expectedAt: result.expectedAt,
  });
  return JSON.stringify({ status: problem.status, problem });
}

import type { ProviderId } from "../../../contracts/providers.ts";
import type { RequestStatus } from "../../../contracts/statuses.ts";
import { toIso } from "../../clock.ts";
import type { TextStore } from "./ports.ts";
import type { RequestRecord } from "./record.ts";

/** A request as the API returns it. It never contains the params. */
export interface RequestView {
  requestId: string;
  status: RequestStatus;
  provider: ProviderId;
  accountId: string;
  action: string;
  scheduled?: string | undefined;
  createdAt: string;
  joinedAt?: string | undefined;
  submittedAt?: string | undefined;
  finishedAt?: string | undefined;
  providerRequestId?: string | undefined;
  attempts: number;
  /** JSON text. Parsing it would lose digits of large numbers. */
  result?: string | undefined;
  /** A number of `result` that consumers could not read exactly is text. */
  numbersAsText?: true | undefined;
  error?: { code: string; message: string } | undefined;
  /** JSON text. */
  lateResult?: string | undefined;
}

/** The request with its result, which may be read from the bucket. @throws DEPENDENCY_DOWN */
export async function viewOf(request: RequestRecord, texts: TextStore): Promise<RequestView> {
  const { result, lateResult } = request;
  return {
    ...summaryOf(request),
    ...(result ? { result: await texts.open(result), numbersAsText: request.numbersAsText } : {}),
    ...(lateResult ? { lateResult: await texts.open(lateResult) } : {}),
  };
}

/** The request without its result. */
export function summaryOf(request: RequestRecord): RequestView {
  const { requestId, status, provider, accountId, action, providerRequestId, attempts, error } =
    request;
  return {
    requestId,
    status,
    provider,
    accountId,
    action,
    scheduled: toIso(request.scheduledMs),
    createdAt: toIso(request.createdMs),
    joinedAt: toIso(request.joinedMs),
    submittedAt: toIso(request.submittedMs),
    finishedAt: toIso(request.finishedMs),
    providerRequestId,
    attempts,
    error,
  };
}

/** The view as JSON text. Results are inserted as they are, so that no digit is lost. */
export function requestJson({ result, lateResult, ...view }: RequestView): string {
  const added = [
    ...(result === undefined ? [] : [`"result":${result}`]),
    ...(lateResult === undefined ? [] : [`"lateResult":${lateResult}`]),
  ].join(",");
  const text = JSON.stringify(view);
  return added === "" ? text : `${text.slice(0, -1)},${added}}`;
}

import type { DependencyView } from "../../../contracts/http/dependencies.ts";
import type { RequestPriority, WaitsFor } from "../../../contracts/http/request-view.ts";
import type { Category } from "../../../contracts/pace.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import type { RequestStatus } from "../../../contracts/statuses.ts";
import { toIso } from "../../clock.ts";
import type { UnclearReport } from "../../events/provider-event.ts";
import type { TextStore } from "./ports.ts";
import type { Dependency, KeptUnclearReport, RequestRecord } from "./record.ts";

/** What a request waits for, as the API shows it. */
export interface Wait {
  waitsFor: WaitsFor;
  /** One sentence for people. */
  reason: string;
  /** 1 for the next request of the account. */
  position?: number | undefined;
  /** When it is submitted, unless something changes (business); absent if that cannot be forecast. */
  expectedMs?: number | undefined;
}

/** A request as the API returns it. It never contains the params. */
export interface RequestView {
  requestId: string;
  status: RequestStatus;
  provider: ProviderId;
  accountId: string;
  action: string;
  group?: string | undefined;
  priority: RequestPriority;
  scheduled?: string | undefined;
  recurringId?: string | undefined;
  dependsOn?: DependencyView | undefined;
  createdAt: string;
  joinedAt?: string | undefined;
  submittedAt?: string | undefined;
  finishedAt?: string | undefined;
  providerRequestId?: string | undefined;
  /** Why the provider has not started it yet, in the provider's words. */
  pendingReason?: string | undefined;
  attempts: number;
  category?: Category | undefined;
  notAfter?: string | undefined;
  /** Why it waits, and the same in words; absent when it does not. */
  waitsFor?: WaitsFor | undefined;
  waitReason?: string | undefined;
  position?: number | undefined;
  expectedAt?: string | undefined;
  /** JSON text. Parsing it would lose digits of large numbers. */
  result?: string | undefined;
  /** A number of `result` that consumers could not read exactly is text. */
  numbersAsText?: true | undefined;
  error?: { code: string; message: string } | undefined;
  /** The last outcome that came after the request had ended otherwise. JSON text. */
  lateResult?: string | undefined;
  /** Those before it, oldest first. JSON texts. */
  earlierLateResults?: readonly string[] | undefined;
  /** Reports of the provider that are not clear. */
  unclearReports?: readonly UnclearReportView[] | undefined;
}

/** A report that is not clear, as the API returns it. */
export interface UnclearReportView extends UnclearReport {
  at: string;
  source: "webhook" | "answer";
}

/** The request with its result, which may be read from the bucket. @throws DEPENDENCY_DOWN */
export async function viewOf(
  request: RequestRecord,
  texts: TextStore,
  wait?: Wait,
): Promise<RequestView> {
  const { result, lateResult, earlierLateResults, unclearReports } = request;
  return {
    ...summaryOf(request, wait),
    ...(result ? { result: await texts.open(result), numbersAsText: request.numbersAsText } : {}),
    ...(lateResult ? { lateResult: await texts.open(lateResult) } : {}),
    ...(earlierLateResults
      ? {
          earlierLateResults: await Promise.all(earlierLateResults.map((text) => texts.open(text))),
        }
      : {}),
    ...(unclearReports ? { unclearReports: unclearReports.map(unclearView) } : {}),
  };
}

function unclearView({ atMs, digest: _, ...report }: KeptUnclearReport): UnclearReportView {
  return { at: toIso(atMs), ...report };
}

/** The request without its result. */
export function summaryOf(request: RequestRecord, wait?: Wait): RequestView {
  const { requestId, status, provider, accountId, action, group } = request;
  const { providerRequestId, attempts, error } = request;
  return {
    requestId,
    status,
    provider,
    accountId,
    action,
    group,
    priority: request.isHigh ? "high" : "normal",
    scheduled: toIso(request.scheduledMs),
    ...(request.recurringId === undefined ? {} : { recurringId: request.recurringId }),
    ...(request.dependsOn ? { dependsOn: dependencyViewOf(request.dependsOn) } : {}),
    createdAt: toIso(request.createdMs),
    joinedAt: toIso(request.joinedMs),
    submittedAt: toIso(request.submittedMs),
    finishedAt: toIso(request.finishedMs),
    providerRequestId,
    pendingReason: request.pendingReason,
    attempts,
    category: request.category,
    notAfter: toIso(request.notAfterMs),
    waitsFor: wait?.waitsFor,
    waitReason: wait?.reason,
    position: wait?.position,
    expectedAt: toIso(wait?.expectedMs),
    error,
  };
}

function dependencyViewOf(dependency: Dependency): DependencyView {
  const { requestId, on, event, untilMs, afterMs, unless, metMs } = dependency;
  return {
    requestId,
    on,
    ...(event ? { event } : {}),
    until: toIso(untilMs),
    afterSeconds: afterMs / 1_000,
    ...(unless ? { unless } : {}),
    ...(metMs === undefined ? {} : { metAt: toIso(metMs) }),
  };
}

/** The view as JSON text. Results are inserted as they are, so that no digit is lost. */
export function requestJson(of: RequestView): string {
  const { result, lateResult, earlierLateResults, ...view } = of;
  const added = [
    ...(result === undefined ? [] : [`"result":${result}`]),
    ...(lateResult === undefined ? [] : [`"lateResult":${lateResult}`]),
    ...(earlierLateResults ? [`"earlierLateResults":[${earlierLateResults.join(",")}]`] : []),
  ].join(",");
  const text = JSON.stringify(view);
  return added === "" ? text : `${text.slice(0, -1)},${added}}`;
}

import { sha256Hex } from "../../crypto/digest.ts";
import type { ProviderEvent } from "../../events/provider-event.ts";
import type { DecisionContext } from "./decision-context.ts";
import type { KeptUnclearReport, RequestRecord } from "./record.ts";

/** How many reports that are not clear a request keeps. Later ones are counted as duplicates. */
const MAX_UNCLEAR_REPORTS = 10;

export function unclearReportsOf({
  unclearReports = [],
}: Pick<RequestRecord, "unclearReports">): readonly KeptUnclearReport[] {
  return unclearReports;
}

/** A report of a webhook, or of the answer to a call. */
interface Report {
  event: Pick<ProviderEvent, "unclear" | "discriminator">;
  isCurrentState?: boolean;
}

/** Whether the report is not clear, and the request neither keeps it yet nor keeps too many. */
export function isNewUnclearReport(request: RequestRecord, { event }: Report): boolean {
  if (!event.unclear) return false;
  const kept = unclearReportsOf(request);
  const digest = digestOf(event);
  return kept.length < MAX_UNCLEAR_REPORTS && kept.every((one) => one.digest !== digest);
}

/** Keeps a report that is not clear on the request, whatever it was taken for. */
export function withUnclearReport(
  request: RequestRecord,
  report: Report,
  { nowMs }: DecisionContext,
): RequestRecord {
  const { unclear } = report.event;
  if (!unclear || !isNewUnclearReport(request, report)) return request;
  const kept: KeptUnclearReport = {
    ...unclear,
    atMs: nowMs,
    source: report.isCurrentState ? "answer" : "webhook",
    digest: digestOf(report.event),
  };
  return { ...request, unclearReports: [...unclearReportsOf(request), kept] };
}

function digestOf({ unclear, discriminator }: Report["event"]): string {
  return discriminator ?? sha256Hex(unclear?.body ?? "").slice(0, 16);
}

import type { ProviderEvent } from "../../events/provider-event.ts";
import type { DecisionContext } from "./decision-context.ts";
import type { RequestRecord } from "./record.ts";
import { withDerivedFields } from "./request-state.ts";

/** How many later outcomes a request keeps. */
const MAX_LATE_RESULTS = 10;

interface LateResult {
  request: RequestRecord;
  verdict: "late";
  /** Which of the later outcomes it is, from 1; `null`: this report is not kept. */
  nth: number | null;
}

/**
 * A report about a request that has ended: the same outcome, or one that says less, is a
 * duplicate; one with other content is stored as `lateResult`, beside those before it. A copy of
 * what is stored is a duplicate too, except for a cancelled request.
 */
export function withLateResult(
  request: RequestRecord,
  of: { data: ProviderEvent["data"]; digest: string; outcome: RequestRecord["status"] },
  context: DecisionContext,
): { request: RequestRecord; verdict: "duplicate" } | LateResult {
  const { data, digest, outcome } = of;
  const { status, result, error } = data;
  const { lateResultDigests = [], earlierLateResults = [], lateResult, outcomeDigest } = request;
  const isSameWord = outcomeDigest !== undefined && request.status === outcome;
  // A thin copy of the outcome says nothing that is not known.
  const isThin = isSameWord && result === undefined && error === undefined;
  const isKnown = outcomeDigest === digest || lateResultDigests.includes(digest) || isThin;
  // Stored before digests were: which result it is can only be told by its text.
  const isStored = lateResult !== undefined && lateResultDigests.length === 0;
  const late = { inline: JSON.stringify({ status, result, error }) };
  const isSameText = isStored && "inline" in lateResult && lateResult.inline === late.inline;
  if (isKnown || isSameText) {
    // No event tells an outcome of a cancelled request. The receive that stored it may have failed
    // before it told anybody: its copies tell it again.
    return request.status === "CANCELLED"
      ? { request, verdict: "late", nth: null }
      : { request, verdict: "duplicate" };
  }
  if (lateResultDigests.length >= MAX_LATE_RESULTS) return { request, verdict: "late", nth: null };
  const kept = {
    ...request,
    lateResult: late,
    lateResultDigests: [...lateResultDigests, digest],
    ...(lateResult ? { earlierLateResults: [...earlierLateResults, lateResult] } : {}),
  };
  const nth = kept.lateResultDigests.length;
  return { request: withDerivedFields(kept, context), verdict: "late", nth };
}

import { type Defect, defect, defectOf } from "./defect.ts";

const submit = "shared/core/requests/submission/submit-request.ts";
const head = "shared/core/requests/lanes/lane-head.ts";
const lanes = "shared/adapters/dynamo/dynamo-lanes.ts";
const steps = "shared/core/requests/sweep-steps.ts";

/** Defects of lanes: who may submit, what, when, and for how long a request may wait. */
export const laneDefects: readonly Defect[] = [
  // A worker that takes the lane of another one counts what that one took, and keeps its gap.
  defectOf(
    "lane-lease-ignored",
    "G5: two workers have one lane",
    [
      lanes,
      '"attribute_exists(lane) AND (attribute_not_exists(#owner) OR leaseUntilRealMs <= :now OR #owner = :owner)"',
      '"attribute_exists(lane) AND (attribute_exists(lane) OR leaseUntilRealMs <= :now OR #owner = :owner)"',
    ],
    [
      lanes,
      "const abandonedByPrevious = before.owner !== undefined;",
      "const abandonedByPrevious = before.owner === lease.owner;",
    ],
  ),
  defect(
    "hold-ignored",
    "G5: the next request does not wait for the one before",
    head,
    "if (holdUntilMs > nowMs) return { untilMs: holdUntilMs };",
    "",
  ),
  defect(
    "holder-not-read",
    "G5: a lane's holder is not looked at",
    head,
    "for (const holder of head.holders) {",
    "for (const holder of head.holders.slice(0, 0)) {",
  ),
  defect(
    "gap-ignored",
    "G5: no gap between two submissions",
    head,
    "if (nextSubmissionNotBeforeMs > context.nowMs) {",
    "if (nextSubmissionNotBeforeMs > context.nowMs * 2) {",
  ),
  defect(
    "gap-not-kept",
    "G5: the gap counts from before the call",
    submit,
    "const nextSubmissionNotBeforeMs = context.nowMs + gapMs;",
    "const nextSubmissionNotBeforeMs = context.nowMs + gapMs * 0;",
  ),
  defect(
    "limits-ignored",
    "G5: hours and limits are ignored",
    "shared/core/pace/choose-next.ts",
    'if (isUnlimited) return { atMs: nowMs, waitsFor: "now" };',
    'if (isUnlimited !== null) return { atMs: nowMs, waitsFor: "now" };',
  ),
  defect(
    "position-lost",
    "G5: a request joins its lane at any place",
    lanes,
    'if ("written" in first) return joinedFrom(first.written, now);',
    'if ("written" in first) return joinedFrom(first.written, now - Math.floor(Math.random() * 3_600_000));',
  ),
  // The request stays in its lane, or ends there by its queue timeout although nothing blocks it.
  defect(
    "lane-not-woken",
    "G4, G12: a lane is not woken up by the sweep",
    steps,
    "if (!postponed) return;",
    "if (postponed || !postponed) return;",
  ),
  // The sweep ends what has waited for too long, and a worker looks at the time before it claims.
  defectOf(
    "queue-timeout-after-sending",
    "G8: a request whose queue timeout has passed is sent, and ends by the timeout",
    [
      steps,
      "if (timeoutError(request, deps.context(), lane)) return timeOut(requestId, { lane });",
      'if (request.status !== "QUEUED" && timeoutError(request, deps.context(), lane)) return timeOut(requestId, { lane });',
    ],
    [submit, 'if (timedOut) return { kind: "unsubmittable", request, error: timedOut };', ""],
    [
      submit,
      "return { ...(await storeOutcome(claimed, outcome, gapMs)), call };",
      'if (timedOut && outcome.kind === "accepted") return { kind: "unsubmittable", request: claimed, error: timedOut };\n    return { ...(await storeOutcome(claimed, outcome, gapMs)), call };',
    ],
  ),
];

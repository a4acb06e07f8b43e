import type {
  Dependency,
  KeptUnclearReport,
  LaneAccount,
  OutboxEntry,
  RequestRecord,
} from "../../../shared/core/requests/state/record.ts";

/** Every member, the optional ones too: one that is added must be sampled. */
type Whole<Record> = { [Member in keyof Record]-?: Exclude<Record[Member], undefined> };

/** A request with every member that a request can have. */
export function wholeRequest(
  owner: LaneAccount,
  lane: string,
  requestId: string,
): Whole<RequestRecord> {
  const dependsOn: Whole<Dependency> = {
    ...{ requestId: "rq_1", on: "event", event: "connection.accepted", untilMs: 1, afterMs: 2 },
    ...{ unless: "message.reply", eventSinceMs: 3, unlessSinceMs: 4, metMs: 5 },
    ...{ ancestors: ["rq_1", "rq_0"], keys: ["key"] },
  };
  const report: Whole<KeptUnclearReport> = {
    ...{ kind: "contradictory", status: "FAILED", eventType: "CONNECTION_SENT" },
    ...{ body: "{}", source: "answer", atMs: 2, digest: "e" },
  };
  const entry: Whole<OutboxEntry> = {
    ...{ id: "workflow.created:r", type: "workflow.created", version: 1, claimedInVersion: 2 },
    ...{ sinceRealMs: 15, envelope: { inline: '{"a":"\\ud800 ü"}' }, raw: { key: "requests/r" } },
  };
  return {
    ...owner,
    ...{ lane, requestId, action: "connect", category: "other", group: "spring # 1" },
    ...{ isHigh: true, status: "FAILED", createdMs: 1_782_302_400_000, scheduledMs: 1 },
    ...{ joinedMs: 2, submittedMs: 3, finishedMs: 4, recurringId: "weekly", dependsOn },
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    parentSpanId: "00f067aa0ba902b7",
    ...{ dependents: ["rq_2"], correlationKeys: ["one", "other"], lanePosition: 5 },
    ...{ laneState: "holding", takenMs: 6, notAfterMs: 7, blockedAtJoinMs: 8, holdUntilMs: 9 },
    params: { inline: JSON.stringify({ text: "a long text ".repeat(60) }) },
    ...{ sealedParams: "sealed", sealedInput: "sealed too", isLogin: true, attempts: 10 },
    ...{ owner: "worker", sendingUntilRealMs: 11, providerRequestId: "provider's \ud83d\ude00" },
    result: { key: "requests/r/digest" },
    numbersAsText: true,
    error: { code: "CODE", message: "" },
    lateResult: { inline: "null" },
    earlierLateResults: [{ inline: "1" }, { key: "requests/r/late" }],
    ...{ lateResultDigests: ["one", "two"], unclearReports: [report], wasForbidden: true },
    ...{ outcomeDigest: "digest", pendingReason: "limits", deadlineMs: 12, endTries: 1 },
    ...{ actionDeadlineMs: 13, dueMs: 14, sweepAtRealMs: 15, polls: 16 },
    ...{ isStarted: true, lastEventMs: 17, firstAfterStartMs: 18, prompts: ["one", "other"] },
    ...{ nextSubmissionNotBeforeMs: 19, outbox: [entry], expiresMs: Date.UTC(2027, 0, 1) },
    version: 1,
  };
}

import { expect, test } from "vitest";
import { settingsSchema } from "../../shared/contracts/settings.ts";
import { holdAfterRestore } from "../../shared/core/requests/results/hold-restored.ts";
import type { Dependency, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { requestRulesOf } from "../../shared/core/requests/state/request-rules.ts";
import { requestRecord } from "../support/payloads/request-records.ts";

const nowMs = Date.UTC(2026, 5, 25, 12);
const context = { nowMs, nowRealMs: nowMs, rules: requestRulesOf(settingsSchema.parse({})) };

const held = (of: Partial<RequestRecord>) =>
  holdAfterRestore(requestRecord(undefined, of), context);

const dependsOn: Dependency = {
  ...{ requestId: "rq_1", on: "succeeded", untilMs: nowMs + 1, afterMs: 0, eventSinceMs: 0 },
  ...{ unlessSinceMs: 0, ancestors: ["rq_1"], keys: [] },
};

test.each<[string, Partial<RequestRecord>]>([
  ["waits in its lane", { status: "QUEUED", lanePosition: 5, joinedMs: 5 }],
  ["was being sent", { status: "SUBMITTING", lanePosition: 5, owner: "worker" }],
  ["whose time has come", { status: "SCHEDULED", scheduledMs: nowMs }],
  ["waits for another one", { status: "SCHEDULED", dependsOn }],
])("After a restore, a request that %s is UNKNOWN, holds its lane and keeps a place", (_, of) => {
  expect(held(of)).toMatchObject({
    status: "UNKNOWN",
    owner: undefined,
    laneState: "holding",
    holdUntilMs: nowMs + context.rules.unknownHoldMs,
    deadlineMs: nowMs + context.rules.unknownTimeoutMs,
    lanePosition: of.lanePosition ?? of.scheduledMs ?? requestRecord().createdMs,
  });
});

test.each<[string, Partial<RequestRecord>]>([
  ["whose time is to come", { status: "SCHEDULED", scheduledMs: nowMs + 1 }],
  ["that its provider has", { status: "RUNNING", providerRequestId: "p" }],
  ["that waits for a person", { status: "ACTION_REQUIRED" }],
  ["that is unknown already", { status: "UNKNOWN" }],
  ["that has ended", { status: "SUCCEEDED" }],
])("After a restore, a request %s stays as it is", (_, of) => {
  expect(held(of)).toBeUndefined();
});

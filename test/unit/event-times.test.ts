import fc from "fast-check";
import { expect, test } from "vitest";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import type { DecisionContext } from "../../shared/core/requests/state/decision-context.ts";
import { failRequest } from "../../shared/core/requests/state/endings.ts";
import { withProviderUpdate } from "../../shared/core/requests/state/provider-update.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";
import { runs } from "../support/runs/runs.ts";

const createdMs = Date.UTC(2026, 5, 25, 12);
const provider = providerClients["linked-api"];
const at = (nowMs: number): DecisionContext => ({ nowMs, nowRealMs: nowMs, rules: requestRules });
const running = () =>
  requestRecord(newOwner({ provider: "linked-api" }), {
    status: "RUNNING",
    createdMs,
    submittedMs: createdMs,
    providerRequestId: "wf-1",
  });

type Report = "started" | "prompt" | "completed";

const eventOf = (report: Report, ms: number | undefined): ProviderEvent => ({
  type: (
    {
      started: "workflow.started",
      prompt: "workflow.actionRequired",
      completed: "workflow.completed",
    } as const
  )[report],
  providerObjectId: "wf-1",
  discriminator: `${report}-${ms}`,
  ...(ms === undefined ? {} : { createdAt: new Date(ms).toISOString() }),
  data: {
    eventType: "UNKNOWN",
    status: report === "completed" ? "completed" : "running",
    result: {},
  },
});

/** Applies the reports, each at its time of arrival, and returns the times of the events by their type. */
function timesOf(
  reports: readonly { report: Report | "timeout"; ms?: number | undefined; nowMs: number }[],
) {
  let request: RequestRecord = running();
  for (const { report, ms, nowMs } of reports) {
    const isOpen = !["SUCCEEDED", "FAILED"].includes(request.status);
    if (report !== "timeout") {
      const update = { event: eventOf(report, ms) };
      request = withProviderUpdate(request, update, at(nowMs), provider).request;
    } else if (isOpen) {
      request = failRequest(request, { code: "C", message: "m" }, at(nowMs), provider);
    }
  }
  return request.outbox.map(({ type, envelope }) => {
    const { createdAt } = JSON.parse("inline" in envelope ? envelope.inline : "{}");
    return [type, Date.parse(createdAt) - createdMs] as const;
  });
}

// runs-on#539: events that arrive in another order than that in which they happened.
test("an event has the provider's time, in whatever order the webhooks arrive", () => {
  const [started, completed] = [2_000, 5_000].map((ms) => createdMs + ms);
  const nowMs = createdMs + 9_000;
  const expected = [
    ["workflow.started", 2_000],
    ["workflow.completed", 5_000],
  ];
  const inOrder = timesOf([
    { report: "started", ms: started, nowMs },
    { report: "completed", ms: completed, nowMs },
  ]);
  expect(inOrder).toEqual(expected);
  const reversed = timesOf([
    { report: "completed", ms: completed, nowMs },
    { report: "started", ms: started, nowMs: nowMs + 1_000 },
  ]);
  expect(reversed).toEqual(expected.toReversed());
});

test("an event without a provider's time has ours, and one from the future too", () => {
  const nowMs = createdMs + 3_000;
  expect(timesOf([{ report: "completed", nowMs }])).toEqual([["workflow.completed", 3_000]]);
  expect(timesOf([{ report: "completed", ms: nowMs + 60_000, nowMs }])).toEqual([
    ["workflow.completed", 3_000],
  ]);
});

test("a late start without a provider's time is before the end", () => {
  const times = timesOf([
    { report: "completed", nowMs: createdMs + 3_000 },
    { report: "started", nowMs: createdMs + 8_000 },
  ]);
  expect(times).toEqual([
    ["workflow.completed", 3_000],
    ["workflow.started", 2_999],
  ]);
});

test("the events of a request sort strictly by createdAt: created, started, prompts, end", () => {
  const reports = fc.array(
    fc.record({
      report: fc.constantFrom("started", "prompt", "completed", "timeout" as const),
      ms: fc.option(fc.integer({ min: -10_000, max: 10_000 }), { nil: undefined }),
      waitMs: fc.constantFrom(0, 1, 1_000),
    }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(reports, (some) => {
      let nowMs = createdMs;
      const timed = some.map(({ report, ms, waitMs }) => {
        nowMs += waitMs;
        return { report, ms: ms === undefined ? undefined : createdMs + ms, nowMs } as const;
      });
      const order = [
        ...["workflow.started", "workflow.actionRequired"],
        ...["workflow.completed", "workflow.lateResult"],
      ];
      const times = timesOf(timed);
      const byTime = times.toSorted((one, other) => one[1] - other[1]).map(([type]) => type);
      const byType = byTime.toSorted((one, other) => order.indexOf(one) - order.indexOf(other));
      expect(byTime).toEqual(byType);
      expect(new Set([0, ...times.map(([, ms]) => ms)]).size).toBe(times.length + 1);
      for (const [, ms] of times) expect(ms).toBeGreaterThan(0);
    }),
    runs(5_000),
  );
});

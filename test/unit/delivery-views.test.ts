import { describe, expect, test } from "vitest";
import {
  deliverySummary,
  deliveryView,
  recoveryView,
} from "../../shared/core/deliveries/state/delivery-views.ts";
import { hasEnded } from "../../shared/core/deliveries/state/record.ts";
import { webhookStatusOf } from "../../shared/core/deliveries/state/webhook-status.ts";
import {
  deliveryJob,
  deliveryRecord,
  webhookRecord,
} from "../support/payloads/delivery-records.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const noonMs = Date.parse(NOON);
const iso = (ms: number) => new Date(ms).toISOString();

const attempt = {
  ...{ cycle: 2, attemptNumber: 3, atMs: noonMs + 1, httpStatus: 500, durationMs: 12 },
  ...{ bodyStart: "oops", location: "/there" },
};
const delivery = deliveryRecord({
  ...{ deliveryId: "dl_1", clientId: "cl_1", webhookId: "wh_1", requestId: "rq_1" },
  ...{ createdMs: noonMs, cycle: 2, attemptsInCycle: 3, nextMs: noonMs + 2 },
  attemptHistory: [attempt],
});
const shown = {
  ...{ id: "dl_1", webhookId: "wh_1", eventId: "workflow.created:rq_1" },
  ...{ eventType: "workflow.created", status: "waiting", reason: undefined, cycle: 2 },
  ...{ nextAttemptAt: iso(noonMs + 2), createdAt: NOON },
};
const shownAttempt = { cycle: 2, n: 3, at: iso(noonMs + 1), httpStatus: 500, durationMs: 12 };

describe("A delivery as the API shows it", () => {
  test("It has its attempts and the time of the next one", () => {
    expect(deliveryView(delivery)).toStrictEqual({
      ...shown,
      attempts: [{ ...shownAttempt, bodyStart: "oops", location: "/there" }],
    });
  });

  test("In a list it has no texts of the endpoint's answers", () => {
    expect(deliverySummary(delivery)).toStrictEqual({ ...shown, attempts: [shownAttempt] });
  });

  test.each([
    ["is being attempted", { status: "delivering" as const }],
    ["has ended", { status: "failed" as const, reason: "gone" as const }],
  ])("While it %s it has no next attempt", (_, of) => {
    expect(deliveryView({ ...delivery, ...of, attemptHistory: [] })).toStrictEqual({
      ...{ ...shown, ...of, attempts: [], nextAttemptAt: undefined },
    });
  });

  test("One that waits for a time that is not known has no next attempt", () => {
    const view = deliveryView({ ...delivery, nextMs: undefined });
    expect(view).toMatchObject({ status: "waiting", nextAttemptAt: undefined });
  });
});

describe("A recovery as the API shows it", () => {
  const job = deliveryJob({
    ...{ jobId: "job_1", sinceMs: noonMs - 2, untilMs: noonMs - 1, createdMs: noonMs },
    ...{ examined: 3, changed: 2, skipped: 1 },
  });
  const running = {
    ...{ recoveryId: "job_1", status: "running", since: iso(noonMs - 2), until: iso(noonMs - 1) },
    ...{ eventTypes: undefined, examined: 3, recovered: 2, skipped: 1 },
    ...{ createdAt: NOON, finishedAt: undefined },
  };

  test("While it is running, it has its progress and no end", () => {
    expect(recoveryView(job)).toStrictEqual(running);
  });

  test("When it has ended, it has its end, and its types where it has some", () => {
    const eventTypes = ["workflow.*" as const];
    const done = { ...job, status: "done" as const, finishedMs: noonMs + 1, eventTypes };
    expect(recoveryView(done)).toStrictEqual({
      ...{ ...running, status: "done", finishedAt: iso(noonMs + 1), eventTypes: ["workflow.*"] },
    });
  });
});

describe("The status of one of a client's webhooks", () => {
  const disabled = {
    ...{ webhookId: "wh_1", status: "disabled" as const },
    ...{ disabledReason: "disabled_by_client", disabledAt: NOON },
  };
  const current = webhookRecord({ webhookId: "wh_2", previousWebhooks: [disabled] });

  test("That of the current one is its own", () => {
    expect(webhookStatusOf(current, "wh_2")).toBe(current);
  });

  test("That of an earlier one is how it ended", () => {
    expect(webhookStatusOf(current, "wh_1")).toBe(disabled);
  });

  test.each([
    ["of a client without one", undefined],
    ["that the client does not know any more", current],
  ])("One %s counts as deleted", (_, stored) => {
    expect(webhookStatusOf(stored, "wh_0")).toStrictEqual({ status: "deleted" });
  });
});

test.each([
  ["waiting", false],
  ["delivering", false],
  ["delivered", true],
  ["failed", true],
  ["cancelled", true],
] as const)("A delivery that is %s has ended: %s", (status, expected) => {
  expect(hasEnded({ status })).toBe(expected);
});

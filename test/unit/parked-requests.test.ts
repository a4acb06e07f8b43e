import { describe, expect, test } from "vitest";
import {
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  makeParkingSimulation,
  type ParkingPlan,
} from "../support/simulations/parking-simulation.ts";

const never = Number.POSITIVE_INFINITY;

/** From Friday 18:00 to Monday 09:00. */
const WEEKEND_MS = 63 * HOUR_MS;

async function parked(plan: Partial<ParkingPlan>) {
  const simulation = makeParkingSimulation({
    provider: "linked-api",
    startsMs: WEEKEND_MS,
    endsMs: WEEKEND_MS + 5 * MINUTE_MS,
    outcome: { isSuccess: true, n: 1 },
    ...plan,
  });
  await simulation.submit();
  const asked = (purpose: string) => simulation.calls.filter((one) => one.purpose === purpose);
  return { ...simulation, asked };
}

describe("A parked request", () => {
  test.each(["linked-api", "we-link"] as const)(
    "a request that %s parks for 63 hours succeeds, is submitted once, and costs a bounded number of polls",
    async (provider) => {
      const { now, asked, runUntil } = await parked({ provider });
      await runUntil(WEEKEND_MS);
      const pendingReason = provider === "linked-api" ? "outsideWorkingHours" : "QUEUED";
      expect(now()).toMatchObject({ status: "RUNNING", pendingReason });
      await runUntil(never);
      expect(now()).toMatchObject({ status: "SUCCEEDED", pendingReason: undefined });
      expect(asked("submit")).toHaveLength(1);
      expect(asked("poll").length).toBeLessThanOrEqual(13);
      expect(asked("cancel")).toEqual([]);
    },
  );

  test("the reason is gone when the workflow runs, and the time limit stands while it runs", async () => {
    const { now, runUntil } = await parked({ startsMs: HOUR_MS, endsMs: 40 * HOUR_MS });
    await runUntil(HOUR_MS - MINUTE_MS);
    expect(now().pendingReason).toBe("outsideWorkingHours");
    await runUntil(39 * HOUR_MS);
    expect(now()).toMatchObject({ status: "RUNNING", isStarted: true });
    expect(now().pendingReason).toBeUndefined();
    await runUntil(never);
    expect(now().status).toBe("SUCCEEDED");
  });

  test("a webhook that says that it runs takes the reason away", async () => {
    const { now, runUntil } = await parked({
      webhooks: [{ atMs: 2 * HOUR_MS, report: "started" }],
    });
    await runUntil(2 * HOUR_MS - MINUTE_MS);
    expect(now().pendingReason).toBe("outsideWorkingHours");
    await runUntil(2 * HOUR_MS + MINUTE_MS);
    expect(now().pendingReason).toBeUndefined();
  });
});

describe("A silent provider", () => {
  test.each(["hang", "error", "absent"] as const)(
    "a request fails 24 hours after the last answer that the provider has it, when it is silent (%s)",
    async (as) => {
      const silentMs = 30 * HOUR_MS;
      const silences = [{ fromMs: silentMs, untilMs: never, as }];
      const { now, asked, runUntil, sinceMs } = await parked({ silences });
      await runUntil(never);
      expect(now()).toMatchObject({ status: "FAILED", error: { code: "RESULT_TIMEOUT" } });
      expect(now().error?.message).toContain("sent no result in time");
      const heardMs = asked("poll").findLast(({ said }) => said !== "silent")?.atMs ?? 0;
      expect(heardMs).toBeGreaterThan(silentMs - 8 * HOUR_MS);
      const endMs = sinceMs() - heardMs - DAY_MS;
      expect(endMs).toBeGreaterThanOrEqual(10 * MINUTE_MS);
      expect(endMs).toBeLessThanOrEqual(32 * MINUTE_MS);
      // It was asked in between, and before each of the three ends.
      const silent = asked("poll").filter(({ said }) => said === "silent");
      expect(silent.length).toBeGreaterThanOrEqual(5);
    },
  );

  test("a provider that answers again right before the end keeps the request", async () => {
    const silences = [{ fromMs: 1, untilMs: DAY_MS + 3 * MINUTE_MS, as: "hang" as const }];
    const { now, asked, runUntil } = await parked({ silences });
    await runUntil(never);
    expect(now().status).toBe("SUCCEEDED");
    expect(now().endTries).toBeUndefined();
    expect(asked("cancel")).toEqual([]);
  });
});

describe("The end by the cap", () => {
  const plan = { startsMs: 20 * DAY_MS, endsMs: 21 * DAY_MS };

  test("a request that is still parked after 14 days is cancelled there and only then ends", async () => {
    const { now, calls, writes, runUntil, state } = await parked(plan);
    await runUntil(never);
    expect(state()).toBe("cancelled");
    expect(now()).toMatchObject({ status: "FAILED", error: { code: "RESULT_TIMEOUT" } });
    expect(now().error?.message).toBe(
      "The provider accepted the request and has not ended it within 14 days: it was cancelled there",
    );
    const cancel = calls.findIndex(({ purpose }) => purpose === "cancel");
    expect(calls.slice(cancel)).toEqual([expect.objectContaining({ said: "cancelled" })]);
    expect(calls[cancel]?.atMs).toBeGreaterThanOrEqual(14 * DAY_MS);
    expect(writes.filter(({ status }) => status === "FAILED").length).toBeGreaterThan(0);
  });

  test("a provider that cannot cancel is asked once more, and then the request ends", async () => {
    const { now, asked, runUntil } = await parked({ ...plan, provider: "we-link" });
    await runUntil(never);
    expect(now().status).toBe("FAILED");
    expect(now().error?.message).toContain("within 14 days: check there");
    expect(asked("poll").at(-1)?.atMs).toBeGreaterThanOrEqual(14 * DAY_MS);
    expect(asked("cancel")).toEqual([]);
  });

  test("a workflow that ends while it is being cancelled gives its result", async () => {
    // The provider refuses, because it has ended the workflow since the poll.
    const simulation = await parked({ ...plan, endsOnCancel: true });
    const { now, calls, runUntil } = simulation;
    await runUntil(never);
    expect(now().status).toBe("SUCCEEDED");
    const said = calls.slice(-3).map((one) => `${one.purpose} ${one.said}`);
    expect(said).toEqual(["poll pending", "cancel refused", "poll ended"]);
  });

  test("a workflow that runs and cannot be cancelled is polled again, a limited number of times", async () => {
    const { now, calls, runUntil } = await parked({ startsMs: DAY_MS, endsMs: never });
    await runUntil(never);
    expect(now().status).toBe("FAILED");
    const from = calls.findIndex(({ purpose }) => purpose === "cancel") - 1;
    const said = calls.slice(from).map((one) => `${one.purpose} ${one.said}`);
    const round = ["poll running", "cancel refused", "poll running"];
    expect(said).toEqual([...round, ...round, ...round]);
  });

  test("a process that is killed between the cancellation and the end leaves a request that ends", async () => {
    const whole = await parked(plan);
    await whole.runUntil(never);
    expect(whole.published.map(({ type }) => type).at(-1)).toBe("workflow.completed");
    // Kills the process at each of its last operations.
    for (let back = 0; back < 12; back++) {
      const { now, asked, published, runUntil } = await parked({
        ...plan,
        kills: [whole.operations() - back],
      });
      await runUntil(never);
      expect(now()).toMatchObject({ status: "FAILED", outbox: [] });
      expect(asked("submit")).toHaveLength(1);
      const ids = published.filter(({ type }) => type === "workflow.completed").map(({ id }) => id);
      expect(new Set(ids).size).toBe(1);
    }
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { requestRules } from "../support/payloads/request-rules.ts";
import {
  DAY_MS,
  MINUTE_MS,
  makeParkingSimulation,
  type ParkedOutcome,
  type ParkingPlan,
} from "../support/simulations/parking-simulation.ts";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";

/**
 * One request and a provider that parks it for up to three weeks: random polls, webhooks (lost,
 * late, repeated, contradicting), silences of every kind, and processes that are killed.
 */

const never = Number.POSITIVE_INFINITY;
const { resultTimeoutMs, pendingCapMs } = requestRules;

/** How late the sweep may be, and how long an end is put off at most. */
const END_GRACE_MS = 45 * MINUTE_MS;

/** The outcome that an event tells; a time limit tells none of the provider's. */
function contentOf(data: Record<string, unknown> = {}): string {
  const [, n] = /"n":(\d)|text (\d)/.exec(JSON.stringify(data))?.filter(Boolean) ?? [];
  return `${data.status === "completed"} ${n}`;
}

const hours = (max: number) => fc.integer({ min: 0, max: max * 12 }).map((n) => n * 5 * MINUTE_MS);

const outcome: fc.Arbitrary<ParkedOutcome> = fc.record({
  isSuccess: fc.boolean(),
  n: fc.nat({ max: 2 }),
});

const plan: fc.Arbitrary<ParkingPlan> = fc
  .record({
    provider: fc.constantFrom("linked-api" as const, "we-link" as const),
    startsMs: fc.oneof(hours(2), hours(70), hours(500)),
    runsMs: fc.oneof(hours(1), hours(60), fc.constant(never)),
    outcome,
    silences: fc.array(
      fc.record({
        fromMs: fc.oneof(hours(30), hours(360)),
        lengthMs: fc.oneof(hours(2), hours(30), hours(200)),
        as: fc.constantFrom("hang" as const, "error" as const, "absent" as const),
      }),
      { maxLength: 3 },
    ),
    /** Webhooks of the end, which come late, more than once, or with another content. */
    late: fc.array(fc.record({ afterMs: hours(200), other: fc.option(outcome) }), {
      maxLength: 4,
    }),
    isStartTold: fc.boolean(),
    endsOnCancel: fc.constantFrom(undefined, undefined, undefined, true as const),
    cancelsRunning: fc.boolean(),
    kills: fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 4 }),
    latenessMs: fc.nat({ max: MINUTE_MS }),
  })
  .map(({ runsMs, late, isStartTold, silences, endsOnCancel, ...of }) => {
    const endsMs = of.startsMs + runsMs;
    const ends = Number.isFinite(endsMs)
      ? late.map(({ afterMs, other }) => ({ atMs: endsMs + afterMs, report: other ?? of.outcome }))
      : [];
    const started = isStartTold ? [{ atMs: of.startsMs, report: "started" as const }] : [];
    return {
      ...of,
      endsMs,
      ...(endsOnCancel ? { endsOnCancel } : {}),
      silences: silences.map(({ fromMs, lengthMs, as }) => ({
        fromMs,
        untilMs: fromMs + lengthMs,
        as,
      })),
      webhooks: [...started, ...ends],
    };
  });

test(
  "no request ends as failed while its provider has it and says so, and each later outcome is one event",
  async () => {
    const seen = { succeeded: 0, silent: 0, capped: 0, cancelledThere: 0, late: 0, parkedLong: 0 };
    await fc.assert(
      fc.asyncProperty(plan, async (of) => {
        const simulation = makeParkingSimulation(of);
        await simulation.submit();
        await simulation.runUntil(never);
        const { calls, published } = simulation;
        const request = simulation.now();
        const { status, error, finishedMs = 0, submittedMs = 0 } = request;
        expect(calls.filter(({ purpose }) => purpose === "submit")).toHaveLength(1);
        expect(["SUCCEEDED", "FAILED"]).toContain(status);
        expect([request.outbox, request.pendingReason]).toEqual([[], undefined]);

        const endMs = finishedMs - submittedMs;
        const before = calls.filter(({ atMs, isLost }) => atMs <= endMs && !isLost);
        const hasIt = before.findLast(({ said }) => said === "pending" || said === "running");
        if (error?.code === "RESULT_TIMEOUT") {
          const heardMs = hasIt?.atMs ?? 0;
          const isCapped = endMs >= pendingCapMs;
          const isSilent = endMs - heardMs >= resultTimeoutMs;
          expect(isCapped || isSilent).toBe(true);
          // It was asked right before: nothing but silence, or that it cannot be cancelled, or that it was.
          const last = before
            .filter(({ atMs }) => atMs > endMs - END_GRACE_MS)
            .map((one) => one.said);
          expect(last.length).toBeGreaterThan(0);
          if (!isCapped) {
            expect(last).not.toContain("pending");
            expect(last).not.toContain("running");
          }
          const isCancelledThere = last.includes("cancelled");
          if (error.message.includes("cancelled there")) expect(isCancelledThere).toBe(true);
          seen[isCapped ? "capped" : "silent"]++;
          if (isCancelledThere) seen.cancelledThere++;
        }
        // The end comes in time.
        expect(endMs).toBeLessThanOrEqual(pendingCapMs + END_GRACE_MS);
        if (status === "SUCCEEDED") seen.succeeded++;
        if (status === "SUCCEEDED" && endMs > 2 * resultTimeoutMs) seen.parkedLong++;

        // Bounded costs: about three polls a day, and more only around its end.
        const polls = calls.filter(({ purpose }) => purpose === "poll");
        expect(polls.length).toBeLessThanOrEqual(
          16 + 4 * Math.ceil(endMs / DAY_MS) + 2 * (of.kills?.length ?? 0),
        );

        // Each outcome that differs from what was told is one event, with an id of its own.
        const eventsOf = (type: string) => published.filter((event) => event.type === type);
        const idsOf = (type: string) => new Set(eventsOf(type).map(({ id }) => id));
        expect(idsOf("workflow.completed").size).toBe(1);
        const told = contentOf(eventsOf("workflow.completed")[0]?.data);
        const others = new Set(simulation.outcomes.map(({ isSuccess, n }) => `${isSuccess} ${n}`));
        others.delete(told);
        expect(idsOf("workflow.lateResult").size).toBe(others.size);
        expect(new Set(eventsOf("workflow.lateResult").map(({ data }) => contentOf(data)))).toEqual(
          others,
        );
        if (others.size > 0) seen.late++;
      }),
      { numRuns: process.env.THOROUGH === "1" ? 10_000 : 500 },
    );
    for (const [what, count] of Object.entries(seen)) {
      expect([what, count]).toEqual([what, expect.toSatisfy((n) => n >= 5)]);
    }
  },
  LONG_TEST_TIMEOUT_MS,
);

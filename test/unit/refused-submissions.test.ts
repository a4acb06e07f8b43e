import { describe, expect, test } from "vitest";
import {
  answered,
  finished,
  makeWorkersSimulation,
} from "../support/simulations/workers-simulation.ts";

const MINUTE_MS = 60_000;
const pace = { minSeconds: 60, maxSeconds: 60 };

describe("a code pauses the account, wherever the provider says it", () => {
  const body = (code: string) => ({ status: code, message: "r" });

  // linkedin-api#307
  test.each([
    ["ACCOUNT_RESTRICTED", 400],
    ["WRONG_PASSWORD", 400],
    ["RECRUITER_ACKNOWLEDGEMENT_REQUIRED", 400],
    ["account_restricted", 403],
    ["ACCOUNT_RESTRICTED", 500],
    ["ACCOUNT_RESTRICTED", 200],
  ])(
    "A submission answered with %s and HTTP %i pauses the account until a person resumes it",
    async (...of) => {
      const [code, status] = of;
      const simulation = makeWorkersSimulation({
        pace,
        exchange: ({ n }) => (n === 1 ? answered(status, body(code)) : finished()),
      });
      const first = await simulation.accept({ accountId: "a", n: 1 });
      const second = await simulation.accept({ accountId: "a", n: 2 });
      const other = await simulation.accept({ accountId: "b", n: 3 });
      await simulation.runUntil(simulation.clock.businessMs() + 120 * MINUTE_MS);
      const { lane, ...ended } = await simulation.find(first.requestId);
      expect(ended).toMatchObject({ status: "FAILED", error: { code: code.toUpperCase() } });
      const paused = await simulation.lanes.find(lane);
      expect(paused?.pause).toMatchObject({ reason: code.toUpperCase() });
      expect((await simulation.find(second.requestId)).status).toBe("QUEUED");
      expect((await simulation.find(other.requestId)).submittedMs).toBeDefined();
      expect(simulation.calls.map(({ n }) => n).toSorted()).toEqual([1, 3]);
    },
  );

  test("A submission answered with STATUS_429 pauses its category for five hours, and no other", async () => {
    const simulation = makeWorkersSimulation({
      pace,
      exchange: ({ n }) => (n === 1 ? answered(400, body("STATUS_429")) : finished()),
    });
    const beginMs = simulation.clock.businessMs();
    const first = await simulation.accept({ accountId: "a", n: 1 });
    await simulation.accept({ accountId: "a", n: 2 });
    await simulation.accept({ accountId: "a", n: 3, action: "send_message_to_thread" });
    await simulation.runUntil(beginMs + 10 * 60 * MINUTE_MS);
    expect((await simulation.find(first.requestId)).error?.code).toBe("STATUS_429");
    expect(simulation.calls.map(({ n }) => n)).toEqual([1, 3, 2]);
    const [, other, next] = simulation.calls;
    expect(other?.fromMs).toBeLessThan(beginMs + 60 * MINUTE_MS);
    expect(next?.fromMs).toBeGreaterThanOrEqual(beginMs + 5 * 60 * MINUTE_MS);
  });
});

describe("a 403 is about the account until a second one is refused", () => {
  const forbidden = answered(403, { message: "Forbidden resource", error: "Forbidden" });

  function simulate(forbiddenAccounts: readonly string[]) {
    let pausedConnections = 0;
    const simulation = makeWorkersSimulation({
      pace,
      exchange: ({ accountId, n }) =>
        forbiddenAccounts.includes(accountId) && n === 1 ? forbidden : finished(),
      onPauseConnection: () => {
        pausedConnections++;
      },
      storedStatus: () => (pausedConnections > 0 ? "paused" : "active"),
    });
    return { simulation, pausedConnections: () => pausedConnections };
  }

  test("The other accounts of the connection go on, and so does the account once a person resumes it", async () => {
    const { simulation, pausedConnections } = simulate(["a"]);
    const first = await simulation.accept({ accountId: "a", n: 1 });
    const second = await simulation.accept({ accountId: "a", n: 2 });
    const others = await Promise.all(
      Array.from({ length: 20 }, (_, n) => simulation.accept({ accountId: `o${n}`, n: 10 + n })),
    );
    await simulation.runUntil(simulation.clock.businessMs() + 120 * MINUTE_MS);
    for (const { requestId } of others) {
      expect((await simulation.find(requestId)).submittedMs).toBeDefined();
    }
    const waiting = await simulation.find(first.requestId);
    expect(waiting).toMatchObject({ status: "QUEUED", attempts: 1 });
    expect((await simulation.lanes.find(waiting.lane))?.pause).toEqual({ reason: "FORBIDDEN" });

    await simulation.lanes.endAllPauses(waiting.lane, simulation.clock.businessMs());
    await simulation.runUntil(simulation.clock.businessMs() + 120 * MINUTE_MS);
    // What is forbidden again is not sent a third time.
    expect(await simulation.find(first.requestId)).toMatchObject({
      status: "FAILED",
      attempts: 2,
      error: { code: "FORBIDDEN", message: "Forbidden resource" },
    });
    expect((await simulation.find(second.requestId)).submittedMs).toBeDefined();
    expect(pausedConnections()).toBe(0);
  });

  test("A second account that is refused pauses the connection, and no request is lost", async () => {
    const { simulation, pausedConnections } = simulate(["a", "b"]);
    const ids = [
      (await simulation.accept({ accountId: "a", n: 1 })).requestId,
      (await simulation.accept({ accountId: "b", n: 1 })).requestId,
    ];
    await simulation.runUntil(simulation.clock.businessMs() + 30 * MINUTE_MS);
    expect(pausedConnections()).toBe(1);
    for (const id of ids) expect((await simulation.find(id)).status).toBe("QUEUED");
  });
});

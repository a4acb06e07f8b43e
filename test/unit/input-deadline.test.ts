import { expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { accepted, makeWorkersSimulation } from "../support/simulations/workers-simulation.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

type Simulation = ReturnType<typeof makeWorkersSimulation>;

/** A login whose provider asks for a PIN. */
async function prompted(of: { unreadable: unknown }) {
  let isBroken = false;
  const calls: number[] = [];
  const simulation: Simulation = makeWorkersSimulation({
    exchange: () => {
      calls.push(simulation.clock.businessMs());
      return accepted(`theirs-${calls.length}`);
    },
    onReadConnection: async () => {
      if (isBroken) throw of.unreadable;
    },
  });
  const login = await simulation.accept({ accountId: "a", n: 1, action: "login_v2" });
  await simulation.drain();
  await simulation.decode(login.requestId, "prompt");
  const { actionDeadlineMs = 0 } = await simulation.find(login.requestId);
  return {
    simulation,
    calls,
    requestId: login.requestId,
    deadlineMs: actionDeadlineMs,
    break: (value: boolean) => {
      isBroken = value;
    },
  };
}

test.each([
  ["cannot be opened", new Failure("DEPENDENCY_DOWN", "opening the connection's secrets failed")],
  ["cannot be read", new Error("an attribute of an unknown version")],
])(
  "an input whose connection %s ends at its deadline, frees the lane, and is never sent",
  async (_, unreadable) => {
    const { simulation, calls, requestId, deadlineMs, ...connection } = await prompted({
      unreadable,
    });
    const next = await simulation.accept({ accountId: "a", n: 2 });
    connection.break(true);
    expect((await simulation.continue(requestId, "123456")).status).toBe("SUBMITTING");
    await simulation.runUntil(deadlineMs - SECOND_MS);
    expect((await simulation.find(requestId)).status).toBe("SUBMITTING");
    const failed = [];
    for (let minute = 0; minute < 2; minute++) {
      simulation.pass(MINUTE_MS);
      failed.push(await simulation.sweep());
    }
    // Counted as a time limit, which raises an alarm.
    expect(failed.reduce((sum, { timedOut }) => sum + timedOut, 0)).toBe(1);
    expect(await simulation.find(requestId)).toMatchObject({
      status: "FAILED",
      error: { code: "ACTION_TIMEOUT" },
      sealedInput: undefined,
    });
    connection.break(false);
    await simulation.runUntil(deadlineMs + HOUR_MS);
    // The lane is free again: its next request was submitted, and nothing else.
    expect(calls).toHaveLength(2);
    expect((await simulation.find(next.requestId)).status).toBe("RUNNING");
  },
);

test("an input whose connection can be opened again in time is sent once", async () => {
  const { simulation, calls, requestId, deadlineMs, ...connection } = await prompted({
    unreadable: new Failure("DEPENDENCY_DOWN", "opening the connection's secrets failed"),
  });
  connection.break(true);
  await simulation.continue(requestId, "123456");
  await simulation.runUntil(deadlineMs - 5 * MINUTE_MS);
  connection.break(false);
  await simulation.runUntil(deadlineMs);
  expect((await simulation.find(requestId)).status).toBe("RUNNING");
  expect(calls).toHaveLength(2);
  expect(calls[1]).toBeLessThan(deadlineMs);
});

test("an input whose message comes after its deadline is not sent", async () => {
  const { simulation, calls, requestId, deadlineMs } = await prompted({ unreadable: undefined });
  simulation.pass(deadlineMs - SECOND_MS - simulation.clock.businessMs());
  await simulation.continue(requestId, "123456");
  simulation.pass(SECOND_MS);
  await simulation.drain();
  expect(calls).toHaveLength(1);
  await simulation.runUntil(deadlineMs + 3 * MINUTE_MS);
  expect(calls).toHaveLength(1);
  expect(await simulation.find(requestId)).toMatchObject({
    status: "FAILED",
    error: { code: "ACTION_TIMEOUT" },
  });
});

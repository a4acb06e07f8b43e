import { expect, test } from "vitest";
import { accepted, makeWorkersSimulation } from "../support/simulations/workers-simulation.ts";

const HOUR_MS = 3_600_000;

type Simulation = ReturnType<typeof makeWorkersSimulation>;

test("a worker that has cached the connection submits nothing after the connection was paused", async () => {
  let storedStatus: "active" | "paused" = "active";
  const simulation: Simulation = makeWorkersSimulation({
    storedStatus: () => storedStatus,
    exchange: ({ n }) => accepted(`theirs-${n}`),
  });
  const first = await simulation.accept({ accountId: "a", n: 1, action: "login_v2" });
  await simulation.drain();
  await simulation.decode(first.requestId, "prompt");
  storedStatus = "paused";
  await simulation.accept({ accountId: "b", n: 2 });
  await simulation.drain();
  expect(simulation.calls).toHaveLength(1);
  // Neither is a person's input, which the person may send again.
  await simulation.continue(first.requestId, "123456");
  await simulation.drain();
  expect(simulation.calls).toHaveLength(1);
  expect((await simulation.find(first.requestId)).status).toBe("ACTION_REQUIRED");
  storedStatus = "active";
  await simulation.continue(first.requestId, "123456");
  await simulation.runUntil(simulation.clock.businessMs() + HOUR_MS);
  expect(simulation.calls).toHaveLength(3);
});

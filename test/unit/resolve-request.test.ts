import { expect, test } from "vitest";
import { accepted, makeWorkersSimulation } from "../support/simulations/workers-simulation.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const noAnswer = { kind: "incomplete", reason: "TIMEOUT" } as const;

type Simulation = ReturnType<typeof makeWorkersSimulation>;

/** Two requests of one account; the submission of the first one gets no answer. */
async function unanswered() {
  const startMs = () => simulation.calls[0]?.fromMs ?? 0;
  const simulation: Simulation = makeWorkersSimulation({
    exchange: ({ n }) =>
      n === 1 ? { kind: "incomplete", reason: "TIMEOUT" } : accepted(`theirs-${n}`),
  });
  const first = await simulation.accept({ accountId: "a", n: 1 });
  const second = await simulation.accept({ accountId: "a", n: 2 });
  await simulation.drain();
  expect((await simulation.find(first.requestId)).status).toBe("UNKNOWN");
  return { simulation, startMs, first: first.requestId, second: second.requestId };
}

test("an UNKNOWN request that is resolved as submitted holds its lane as any running request (G5)", async () => {
  const { simulation, startMs, first, second } = await unanswered();
  await simulation.runUntil(startMs() + MINUTE_MS);
  expect((await simulation.submitted(first, "theirs-1")).status).toBe("RUNNING");
  await simulation.runUntil(startMs() + HOUR_MS - 1);
  expect((await simulation.find(second)).status).toBe("QUEUED");
  expect(simulation.calls).toHaveLength(1);
  await simulation.runUntil(startMs() + HOUR_MS + 5 * MINUTE_MS);
  expect((await simulation.find(second)).status).toBe("RUNNING");
});

test("the hold of a request that is resolved late began with its submission", async () => {
  const { simulation, startMs, first, second } = await unanswered();
  // The hold of an UNKNOWN request is over, and the next request has been submitted.
  await simulation.runUntil(startMs() + 20 * MINUTE_MS);
  expect((await simulation.find(second)).status).toBe("RUNNING");
  await simulation.runUntil(startMs() + 2 * HOUR_MS);
  await simulation.submitted(first, "theirs-1");
  expect(await simulation.find(first)).toMatchObject({ status: "RUNNING", laneState: undefined });
});

test("a request that is resolved as not submitted after the queue timeout is submitted, and its wait begins anew", async () => {
  const { simulation, startMs, first } = await unanswered();
  const { queueTimeoutMs } = simulation.rules;
  await simulation.runUntil(startMs() + queueTimeoutMs - MINUTE_MS);
  simulation.pass(30_000);
  const before = await simulation.find(first);
  expect(before.status).toBe("UNKNOWN");
  simulation.clock.passBusiness(31_000);
  await simulation.notSubmitted(first);
  await simulation.runUntil(simulation.clock.businessMs() + 5 * MINUTE_MS);
  const { status, attempts, lanePosition } = await simulation.find(first);
  expect({ status, attempts, lanePosition }).toEqual({
    status: "UNKNOWN",
    attempts: 2,
    lanePosition: before.lanePosition,
  });
});

test("a request that is resolved as not submitted is submitted although the lane cannot be woken then", async () => {
  let isDown = false;
  const simulation = makeWorkersSimulation({
    exchange: ({ n }) => (n === 1 && simulation.calls.length === 1 ? noAnswer : accepted("theirs")),
    step: (call, { who, name }) =>
      isDown && who === "api" && ["giveBack", "scheduleSweep", "send"].includes(name)
        ? Promise.reject(new Error("DynamoDB is down"))
        : call(),
  });
  const { requestId } = await simulation.accept({ accountId: "a", n: 1 });
  await simulation.drain();
  expect((await simulation.find(requestId)).status).toBe("UNKNOWN");
  isDown = true;
  await expect(simulation.notSubmitted(requestId)).rejects.toThrow("DynamoDB is down");
  isDown = false;
  await expect(simulation.notSubmitted(requestId)).rejects.toMatchObject({ code: "CONFLICT" });
  await simulation.runUntil(simulation.clock.businessMs() + HOUR_MS);
  expect((await simulation.find(requestId)).attempts).toBe(2);
});

test("a result frees the lane of a request that was resolved as submitted", async () => {
  const { simulation, startMs, first, second } = await unanswered();
  await simulation.submitted(first, "theirs-1");
  await simulation.decode(first, "done");
  await simulation.runUntil(startMs() + 5 * MINUTE_MS);
  expect((await simulation.find(second)).status).toBe("RUNNING");
});

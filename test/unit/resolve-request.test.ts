import { expect, test } from "vitest";
import {
  accepted,
  finished,
  makeWorkersSimulation,
  type Step,
} from "../support/simulations/workers-simulation.ts";

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

/** The table is down for the API from when it has stored a request on, once it is armed. */
function downAfterTheWrite() {
  let state: "up" | "armed" | "down" = "up";
  const step: Step = async (call, { who, name }) => {
    if (who === "api" && state === "down") throw new Error("DynamoDB is down");
    const result = await call();
    if (who === "api" && name === "replace" && state === "armed") state = "down";
    return result;
  };
  return {
    step,
    arm: () => {
      state = "armed";
    },
    end: () => {
      state = "up";
    },
  };
}

test("a request that is resolved as not submitted is submitted although the lane cannot be woken then", async () => {
  const table = downAfterTheWrite();
  const simulation: Simulation = makeWorkersSimulation({
    exchange: ({ n }) => (n === 1 && simulation.calls.length === 1 ? noAnswer : accepted("theirs")),
    step: table.step,
  });
  const { requestId } = await simulation.accept({ accountId: "a", n: 1 });
  await simulation.drain();
  expect((await simulation.find(requestId)).status).toBe("UNKNOWN");
  table.arm();
  await expect(simulation.notSubmitted(requestId)).rejects.toThrow("DynamoDB is down");
  table.end();
  await expect(simulation.notSubmitted(requestId)).rejects.toMatchObject({ code: "CONFLICT" });
  await simulation.runUntil(simulation.clock.businessMs() + HOUR_MS);
  expect((await simulation.find(requestId)).attempts).toBe(2);
});

test("a request that is resolved as not submitted is submitted within minutes although the lane cannot be woken then and others wait behind a limit that is used up", async () => {
  const table = downAfterTheWrite();
  const simulation = makeWorkersSimulation({
    account: { limits: [{ category: "stConnectionRequests", per: "day", max: 1 }] },
    exchange: ({ n, nth }) => (n === 1 && nth === 1 ? noAnswer : finished()),
    step: table.step,
  });
  const message = { accountId: "a", n: 1, action: "send_message_to_thread" };
  const { requestId } = await simulation.accept(message);
  await simulation.drain();
  for (let n = 2; n <= 7; n++) await simulation.accept({ accountId: "a", n });
  await simulation.runUntil(simulation.clock.businessMs() + HOUR_MS);
  expect(simulation.calls.map(({ n }) => n)).toEqual([1, 2]);
  const { status, lane } = await simulation.find(requestId);
  expect(status).toBe("UNKNOWN");
  table.arm();
  await expect(simulation.notSubmitted(requestId)).rejects.toThrow("DynamoDB is down");
  table.end();
  // A worker reads only the sub-queues that its lane knows.
  const { subQueues = [] } = (await simulation.lanes.find(lane)) ?? {};
  expect(subQueues.map(({ category }) => category)).toContain("stMessages");
  await simulation.runUntil(simulation.clock.businessMs() + 5 * MINUTE_MS);
  expect((await simulation.find(requestId)).status).toBe("SUCCEEDED");
  expect(simulation.calls.map(({ n }) => n)).toEqual([1, 2, 1]);
});

test("a result frees the lane of a request that was resolved as submitted", async () => {
  const { simulation, startMs, first, second } = await unanswered();
  await simulation.submitted(first, "theirs-1");
  await simulation.decode(first, "done");
  await simulation.runUntil(startMs() + 5 * MINUTE_MS);
  expect((await simulation.find(second)).status).toBe("RUNNING");
});

import { expect, test } from "vitest";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import {
  withClaimedOutbox,
  withDerivedFields,
  withOutboxEvents,
} from "../../shared/core/requests/state/request-state.ts";
import { NOON_MS } from "../support/noon.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";
import {
  accepted,
  finished,
  makeWorkersSimulation,
} from "../support/simulations/workers-simulation.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

type Simulation = ReturnType<typeof makeWorkersSimulation>;

/** The events of each request in the order of their publication. */
function byRequest(published: readonly FinalEvent[]): Map<string, string[]> {
  const events = new Map<string, string[]>();
  for (const { id } of published) {
    const [type = "", requestId = ""] = id.split(":");
    events.set(requestId, [...(events.get(requestId) ?? []), type]);
  }
  return events;
}

const inOrder = ["workflow.created", "workflow.started", "workflow.completed"];

test.each([5, 16, 25, 45])(
  "when the submit queue is %i s late, every request's events are published once and in order, without the sweep",
  async (lateSeconds) => {
    const simulation: Simulation = makeWorkersSimulation({});
    for (let n = 0; n < 200; n++) await simulation.accept({ accountId: `a-${n}`, n });
    simulation.pass(lateSeconds * SECOND_MS);
    await simulation.drain();
    const events = byRequest(simulation.published);
    expect(events.size).toBe(200);
    for (const types of events.values()) expect(types).toEqual(inOrder);
  },
);

test("a request that another worker submits before its own message is processed has its events in order", async () => {
  const simulation: Simulation = makeWorkersSimulation({});
  await simulation.accept({ accountId: "a", n: 1 });
  const [firstMessage] = simulation.queue.splice(0);
  const second = await simulation.accept({ accountId: "a", n: 2 });
  const late = simulation.queue.splice(0);
  if (firstMessage) simulation.queue.push(firstMessage);
  await simulation.drain();
  // The lane's next worker submits the second request; its own message is still in the queue.
  for (let minute = 0; minute < 4; minute++) {
    simulation.pass(MINUTE_MS / 3);
    await simulation.drain();
  }
  expect((await simulation.find(second.requestId)).status).toBe("SUCCEEDED");
  expect(byRequest(simulation.published).get(second.requestId)).toBeUndefined();
  simulation.queue.push(...late);
  await simulation.drain();
  expect(byRequest(simulation.published).get(second.requestId)).toEqual(inOrder);
});

test("the event of an acceptance leaves the outbox with the write that takes the request, or at the end of the batch", async () => {
  for (const status of ["active", "paused"] as const) {
    const replaced: string[] = [];
    const simulation: Simulation = makeWorkersSimulation({
      exchange: () => accepted("theirs-1"),
      storedStatus: () => status,
      step: (call, { name }) => {
        if (["publish", "replace", "exchange"].includes(name)) replaced.push(name);
        return call();
      },
    });
    const { requestId } = await simulation.accept({ accountId: "a", n: 1 });
    await simulation.drain();
    const { outbox } = await simulation.find(requestId);
    expect(outbox).toEqual([]);
    const submission = ["exchange", "replace", "publish", "replace"];
    expect(replaced).toEqual(["publish", "replace", ...(status === "active" ? submission : [])]);
    simulation.pass(2 * MINUTE_MS);
    await simulation.sweep();
    const types =
      status === "active" ? ["workflow.created", "workflow.started"] : ["workflow.created"];
    expect(byRequest(simulation.published).get(requestId)).toEqual(types);
  }
});

test("when the message of an acceptance is lost, the sweep publishes what it would have published, and what came after it", async () => {
  const simulation: Simulation = makeWorkersSimulation({});
  const ids: string[] = [];
  for (let n = 0; n < 300; n++) {
    ids.push((await simulation.accept({ accountId: `a-${n}`, n })).requestId);
  }
  simulation.queue.length = 0;
  simulation.pass(2 * MINUTE_MS);
  const { published } = await simulation.sweep();
  expect(published).toBe(300);
  await simulation.drain();
  const events = byRequest(simulation.published);
  for (const id of ids) expect(events.get(id)).toEqual(inOrder);
});

test("when a late message and the sweep process one request at the same time, its events are published once", async () => {
  for (const first of ["sweep", "worker"] as const) {
    let meanwhile: (() => Promise<void>) | undefined;
    const simulation: Simulation = makeWorkersSimulation({
      step: async (call, { who, name }) => {
        const isMoment =
          who === first && name === (first === "sweep" ? "replace" : "findWithLanes");
        const result = await call();
        if (isMoment && meanwhile) {
          const run = meanwhile;
          meanwhile = undefined;
          await run();
        }
        return result;
      },
    });
    const { requestId } = await simulation.accept({ accountId: "a", n: 1 });
    simulation.pass(40 * SECOND_MS);
    const steps = { sweep: async () => void (await simulation.sweep()), worker: simulation.drain };
    meanwhile = first === "sweep" ? steps.worker : steps.sweep;
    await steps[first]();
    await simulation.drain();
    simulation.pass(2 * MINUTE_MS);
    await simulation.sweep();
    await simulation.drain();
    expect(byRequest(simulation.published).get(requestId)).toEqual(inOrder);
  }
});

test("an event that the bus refuses for a while holds back the events of its own request only", async () => {
  let isDown = true;
  const simulation: Simulation = makeWorkersSimulation({
    publish: async (events) => !(isDown && events.some(({ type }) => type === "workflow.created")),
  });
  const { requestId } = await simulation.accept({ accountId: "a", n: 1 });
  await simulation.drain();
  expect((await simulation.find(requestId)).status).toBe("SUCCEEDED");
  expect(simulation.published).toEqual([]);
  isDown = false;
  simulation.pass(MINUTE_MS);
  await simulation.sweep();
  expect(byRequest(simulation.published).get(requestId)).toEqual(inOrder);
});

test("an event that is written while an earlier one is being published follows it at once", async () => {
  let ended = false;
  const simulation: Simulation = makeWorkersSimulation({
    exchange: () => accepted("theirs-1"),
    publish: async (events) => {
      if (!ended && events.some(({ type }) => type === "workflow.started")) {
        ended = true;
        // The result arrives while the start is being published.
        await simulation.decode(requestId, "done");
        expect(byRequest(simulation.published).get(requestId)).toEqual(["workflow.created"]);
      }
      return true;
    },
  });
  const { requestId } = await simulation.accept({ accountId: "a", n: 1 });
  await simulation.drain();
  expect(byRequest(simulation.published).get(requestId)).toEqual(inOrder);
});

test("events that waited for the bus are published by one run of the sweep, also when they are more than a page", async () => {
  let isDown = true;
  const simulation: Simulation = makeWorkersSimulation({ publish: async () => !isDown });
  for (let n = 0; n < 600; n++) await simulation.accept({ accountId: `a-${n}`, n });
  await simulation.drain();
  simulation.pass(MINUTE_MS);
  await simulation.sweep();
  expect(simulation.published).toEqual([]);
  isDown = false;
  simulation.pass(MINUTE_MS);
  await simulation.sweep();
  const events = byRequest(simulation.published);
  expect(events.size).toBe(600);
  for (const types of events.values()) expect(types).toEqual(inOrder);
});

test("a request without a result in the answer has its start before its end", async () => {
  const simulation: Simulation = makeWorkersSimulation({
    exchange: ({ n }) => (n === 1 ? accepted("theirs-1") : finished()),
  });
  const { requestId } = await simulation.accept({ accountId: "a", n: 1 });
  await simulation.drain();
  await simulation.decode(requestId, "done");
  expect(byRequest(simulation.published).get(requestId)).toEqual(inOrder);
});

test("An event that is added shortly before its request expires is published, although the bus is down at that time", async () => {
  let isDown = false;
  const retentionMs = 3 * 24 * 60 * MINUTE_MS;
  const simulation: Simulation = makeWorkersSimulation({
    rules: { retentionMs },
    exchange: () => accepted("theirs-1"),
    publish: async () => !isDown,
  });
  const { requestId } = await simulation.accept({ accountId: "a", n: 1 });
  await simulation.drain();
  await simulation.decode(requestId, "done");
  simulation.pass(retentionMs - MINUTE_MS);
  isDown = true;
  await simulation.decode(requestId, { failed: "PROXY_ERROR" });
  await simulation.runUntil(simulation.clock.businessMs() + 60 * MINUTE_MS);
  expect(byRequest(simulation.published).get(requestId)).toEqual(inOrder);
  isDown = false;
  await simulation.runUntil(simulation.clock.businessMs() + 5 * MINUTE_MS);
  const told = byRequest(simulation.published).get(requestId);
  expect(told).toEqual([...inOrder, "workflow.lateResult"]);
  // It is kept for the event only.
  await expect(simulation.find(requestId)).rejects.toThrow("there is no such request");
});

test("A request that has ended is kept for 14 days after an event was added, if its own time is shorter, and not longer by who tries to publish it", () => {
  const dayMs = 24 * 60 * MINUTE_MS;
  const at = (days: number, retentionDays = 3) => {
    const nowMs = NOON_MS + days * dayMs;
    const rules = { ...requestRules, retentionMs: retentionDays * dayMs };
    return { nowMs, nowRealMs: nowMs, rules };
  };
  const expiry = (days: number) => NOON_MS + days * dayMs;
  const event = { id: "e", type: "workflow.lateResult", clientId: "cl_1", envelope: "{}" } as const;
  const ended = requestRecord(newOwner(), { status: "FAILED", finishedMs: NOON_MS });
  expect(withOutboxEvents(ended, at(2, 90), event).expiresMs).toBe(expiry(90));
  const told = withOutboxEvents(ended, at(2), event);
  expect(told.expiresMs).toBe(expiry(16));
  const claimed = withClaimedOutbox(told, at(9));
  expect(claimed.expiresMs).toBe(expiry(16));
  expect(withDerivedFields({ ...claimed, outbox: [] }, at(10)).expiresMs).toBe(expiry(3));
  const running = requestRecord(newOwner(), { status: "RUNNING", deadlineMs: NOON_MS });
  expect(withOutboxEvents(running, at(2), event).expiresMs).toBeUndefined();
});

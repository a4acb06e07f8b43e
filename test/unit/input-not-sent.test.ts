import { expect, test } from "vitest";
import type { CallResult } from "../../shared/core/requests/state/ports.ts";
import {
  accepted,
  answered,
  makeWorkersSimulation,
} from "../support/simulations/workers-simulation.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const PIN = "123456";

type Simulation = ReturnType<typeof makeWorkersSimulation>;

const unreached: CallResult = { kind: "notSent", reason: "ECONNREFUSED" };
const unanswered: CallResult = { kind: "incomplete", reason: "TIMEOUT" };

/** A login that waits for a PIN: the first PIN is answered like this, later ones are accepted. */
async function prompted(answer: CallResult = accepted("theirs")) {
  const answers = [accepted("theirs"), answer];
  const world = { storedStatus: "active" as "active" | "paused", diesAtPublish: false };
  const simulation: Simulation = makeWorkersSimulation({
    exchange: () => answers.shift() ?? accepted("theirs"),
    storedStatus: () => world.storedStatus,
    kill({ name }) {
      if (name !== "publish" || !world.diesAtPublish) return undefined;
      world.diesAtPublish = false;
      return "before";
    },
  });
  const { requestId } = await simulation.accept({ accountId: "a", n: 1, action: "login_v2" });
  await simulation.drain();
  await simulation.decode(requestId, "prompt");
  const prompts = () =>
    simulation.published.filter(({ type }) => type === "workflow.actionRequired");
  const promptIds = () => prompts().map(({ id }) => id);
  const idOf = (n: number) => `workflow.actionRequired:${requestId}:${n}`;
  const statusNow = async () => (await simulation.find(requestId)).status;
  const sent = () => simulation.calls.filter(({ action }) => action === "login_code").length;
  expect(promptIds()).toEqual([idOf(1)]);
  return { simulation, world, requestId, prompts, promptIds, idOf, statusNow, sent };
}

test.each([
  ["that does not reach the provider", unreached],
  ["that the provider answers with 429", answered(429, {})],
  ["that the provider refuses", answered(400, { status: "PIN_WRONG", message: "r" })],
])("An input %s is asked for again by an event, and the next one is sent", async (_, answer) => {
  const { simulation, requestId, prompts, promptIds, idOf, statusNow, sent } =
    await prompted(answer);
  await simulation.continue(requestId, PIN);
  await simulation.drain();
  expect(await statusNow()).toBe("ACTION_REQUIRED");
  expect(promptIds()).toEqual([idOf(1), idOf(2)]);
  const [first, again] = prompts().map(({ envelope }) => JSON.parse(envelope));
  expect(again.data).toMatchObject({
    ...{ requestId, providerRequestId: "theirs" },
    ...{ status: "action_required", eventType: "LOGIN_PIN_REQUIRED" },
  });
  expect(Date.parse(again.createdAt)).toBeGreaterThan(Date.parse(first.createdAt));
  // A copy of the provider's webhook is still a copy.
  await simulation.decode(requestId, "prompt");
  await simulation.continue(requestId, PIN);
  await simulation.drain();
  expect([await statusNow(), sent()]).toEqual(["RUNNING", 2]);
  expect(promptIds()).toHaveLength(2);
});

test("An input whose worker dies before it has published that it asks again is asked for once", async () => {
  const { simulation, world, requestId, promptIds, idOf } = await prompted(unreached);
  world.diesAtPublish = true;
  await simulation.continue(requestId, PIN);
  await simulation.drain();
  expect([world.diesAtPublish, promptIds()]).toEqual([false, [idOf(1)]]);
  await simulation.runUntil(simulation.clock.businessMs() + 5 * MINUTE_MS);
  expect(promptIds()).toEqual([idOf(1), idOf(2)]);
});

test("An input of a paused connection is asked for again while there is time, and ends the request at its deadline", async () => {
  const { simulation, world, requestId, promptIds, idOf, sent } = await prompted();
  const { actionDeadlineMs = 0 } = await simulation.find(requestId);
  world.storedStatus = "paused";
  await simulation.continue(requestId, PIN);
  await simulation.drain();
  expect(promptIds()).toEqual([idOf(1), idOf(2)]);
  simulation.pass(actionDeadlineMs - SECOND_MS - simulation.clock.businessMs());
  await simulation.continue(requestId, PIN);
  simulation.pass(SECOND_MS);
  await simulation.runUntil(actionDeadlineMs + 3 * MINUTE_MS);
  expect([promptIds().length, sent()]).toEqual([2, 0]);
  expect((await simulation.find(requestId)).error?.code).toBe("ACTION_TIMEOUT");
});

test("An input that a person resolves as not submitted is asked for again", async () => {
  const { simulation, requestId, promptIds, idOf, statusNow } = await prompted(unanswered);
  await simulation.continue(requestId, PIN);
  await simulation.drain();
  expect(await statusNow()).toBe("UNKNOWN");
  await simulation.notSubmitted(requestId);
  expect(await statusNow()).toBe("ACTION_REQUIRED");
  await simulation.runUntil(simulation.clock.businessMs() + 5 * MINUTE_MS);
  expect(promptIds()).toEqual([idOf(1), idOf(2)]);
});

test("A repeated call with the key of an input that was not sent is refused, and one with a new key sends it once", async () => {
  const { simulation, requestId, statusNow, sent } = await prompted(unreached);
  const call = (key: string) => simulation.continue(requestId, PIN, key);
  await call("first");
  expect((await call("first")).status).toBe("SUBMITTING");
  await simulation.drain();
  await expect(call("first")).rejects.toMatchObject({
    code: "CONFLICT",
    message: expect.stringContaining("with a new key"),
  });
  await simulation.drain();
  expect([await statusNow(), sent()]).toEqual(["ACTION_REQUIRED", 1]);
  await call("second");
  await simulation.drain();
  for (const key of ["first", "second"]) expect((await call(key)).status).toBe("RUNNING");
  await simulation.drain();
  expect(sent()).toBe(2);
});

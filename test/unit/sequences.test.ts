import { describe, expect, test } from "vitest";
import type { DependencyInput } from "../../shared/contracts/http/dependencies.ts";
import {
  ACCOUNT,
  makeSequenceSimulation,
  type SequenceSimulation,
} from "../support/simulations/sequence-simulation.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const person = "jane-doe";
const reply = { status: "SUCCESS", event_type: "MESSAGE_REPLY" };
const acceptance = { status: "SUCCESS", event_type: "CONNECTION_ACCEPTED" };
const sent = ({ calls }: SequenceSimulation) => calls.map(({ action }) => action);

/** An invitation that was submitted, and its provider's id. */
async function invited() {
  const simulation = makeSequenceSimulation({});
  const { requestId } = await simulation.accept({ action: "connect", person });
  await simulation.runFor(MINUTE_MS);
  const { providerRequestId = "" } = simulation.calls[0] ?? {};
  const end = (body: object = { status: "SUCCESS", result: { connected: true } }) =>
    simulation.webhook({ ...body, request_id: providerRequestId });
  const follow = (dependsOn: Partial<DependencyInput> = {}, action = "send_message") =>
    simulation.accept({
      ...{ action, person },
      dependsOn: { requestId, on: "succeeded", within: "P14D", ...dependsOn },
    });
  return { simulation, requestId, providerRequestId, end, follow };
}

const onAccepted = { on: "event", event: "connection.accepted" } as const;

describe("a request that depends on the success of another", () => {
  test("It waits for the success and its delay, is shown with what it waits for, and is sent then", async () => {
    const { simulation, end, follow, requestId } = await invited();
    const { requestId: id, ...view } = await follow({ after: "PT2H" });
    expect(view).toMatchObject({
      status: "SCHEDULED",
      waitsFor: "dependency",
      dependsOn: { requestId, on: "succeeded", afterSeconds: 7_200 },
    });
    await simulation.runFor(3 * HOUR_MS);
    await end();
    await simulation.drain();
    expect(await simulation.get(id)).toMatchObject({ waitsFor: "schedule" });
    await simulation.runFor(2 * HOUR_MS - 2 * MINUTE_MS);
    expect(sent(simulation)).toEqual(["connect"]);
    await simulation.runFor(4 * MINUTE_MS);
    expect(sent(simulation)).toEqual(["connect", "send_message"]);
  });

  test("It is released at once when the other one has succeeded before, counted from its end", async () => {
    const { simulation, end, follow } = await invited();
    await end();
    await simulation.runFor(DAY_MS);
    const { requestId } = await follow({ after: "PT12H" });
    await simulation.runFor(2 * MINUTE_MS);
    expect((await simulation.find(requestId)).status).toBe("RUNNING");
  });

  test.each([
    ["fails", { status: "FAILED", error: "PROFILE_NOT_FOUND" }],
    ["failed before", { status: "FAILED", error: "PROFILE_NOT_FOUND" }],
  ])("It ends DEPENDENCY_FAILED when the other one %s", async (when, body) => {
    const { simulation, end, follow } = await invited();
    if (when === "failed before") {
      await end(body);
      await simulation.drain();
    }
    const { requestId } = await follow();
    if (when === "fails") await end(body);
    await simulation.drain();
    expect(await simulation.find(requestId)).toMatchObject({
      status: "FAILED",
      error: { code: "DEPENDENCY_FAILED" },
    });
    expect(simulation.published.map(({ id }) => id)).toContain(`workflow.completed:${requestId}`);
  });

  test("It ends DEPENDENCY_FAILED when the other one is cancelled", async () => {
    const simulation = makeSequenceSimulation({});
    const first = await simulation.accept({ action: "connect", person });
    const dependsOn = { requestId: first.requestId, on: "succeeded", within: 600 } as const;
    const second = await simulation.accept({ action: "send_message", person, dependsOn });
    await simulation.cancel(first.requestId);
    await simulation.drain();
    const { error } = await simulation.find(second.requestId);
    expect(error).toEqual({
      code: "DEPENDENCY_FAILED",
      message: expect.stringContaining("CANCELLED"),
    });
  });

  test("It ends DEPENDENCY_EXPIRED when the other one has not succeeded in time", async () => {
    const { simulation, follow } = await invited();
    const { requestId } = await follow({ within: 600 });
    await simulation.runFor(9 * MINUTE_MS);
    expect((await simulation.find(requestId)).status).toBe("SCHEDULED");
    await simulation.runFor(3 * MINUTE_MS);
    expect((await simulation.find(requestId)).error?.code).toBe("DEPENDENCY_EXPIRED");
  });

  test.each([
    ["while it waits for the other one", {}, undefined],
    ["before the end of its delay", { after: "PT2H" }, { status: "SUCCESS", result: {} }],
  ])("It ends EXPIRED_NOT_AFTER when its `notAfter` passes %s", async (_, dependsOn, result) => {
    const { simulation, end, requestId } = await invited();
    const notAfter = new Date(simulation.clock.businessMs() + HOUR_MS).toISOString();
    const follower = await simulation.accept({
      ...{ action: "send_message", person, notAfter },
      dependsOn: { requestId, on: "succeeded", within: "P14D", ...dependsOn },
    });
    if (result) await end(result);
    await simulation.runFor(HOUR_MS + 2 * MINUTE_MS);
    expect(await simulation.find(follower.requestId)).toMatchObject({
      status: "FAILED",
      error: { code: "EXPIRED_NOT_AFTER" },
    });
    expect(sent(simulation)).toEqual(["connect"]);
  });

  test("It ends within a minute after its `notAfter`, also where no other check of it is near", async () => {
    const { simulation, requestId } = await invited();
    const notAfterMs = simulation.clock.businessMs() + 20 * MINUTE_MS;
    const follower = await simulation.accept({
      ...{ action: "send_message", person, notAfter: new Date(notAfterMs).toISOString() },
      dependsOn: { requestId, on: "succeeded", within: "P14D" },
    });
    await simulation.runFor(21 * MINUTE_MS);
    const { error, finishedMs = 0 } = await simulation.find(follower.requestId);
    expect(error?.code).toBe("EXPIRED_NOT_AFTER");
    expect(finishedMs - notAfterMs).toBeLessThanOrEqual(MINUTE_MS);
  });

  test("It can be cancelled while it waits, and is not released then", async () => {
    const { simulation, end, follow } = await invited();
    const { requestId } = await follow();
    await simulation.cancel(requestId);
    await end();
    await simulation.runFor(HOUR_MS);
    expect(sent(simulation)).toEqual(["connect"]);
  });

  test("In a chain of three, each follows the one before it, and the failure of one ends all behind it", async () => {
    for (const fails of [false, true]) {
      const { simulation, end, follow } = await invited();
      const second = await follow();
      const third = await follow({ requestId: second.requestId }, "send_inmail_message");
      await end(fails ? { status: "FAILED", error: "PROFILE_NOT_FOUND" } : undefined);
      await simulation.runFor(5 * MINUTE_MS);
      const { error } = await simulation.find(third.requestId);
      expect(error?.code).toBe(fails ? "DEPENDENCY_FAILED" : undefined);
      if (fails) continue;
      expect(sent(simulation)).toEqual(["connect", "send_message"]);
      const { providerRequestId } = simulation.calls[1] ?? {};
      await simulation.webhook({ status: "SUCCESS", request_id: providerRequestId, result: {} });
      await simulation.runFor(5 * MINUTE_MS);
      expect(sent(simulation)).toEqual(["connect", "send_message", "send_inmail_message"]);
    }
  });
});

describe("a request that depends on an event", () => {
  test.each([
    ["the id of the request", { byId: true }],
    ["the person's id", { result: { profile_id: "Jane-Doe" } }],
    [
      "the person's profile",
      { result: { profile_url: "https://www.linkedin.com/in/jane-doe/?x=1" } },
    ],
  ])("An event that has %s releases it", async (_, { byId, ...more }: JsonBody) => {
    const { simulation, end, follow, providerRequestId } = await invited();
    const { requestId } = await follow({ ...onAccepted, after: "PT1H" });
    await end();
    await simulation.drain();
    const request_id = byId ? providerRequestId : "another";
    await simulation.webhook({ ...acceptance, request_id, ...more });
    await simulation.drain();
    expect((await simulation.get(requestId)).dependsOn?.metAt).toBeDefined();
    await simulation.runFor(HOUR_MS + 2 * MINUTE_MS);
    expect(sent(simulation)).toEqual(["connect", "send_message"]);
  });

  test.each([
    ["another person", { result: { profile_id: "john-doe" } }],
    ["another account", { accountId: "acc-2", result: { profile_id: person } }],
  ])("An event about %s releases nothing", async (_, more) => {
    const { simulation, end, follow } = await invited();
    const { requestId } = await follow(onAccepted);
    await end();
    await simulation.webhook({ ...acceptance, request_id: "another", ...more });
    await simulation.runFor(2 * HOUR_MS);
    expect((await simulation.find(requestId)).status).toBe("SCHEDULED");
  });

  test("An event that was received before the request counts, and one before its predecessor does not", async () => {
    const body = { ...acceptance, request_id: "another", result: { profile_id: person } };
    const { simulation, follow } = await invited();
    await simulation.webhook(body);
    await simulation.runFor(HOUR_MS);
    const { requestId } = await follow(onAccepted);
    await simulation.runFor(2 * MINUTE_MS);
    expect((await simulation.find(requestId)).status).not.toBe("SCHEDULED");

    const other = makeSequenceSimulation({});
    await other.webhook(body);
    other.pass(MINUTE_MS);
    const first = await other.accept({ action: "connect", person });
    const dependsOn = { ...onAccepted, requestId: first.requestId, within: 600 };
    const second = await other.accept({ action: "send_message", person, dependsOn });
    await other.drain();
    expect((await other.find(second.requestId)).status).toBe("SCHEDULED");
  });
});

test("The answer of a submission is stored although many requests begin to depend on the request at that moment", async () => {
  const dependents = 20;
  let registered = 0;
  const simulation: SequenceSimulation = makeSequenceSimulation({
    step: async (call, { who, name }) => {
      const isStored = who === "submit" && name === "replace" && simulation.calls.length > 0;
      if (isStored && registered < dependents) {
        registered++;
        await simulation.accept(
          {
            ...{ action: "send_message", person },
            dependsOn: { requestId, on: "succeeded", within: "P14D" },
          },
          "another",
        );
      }
      return call();
    },
  });
  const { requestId } = await simulation.accept({ action: "connect", person });
  await simulation.submit();
  expect(registered).toBe(dependents);
  expect((await simulation.find(requestId)).status).toBe("RUNNING");
});

test("A cancel while the request is being submitted is answered 503, because its provider may refuse it", async () => {
  let answer: unknown;
  const simulation: SequenceSimulation = makeSequenceSimulation({
    step: async (call, { name }) => {
      if (name === "answer") {
        answer = await simulation.cancel(requestId, "canceller").catch((error: unknown) => error);
      }
      return call();
    },
  });
  const { requestId } = await simulation.accept({ action: "connect", person });
  await simulation.runFor(MINUTE_MS);
  expect(answer).toMatchObject({ code: "DEPENDENCY_DOWN" });
  await expect(simulation.cancel(requestId)).rejects.toMatchObject({ code: "CONFLICT" });
});

describe("a request that is not sent after a reply", () => {
  test("A reply stops it while it waits, while it is scheduled and while it is queued", async () => {
    for (const state of ["waiting", "scheduled", "queued"]) {
      const { simulation, end, follow } = await invited();
      // The invitation holds the lane, so that the message stays queued.
      const after = state === "scheduled" ? "PT1H" : 0;
      const { requestId } = await follow({ ...onAccepted, after, unless: "message.reply" });
      const about = { request_id: "another", result: { profile_id: person }, accountId: ACCOUNT };
      if (state === "scheduled") await end();
      if (state !== "waiting") await simulation.webhook({ ...acceptance, ...about });
      await simulation.drain();
      const { status } = await simulation.find(requestId);
      expect(status).toBe(state === "queued" ? "QUEUED" : "SCHEDULED");
      await simulation.webhook({ ...reply, ...about });
      await simulation.drain();
      expect(await simulation.find(requestId)).toMatchObject({
        status: "FAILED",
        error: { code: "DEPENDENCY_STOPPED" },
      });
      await simulation.runFor(DAY_MS);
      expect(sent(simulation)).toEqual(["connect"]);
    }
  });

  test("A reply that nobody has processed yet stops it when it is about to be sent", async () => {
    const { simulation, end, follow, providerRequestId } = await invited();
    const { requestId } = await follow({ unless: "message.reply" });
    await end();
    await simulation.consume();
    expect(await simulation.webhook({ ...reply, request_id: providerRequestId })).toBe(true);
    for (let runs = 0; runs < 5; runs++) {
      await simulation.submit();
      simulation.pass(MINUTE_MS);
    }
    expect(sent(simulation)).toEqual(["connect"]);
    expect((await simulation.find(requestId)).error?.code).toBe("DEPENDENCY_STOPPED");
  });

  test("A reply stops it although another request begins to depend on it while it is about to be sent", async () => {
    const dependsOn = { on: "succeeded", within: "P14D" } as const;
    let secondId: string | undefined;
    const simulation: SequenceSimulation = makeSequenceSimulation({
      step: async (call, { who }) => {
        const result = await call();
        const requestId = secondId;
        if (who !== "submit" || requestId === undefined) return result;
        if ((await simulation.find(requestId)).status !== "SUBMITTING") return result;
        secondId = undefined;
        await simulation.webhook({ ...reply, request_id: providerRequestId });
        await simulation.accept(
          { action: "send_inmail_message", person, dependsOn: { ...dependsOn, requestId } },
          "another",
        );
        return result;
      },
    });
    const first = await simulation.accept({ action: "connect", person });
    await simulation.runFor(MINUTE_MS);
    const { providerRequestId = "" } = simulation.calls[0] ?? {};
    await simulation.webhook({ status: "SUCCESS", request_id: providerRequestId, result: {} });
    await simulation.runFor(MINUTE_MS);
    const { requestId } = await simulation.accept({
      ...{ action: "send_message", person },
      dependsOn: { ...dependsOn, requestId: first.requestId, unless: "message.reply" },
    });
    secondId = requestId;
    await simulation.runFor(10 * MINUTE_MS);
    expect(secondId).toBeUndefined();
    expect(sent(simulation)).toEqual(["connect"]);
    expect(await simulation.find(requestId)).toMatchObject({
      status: "FAILED",
      error: { code: "DEPENDENCY_STOPPED" },
    });
  });

  test("A reply to an earlier message of the sequence stops a later one", async () => {
    const { simulation, end, follow, providerRequestId } = await invited();
    const second = await follow();
    const third = await follow({ requestId: second.requestId, unless: "message.reply" });
    await end();
    await simulation.runFor(2 * MINUTE_MS);
    await simulation.webhook({ ...reply, request_id: providerRequestId });
    await simulation.drain();
    expect((await simulation.find(third.requestId)).error?.code).toBe("DEPENDENCY_STOPPED");
  });
});

describe("what a request may depend on", () => {
  test.each([
    ["a request that does not exist", `rq_${"0".repeat(44)}`],
    ["what is no request", "rq_1"],
  ])("A request that depends on %s is refused with PREDECESSOR_UNKNOWN", async (_, requestId) => {
    const { follow } = await invited();
    await expect(follow({ requestId })).rejects.toMatchObject({ code: "PREDECESSOR_UNKNOWN" });
  });

  test.each([
    ["within", "P1Y"],
    ["within", "14 days"],
    ["within", "P"],
    ["within", "PT"],
    ["within", 0],
    ["within", "P365DT1S"],
    ["after", "-P1D"],
  ])("A %s of %s is refused by its name", async (name, value) => {
    const { follow } = await invited();
    await expect(follow({ [name]: value })).rejects.toMatchObject({
      errors: [expect.objectContaining({ field: `dependsOn.${name}` })],
    });
  });

  test.each([
    ["P1W", 7 * DAY_MS],
    ["P1DT2H3M4.5S", DAY_MS + 2 * HOUR_MS + 3 * MINUTE_MS + 4_500],
    ["PT90M", 90 * MINUTE_MS],
    [90, 90_000],
  ])("A within of %s is read as %d ms", async (within, ms) => {
    const { simulation, follow } = await invited();
    const { dependsOn } = await follow({ within });
    expect(Date.parse(dependsOn?.until ?? "") - simulation.clock.businessMs()).toBe(ms);
  });
});

test("A request with an idempotency key is stored once, and another dependsOn is another body", async () => {
  const { simulation, requestId } = await invited();
  const call = (within: number) =>
    simulation.accept({
      ...{ action: "send_message", person, key: "k" },
      dependsOn: { requestId, on: "succeeded", within },
    });
  const first = await call(60);
  expect((await call(60)).requestId).toBe(first.requestId);
  await expect(call(61)).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
});

type JsonBody = { byId?: boolean; result?: object };

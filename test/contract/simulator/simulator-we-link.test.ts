import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isProven } from "../../support/payloads/webhooks.ts";
import { MINUTE_MS, type SimulatorFixture, startSimulatorFixture } from "./simulator-fixture.ts";

let simulator: SimulatorFixture;
beforeEach(async () => {
  simulator = await startSimulatorFixture();
});
afterEach(() => simulator.close());

async function submit(action: string, body: object): Promise<string> {
  const answer = await simulator.weLink(action, body);
  expect(answer).toMatchObject({ status: 200, body: { requestId: expect.stringMatching(/^wl-/) } });
  return String(answer.body.requestId);
}

const ask = (request_id: string) => simulator.weLink("get_response", { request_id });

describe("Actions", () => {
  test.each([
    ["connect", { profile_id: "p" }, { connected: true, profile_id: "p" }],
    [
      "send_message_to_profile_id",
      { profile_id: "p", message: "m" },
      {
        thread_id: expect.any(String),
        message_id: expect.any(String),
        sent_at: expect.stringMatching(/Z$/),
      },
    ],
    ["login_v2", { email: "a@b.c", password: "p" }, expect.objectContaining({ email: "a@b.c" })],
    ["withdraw_invite", {}, { done: true }],
  ])(
    "The action %s is acked with an id, and its result is sent by a signed webhook",
    async (action, body, result) => {
      const request_id = await submit(action, { accountId: "a", ...body });
      await expect.poll(() => simulator.arrivals).toHaveLength(1);
      const [webhook = {}] = simulator.arrivals;
      expect(webhook).toEqual({ status: "SUCCESS", request_id, result, hash: expect.any(String) });
      expect(isProven(webhook, ["secret"])).toBe(true);
      const { hash: _, ...known } = webhook;
      expect(await ask(request_id)).toMatchObject({
        status: 200,
        body: { ...known, requestId: request_id },
      });
    },
  );
});

describe("Requested failures", () => {
  test.each([
    ["connect", { profile_id: "fail:PROFILE_NOT_FOUND" }, "PROFILE_NOT_FOUND"],
    ["view_profile", { note: "fail:STATUS_429" }, "STATUS_429"],
    ["login_v2", { email: "a@b.c", password: "wrong" }, "WRONG_PASSWORD"],
  ])("The call %s with %j fails as requested", async (action, body, error) => {
    const request_id = await submit(action, { accountId: "a", ...body });
    await expect
      .poll(() => simulator.arrivals)
      .toMatchObject([{ status: "FAILED", request_id, error }]);
    expect((await ask(request_id)).body).toMatchObject({ status: "FAILED", error });
  });
});

test("A login with pin in the email requires a PIN, and a wrong PIN repeats the prompt byte by byte", async () => {
  const requestId = await submit("login_v2", { email: "pin@b.c", password: "p" });
  const answerPin = (code: string) =>
    simulator.weLink("login_code", { accountId: "a", code, requestId });
  await expect.poll(() => simulator.arrivals).toMatchObject([{ status: "PIN_REQUIRED" }]);
  expect((await ask(requestId)).body).toMatchObject({ status: "PIN_REQUIRED", requestId });

  expect(await answerPin("000000")).toMatchObject({ status: 200, body: { requestId } });
  await expect.poll(() => simulator.arrivals).toHaveLength(2);
  expect(JSON.stringify(simulator.arrivals[1])).toBe(JSON.stringify(simulator.arrivals[0]));

  await simulator.behave({ delayMs: [30 * MINUTE_MS, 30 * MINUTE_MS] });
  expect(await answerPin("123456")).toMatchObject({ status: 200, body: { requestId } });
  expect((await ask(requestId)).body.status).toBe("PROCESSING");
  expect((await answerPin("123456")).status).toBe(400);
  await expect.poll(() => simulator.arrivals).toHaveLength(3);
  expect(simulator.arrivals[2]).toMatchObject({
    status: "SUCCESS",
    request_id: requestId,
    result: { email: "pin@b.c" },
  });
});

test("A request is queued and processing until the delay of the behaviour has passed in business time", async () => {
  await simulator.behave({ delayMs: [40 * MINUTE_MS, 40 * MINUTE_MS] });
  const before = simulator.clock.now();
  const id = await submit("connect", { accountId: "a" });
  const statuses = new Set();
  await expect
    .poll(async () => statuses.add((await ask(id)).body.status).has("SUCCESS"), { interval: 20 })
    .toBe(true);
  expect(simulator.clock.now() - before).toBeGreaterThanOrEqual(40 * MINUTE_MS);
  expect([...statuses]).toEqual(["QUEUED", "PROCESSING", "SUCCESS"]);
  await expect.poll(() => simulator.arrivals).toHaveLength(1);
});

describe("Error responses of We-Link", () => {
  const shape = (status: string) => ({
    status,
    message: expect.any(String),
    requestId: expect.any(String),
  });

  test.each([
    [{}],
    [{ "x-api-key": "k" }],
    [{ "x-api-secret": "s" }],
    [{ "x-api-key": "k", "x-api-secret": "refused" }],
  ])("The credentials %j are answered 401", async (headers) => {
    const answer = await simulator.weLink("connect", {}, { headers });
    expect(answer).toMatchObject({ status: 401, body: shape("UNAUTHORIZED") });
  });

  test.each(["{", "[]", '"text"', ""])("The body %j is answered 400", async (body) => {
    const answer = await simulator.weLink("connect", body);
    expect(answer).toMatchObject({ status: 400, body: shape("BAD_REQUEST") });
  });

  test("An unknown request is answered 404 to a status call and to a PIN", async () => {
    expect(await ask("wl-none")).toMatchObject({ status: 404, body: shape("NOT_FOUND") });
    const pin = { accountId: "a", code: "1", requestId: "wl-none" };
    expect((await simulator.weLink("login_code", pin)).status).toBe(404);
  });

  test("A PIN for a login that requires none is answered 400", async () => {
    const requestId = await submit("connect", { accountId: "a" });
    const answer = await simulator.weLink("login_code", { code: "1", requestId });
    expect(answer).toMatchObject({ status: 400, body: shape("PIN_NOT_REQUIRED") });
  });
});

test("A status call returns the content of a webhook that was sent by hand", async () => {
  const body = { status: "SUCCESS", requestId: "by-hand", result: { said: "by hand" } };
  await simulator.call("/_control/send", { method: "POST", body: { provider: "we-link", body } });
  expect((await ask("by-hand")).body).toEqual({ request_id: "by-hand", ...body });
});

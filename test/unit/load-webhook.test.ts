import { describe, expect, test } from "vitest";
import { producerSchema } from "../../shared/contracts/events.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import type { KnownAccount } from "../../shared/core/connections/ports.ts";
import type { ProviderHttpCall } from "../../shared/core/providers/http-call.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeTestReader } from "../support/fakes/inbound-reader.ts";
import { makeMemoryBlobStore } from "../support/memory/memory-blob-store.ts";

const workflow = (type: string, data: object) => ({
  id: `${type}:wf-1`,
  type,
  createdAt: "2026-06-25T12:00:00.000Z",
  data: { workflowId: "wf-1", accountId: "acc-1", ...data },
});

const completed = workflow("workflow.completed", {
  status: "completed",
  result: { actionType: "st.sendMessage", success: true, forged: true },
});

const messageOf = (body: object, over: object = {}) =>
  JSON.stringify({
    v: 1,
    provider: "linked-api",
    clientId: "cl_1",
    connectionId: "cn_1",
    receivedAtMs: Date.UTC(2026, 5, 25, 12),
    bodyBase64: Buffer.from(JSON.stringify(body)).toString("base64"),
    ...over,
  });

const linkedApi = {
  provider: "linked-api",
  secrets: { webhookSecrets: [], credentials: { "linked-api-token": "lat" } },
};
const weLink = {
  provider: "we-link",
  secrets: { webhookSecrets: [], credentials: { "x-api-key": "a", "x-api-secret": "b" } },
};

/**
 * Reads messages with the packs of both providers, to the event that the bus gets. What does not
 * depend on a provider is tested in `inbound-load.test.ts`.
 */
function setUp(
  answer?: { status: number; body: object },
  account?: KnownAccount,
  connection: object | undefined = linkedApi,
) {
  const asked: ProviderHttpCall[] = [];
  const bodies = makeMemoryBlobStore();
  const read = async () => (connection === gone ? undefined : connection) as never;
  const find = async (_: string, id: string) => (id === "acc-1" ? account : undefined);
  const readInbound = makeTestReader({
    clock: makeTestClock(),
    bodies,
    accounts: { find, findUncached: find },
    connections: { read, readUncached: read },
    calls: {
      send: async (_, request) => {
        asked.push(request);
        if (!answer) return { kind: "incomplete", reason: "TIMEOUT" };
        const body = Buffer.from(JSON.stringify(answer.body));
        return { kind: "answered", answer: { status: answer.status, headers: {}, body } };
      },
    },
  });
  return { asked, bodies, readInbound };
}

/** In the place of a connection that was deleted. */
const gone = {};

const dataOf = ({ type, envelope }: { type: string; envelope: string }) =>
  producerSchema(type as "workflow.completed").parse(JSON.parse(envelope)).data;

const codeOf = (reading: Promise<unknown>) =>
  reading.then(
    () => "read",
    (error: unknown) => (error instanceof Failure ? error.code : error),
  );

test("a body that is stored in the bucket is read from there", async () => {
  const { readInbound, bodies } = setUp(undefined, {});
  await bodies.put("inbound/x", Buffer.from(JSON.stringify(completed)));
  const message = messageOf(completed, { bodyBase64: undefined, bodyKey: "inbound/x" });
  expect((await readInbound(message)).id).toBe("workflow.completed:cn_1:wf-1");
  const gone = messageOf(completed, { bodyBase64: undefined, bodyKey: "inbound/y" });
  expect(await codeOf(readInbound(gone))).toBe("BODY_GONE");
});

test("an event of an unregistered account is published and marked", async () => {
  const known = setUp(undefined, {});
  expect(dataOf(await known.readInbound(messageOf(completed)))).not.toHaveProperty(
    "accountUnknown",
  );
  const unknown = setUp();
  expect(dataOf(await unknown.readInbound(messageOf(completed)))).toMatchObject({
    accountUnknown: true,
  });
});

test("the exact bytes are kept if a number is stored as text", async () => {
  const { readInbound } = setUp();
  const body = JSON.stringify(completed).replace('"forged":true', '"n":1e400');
  const bodyBase64 = Buffer.from(body).toString("base64");
  const event = await readInbound(messageOf({}, { bodyBase64 }));
  expect(Buffer.from(event.raw ?? []).toString()).toBe(body);
  expect(dataOf(event)).toMatchObject({ numbersAsText: true, result: { n: "1e400" } });
  expect(await readInbound(messageOf(completed))).not.toHaveProperty("raw");
});

// daytona#2615: a notification without content, whose content must be read before it is passed on.
describe("the result of a thin completion", () => {
  const thin = workflow("workflow.completed", { status: "completed" });
  const completion = { actionType: "st.sendMessage", success: true, data: { n: 1 } };
  const answerWith = (result: object) => ({ status: 200, body: { success: true, result } });

  test("a thin completion gets its result from the provider, and keeps its own time and account", async () => {
    const answer = answerWith({ workflowStatus: "completed", completion });
    const { readInbound, asked } = setUp(answer, { identificationToken: "it" });
    const event = await readInbound(messageOf(thin));
    expect(dataOf(event)).toMatchObject({ accountId: "acc-1", result: completion });
    expect(JSON.parse(event.envelope).createdAt).toBe(thin.createdAt);
    expect(asked).toMatchObject([{ method: "GET", path: "/workflows/wf-1" }]);
  });

  test("a thin completion of We-Link is the same event, whether its result comes or not", async () => {
    const body = { request_id: "r1", status: "SUCCESS", event_type: "/api/v1/connect" };
    const message = messageOf(body, { provider: "we-link" });
    const answers = [
      { status: 404, body: {} },
      { status: 200, body: { request_id: "r1", status: "SUCCESS", result: { id: 1 } } },
      { status: 200, body: { request_id: "r1", status: "SUCCESS", result: { id: 2 } } },
    ];
    const events = [];
    for (const answer of answers) {
      events.push(await setUp(answer, undefined, weLink).readInbound(message));
    }
    expect(events.map((event) => dataOf(event).result)).toEqual([undefined, { id: 1 }, { id: 2 }]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
  });

  test.each([
    ["no workflow", { status: 200, body: {} }],
    ["no result either", answerWith({ workflowStatus: "completed" })],
  ])("a thin completion counts as it is if the provider answers %s", async (_name, answer) => {
    expect(dataOf(await setUp(answer, {}).readInbound(messageOf(thin)))).not.toHaveProperty(
      "result",
    );
  });
});

describe("verifyByFetch uses only the provider's answer", () => {
  const hint = (body: object, provider = "linked-api") =>
    messageOf(body, { provider, verifyByFetch: true });
  const providerAnswer = (result: object) => ({
    status: 200,
    body: { success: true, result: { workflowId: "wf-1", ...result } },
  });

  test("verifyByFetch reads the result from the provider with our credentials, not from the webhook", async () => {
    const completion = { actionType: "st.sendMessage", success: true, data: { real: true } };
    const { readInbound, asked } = setUp(
      providerAnswer({ workflowStatus: "completed", completion }),
      {
        identificationToken: "it",
      },
    );
    const event = await readInbound(hint(completed));
    expect(dataOf(event)).toMatchObject({ result: completion, eventType: "MESSAGE_SENT" });
    expect(event.envelope).not.toContain("forged");
    expect(asked).toEqual([
      {
        method: "GET",
        path: "/workflows/wf-1",
        headers: { "linked-api-token": "lat", "identification-token": "it" },
      },
    ]);
  });

  test("verifyByFetch changes a webhook that reports completed of a failed workflow to failed", async () => {
    const failure = { reason: "workflowTimeout", message: "m" };
    const { readInbound } = setUp(providerAnswer({ workflowStatus: "failed", failure }));
    expect(dataOf(await readInbound(hint(completed)))).toMatchObject({
      status: "failed",
      error: { code: "workflowTimeout", message: "m" },
    });
  });

  test.each([
    ["that the workflow is running", providerAnswer({ workflowStatus: "running" })],
    ["an unknown body", providerAnswer({ other: 1 })],
    ["with another workflow", providerAnswer({ workflowId: "wf-2", workflowStatus: "completed" })],
    ["with an error", { status: 200, body: { success: false } }],
  ])("verifyByFetch publishes no event if the provider answers %s", async (_name, answer) => {
    expect(await codeOf(setUp(answer).readInbound(hint(completed)))).toBe("UNCONFIRMED");
  });

  test("verifyByFetch accepts a later state as confirmation of an earlier one", async () => {
    const started = workflow("workflow.started", { status: "running" });
    const { readInbound } = setUp(providerAnswer({ workflowStatus: "failed" }));
    expect(dataOf(await readInbound(hint(started)))).toMatchObject({ status: "running" });
    const pending = setUp(providerAnswer({ workflowStatus: "pending" }));
    expect(await codeOf(pending.readInbound(hint(started)))).toBe("UNCONFIRMED");
  });

  test("A start that the provider confirms is one event, whether it is confirmed by its start or its end", async () => {
    const started = hint({ request_id: "r1", status: "PROCESSING" }, "we-link");
    const answers = [
      { request_id: "r1", status: "PROCESSING", percent: 10 },
      { request_id: "r1", status: "PROCESSING", percent: 20 },
      { request_id: "r1", status: "SUCCESS", result: { id: 1 } },
    ];
    const events = await Promise.all(
      answers.map((body) => setUp({ status: 200, body }, undefined, weLink).readInbound(started)),
    );
    expect(events.map(({ id }) => id)).toEqual(Array(3).fill("workflow.started:cn_1:r1"));
    expect(new Set(events.map(({ envelope }) => envelope)).size).toBe(1);
  });

  test.each(["..", ".", "a/b", "x\ud800", "y".repeat(129)])(
    "verifyByFetch does not request a workflow id that leaves the path: %j",
    async (workflowId) => {
      const { readInbound, asked } = setUp(providerAnswer({ workflowStatus: "completed" }));
      const body = workflow("workflow.completed", { workflowId, status: "completed" });
      expect(await codeOf(readInbound(hint(body)))).toBe("UNCONFIRMED");
      expect(asked).toEqual([]);
    },
  );

  test("the exact bytes of an answer that is larger than an item are not kept, and its event is", async () => {
    const n = JSON.rawJSON("12345678901234567890");
    const keeps = async (length: number) => {
      const completion = { n, text: "x".repeat(length) };
      const { readInbound } = setUp(providerAnswer({ workflowStatus: "completed", completion }));
      const event = await readInbound(hint(completed));
      expect(dataOf(event)).toMatchObject({ numbersAsText: true });
      return event.raw !== undefined;
    };
    expect([await keeps(239_000), await keeps(241_000)]).toEqual([true, false]);
  });

  test("A start that is confirmed by the answer of its end keeps nothing of the result", async () => {
    const n = JSON.rawJSON("12345678901234567890");
    const answer = providerAnswer({ workflowStatus: "completed", completion: { n } });
    const event = await setUp(answer).readInbound(hint(workflow("workflow.started", {})));
    expect(event).not.toHaveProperty("raw");
    expect(dataOf(event)).not.toHaveProperty("numbersAsText");
  });

  test.each([
    ["that was deleted", gone],
    ["without credentials", { ...weLink, secrets: { webhookSecrets: [] } }],
  ])(
    "a hint of a connection %s is published as no event where the provider could have been asked",
    async (_name, connection) => {
      const { readInbound } = setUp(undefined, undefined, connection);
      const body = { request_id: "r1", status: "SUCCESS", result: { forged: true } };
      expect(await codeOf(readInbound(hint(body, "we-link")))).toBe("UNCONFIRMED");
      const reply = { request_id: "r1", status: "SUCCESS", event_type: "MESSAGE_REPLY" };
      expect(dataOf(await readInbound(hint(reply, "we-link")))).toMatchObject({ unverified: true });
    },
  );

  test("a result that is too large for the bus stays in the bucket, and the event is marked", async () => {
    const completion = { actionType: "st.sendMessage", success: true, text: "x".repeat(1_000_000) };
    const { readInbound, bodies } = setUp(
      providerAnswer({ workflowStatus: "completed", completion }),
    );
    const event = await readInbound(hint(completed));
    expect(dataOf(event)).toMatchObject({ resultTruncated: true, eventType: "MESSAGE_SENT" });
    expect(event.envelope.length).toBeLessThan(1_000);
    expect(bodies.keys()).toEqual([expect.stringMatching(/^events\/[0-9a-f]{64}\/whole$/)]);
  });

  test("an event for which the provider has no call is published and marked", async () => {
    const { readInbound, asked } = setUp();
    const body = {
      ...workflow("account.frozen", { status: "frozen" }),
      id: "account.frozen:acc-1",
    };
    expect(dataOf(await readInbound(hint(body)))).toMatchObject({ unverified: true });
    expect(asked).toEqual([]);
  });
});

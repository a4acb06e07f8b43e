import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../shared/core/json/json.ts";
import type { BusMessage } from "../support/fakes/bus-consumer.ts";
import {
  type Address,
  type InboundRun,
  isAbout,
  postTo,
  signed,
  startInboundRun,
  withHash,
} from "../support/runs/inbound-run.ts";
import { makeSpecification } from "../support/specification.ts";

/** "Asynchronous Processing": the sentences about the result webhook. */
const { states, everySentenceHasItsTest } = makeSpecification([
  "We push the final result directly to your configured webhook endpoint the moment the task is finished.",
  "Webhook payload delivered to your endpoint",
  '"requestId": "1234ab5678290...."',
  "result may vary according to the type of the endpoint",
  '"hash": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...." // hash for verification',
  "Requests that remain queued for too long are automatically marked as failed with the status QUEUE_TIMEOUT_THRESHOLD_EXCEEDED.",
  "Results are delivered via your webhook just like any other async request",
]);

let inbound: InboundRun;
let address: Address;
beforeAll(async () => {
  inbound = await startInboundRun();
  address = await inbound.connect({ provider: "we-link" });
});
afterAll(() => inbound.close());

let count = 0;
const nextId = () => `1234ab567829${++count}`;

async function eventOf(requestId: string, text: string): Promise<BusMessage["detail"]> {
  expect(await postTo(address.url, text)).toMatchObject({ status: 200 });
  const [event] = await inbound.events(isAbout(requestId));
  if (!event) throw new Error("no event");
  return event.detail;
}

const sign = (body: JsonObject) => signed(body, address.secret);

states(
  "We push the final result directly to your configured webhook endpoint the moment the task is finished.",
  async () => {
    const requestId = nextId();
    const body = { status: "SUCCESS", requestId, result: { connected: true } };
    const event = await eventOf(requestId, sign(body));
    expect(event).toMatchObject({ type: "workflow.completed", data: { status: "completed" } });
  },
);

const sample = {
  status: "SUCCESS",
  requestId: "1234ab5678290....",
  result: { connected: true, profile_id: "ACoABC1d2f..." },
};

states("Webhook payload delivered to your endpoint", async () => {
  const { requestId, result } = sample;
  expect(await eventOf(requestId, sign(sample))).toEqual({
    clientId: address.clientId,
    id: expect.stringMatching(
      `^workflow.completed:${address.connectionId}:~[0-9a-f]{64}:[0-9a-f]{16}$`,
    ),
    type: "workflow.completed",
    createdAt: expect.any(String),
    data: {
      workflowId: requestId,
      providerRequestId: requestId,
      provider: "we-link",
      status: "completed",
      eventType: "CONNECTION_SENT",
      result,
    },
  });
});

states('"requestId": "1234ab5678290...."', async () => {
  const spellings = (id: string): JsonObject[] => [
    { requestId: id },
    { request_id: id },
    { requestId: id, request_id: id },
  ];
  for (const n of spellings("").keys()) {
    const id = nextId();
    const event = await eventOf(id, sign({ status: "SUCCESS", ...spellings(id)[n] }));
    expect(event.data.providerRequestId).toBe(id);
  }
  const two = sign({ status: "SUCCESS", requestId: "one", request_id: "other" });
  expect((await postTo(address.url, two)).status).toBe(400);
});

states("result may vary according to the type of the endpoint", async () => {
  const results: [string, unknown][] = [
    ["connect", { connected: true, profile_id: "p" }],
    ["send_message", { message_id: "m", thread_id: "t" }],
    ["search_people", { items: [{ name: "Jane" }], total: 1 }],
    ["get_profile", [{ name: "Jane" }]],
  ];
  for (const [call, result] of results) {
    const requestId = nextId();
    const body = { status: "SUCCESS", requestId, event_type: `/api/v1/${call}`, result };
    expect((await eventOf(requestId, sign(body))).data).toMatchObject({ action: call, result });
  }
});

states('"hash": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...." // hash for verification', async () => {
  const token = async (claims: JsonObject, secret: string) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .sign(new TextEncoder().encode(secret));
  const requestId = nextId();
  const body = { ...sample, requestId };
  const right = await token(body, address.secret);
  expect(right).toMatch(/^eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\./);
  const wrong = withHash(JSON.stringify(body), await token(body, "another secret"));
  expect((await postTo(address.url, wrong)).status).toBe(401);
  const event = await eventOf(requestId, withHash(JSON.stringify(body), right));
  expect(event.data.result).toEqual(sample.result);
});

states(
  "Requests that remain queued for too long are automatically marked as failed with the status QUEUE_TIMEOUT_THRESHOLD_EXCEEDED.",
  async () => {
    const code = "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED";
    for (const body of [{ status: code }, { status: "FAILED", error: code }]) {
      const requestId = nextId();
      expect(await eventOf(requestId, sign({ ...body, requestId }))).toMatchObject({
        type: "workflow.completed",
        data: { status: "failed", error: { code, message: code } },
      });
    }
  },
);

states("Results are delivered via your webhook just like any other async request", async () => {
  const requestId = nextId();
  const scheduled = "2025-09-22T18:30:00.000Z";
  const body = { status: "SUCCESS", requestId, scheduled, result: { connected: true } };
  expect(await eventOf(requestId, sign(body))).toMatchObject({
    type: "workflow.completed",
    data: { status: "completed", eventType: "CONNECTION_SENT", result: body.result },
  });
});

test("Every expected event is published once, and no other event is", () => inbound.nothingMore());
everySentenceHasItsTest();

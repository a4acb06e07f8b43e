import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../shared/core/json.ts";
import type { BusMessage } from "../support/bus-consumer.ts";
import {
  type Address,
  type InboundRun,
  isAbout,
  postTo,
  signed,
  startInboundRun,
  withHash,
} from "../support/inbound-run.ts";
import { makeSpecification } from "../support/specification.ts";

/** "Asynchronous Processing", sentence by sentence: the result webhook. */
const { says, later, everySentenceHasItsTest } = makeSpecification([
  "We push the final result directly to your configured webhook endpoint the moment the task is finished.",
  "Webhook payload delivered to your endpoint",
  '"requestId": "1234ab5678290...."',
  "result may vary according to the type of the endpoint",
  '"hash": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...." // hash for verification',
  "Requests that remain queued for too long are automatically marked as failed with the status QUEUE_TIMEOUT_THRESHOLD_EXCEEDED.",
  "Results are delivered via your webhook just like any other async request",
]);

/** The sentences in which we ask the provider, or in which our own clients ask us. */
later("requests", [
  "We-Link utilizes an asynchronous processing model for the vast majority of API endpoints, such as sending messages or connection requests.",
  "This design is essential for both performance and account safety.",
  "When you trigger an action through our API, we do not make your system wait for the task to finish.",
  "We immediately acknowledge your request and provide a unique requestId",
  "Your application continues its workflow without interruption",
  "Our engine processes the operation in the background",
  "Once the background operation is complete, you have two options to receive the results:",
  "If you prefer to monitor progress yourself, use the request_id to query our status endpoint:",
  'POST /api/v1/get_response {"request_id": "1234ab5678290...."}',
  "LinkedIn operations through We-Link are long-running tasks by design.",
  "To keep your account safe, our processing engine incorporates human-like delays, randomized timing, and sequential execution between actions.",
  "A single request — such as sending a connection request — may take anywhere from a few seconds to several minutes to complete, depending on the current queue and safety pacing.",
  "Making your application wait synchronously for each operation to finish would:",
  "Block your app unnecessarily — Your system would be idle, waiting on a response that could take minutes",
  "Limit throughput — You wouldn't be able to queue additional actions while waiting for one to complete",
  "Create tight coupling — Network timeouts or transient delays would force complex retry logic on your side",
  "By returning a requestId immediately and processing in the background, We-Link lets your application move on instantly while we handle the heavy lifting — executing each action with the appropriate safety delays and delivering the result to you when it's ready.",
  "This prevents requests from being stuck indefinitely and ensures stable, fair processing of newer requests.",
  "If you receive this error, re-submit the request.",
  "You can schedule any API request to be executed at a later time by including the optional scheduled parameter in the request body.",
  "Add a scheduled field with a date-time string in ISO 8601 format (YYYY-MM-DDTHH:mm:ss.sssZ)",
  "The scheduled time must be at least 2 hours later than the current time — requests that don't meet this minimum will be rejected",
  "The request is queued and automatically executed at the specified time",
  '{"accountId": "1234ab5678290....", "profile_id": "ACoABC1d2f...", "message": "Hi Jane, great connecting with you!", "scheduled": "2025-09-22T18:30:00.000Z"}',
  "The scheduled value must be in UTC.",
  "Ensure proper time zone awareness to avoid executing requests at unintended times.",
]);
later("deliveries", [
  "We push the final result directly to your configured webhook endpoint the moment the task is finished.",
  "This is the most efficient approach.",
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

says(
  "We push the final result directly to your configured webhook endpoint the moment the task is finished.",
  async () => {
    const requestId = nextId();
    const startedMs = performance.now();
    const body = { status: "SUCCESS", requestId, result: { connected: true } };
    const event = await eventOf(requestId, sign(body));
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(event).toMatchObject({ type: "workflow.completed", data: { status: "completed" } });
  },
);

const sample = {
  status: "SUCCESS",
  requestId: "1234ab5678290....",
  result: { connected: true, profile_id: "ACoABC1d2f..." },
};

says("Webhook payload delivered to your endpoint", async () => {
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

says('"requestId": "1234ab5678290...."', async () => {
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

says("result may vary according to the type of the endpoint", async () => {
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

says('"hash": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...." // hash for verification', async () => {
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

says(
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

says("Results are delivered via your webhook just like any other async request", async () => {
  const requestId = nextId();
  const scheduled = "2025-09-22T18:30:00.000Z";
  const body = { status: "SUCCESS", requestId, scheduled, result: { connected: true } };
  expect(await eventOf(requestId, sign(body))).toMatchObject({
    type: "workflow.completed",
    data: { status: "completed", eventType: "CONNECTION_SENT", result: body.result },
  });
});

test("nothing came twice, and nothing more came", () => inbound.nothingMore());
everySentenceHasItsTest();

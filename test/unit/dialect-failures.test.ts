import { expect, test } from "vitest";
import { getAsLinkedApi } from "../../shared/providers/linked-api/dialect-handlers.ts";
import { getAsWeLink } from "../../shared/providers/we-link/dialect-handlers.ts";
import { weLink } from "../../shared/providers/we-link/pack.ts";

interface Failed {
  error: { code: string; message: string };
  /** JSON text. */
  result?: string;
}

const found = (request: Failed) =>
  ({ find: async () => ({ request: { status: "FAILED", ...request } }) }) as never;

/** The answer of `get_response`, and the webhook of the same failure. */
async function asWeLink({ error, result }: Failed) {
  const requests = found({ error, ...(result === undefined ? {} : { result }) });
  const polled = await getAsWeLink(requests, { clientId: "cl_1", body: { request_id: "rq_1" } });
  const data = { requestId: "rq_1", status: "failed", error };
  const text = JSON.stringify({ id: "e", type: "workflow.completed", createdAt: "", data });
  const envelope = result === undefined ? text : text.replace(/}}$/, `,"result":${result}}}`);
  const write = weLink.webhookFormat?.payloads["workflow.completed"];
  const told = write?.({ envelope, hashFormat: "hmac-hex", secret: "s" }) ?? "{}";
  const { hash: _, ...webhook } = JSON.parse(told);
  return { polled: JSON.parse(polled), webhook };
}

const ids = { request_id: "rq_1", requestId: "rq_1" };
const timeout = "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED";

// The specification: "error: Error message (on failure)".
test.each([
  [
    { code: "FAILED", message: "Password Incorrect" },
    { status: "FAILED", error: "Password Incorrect", message: "Password Incorrect" },
  ],
  [
    { code: "LOGIN_FAILED", message: "One; Two" },
    { status: "FAILED", error: "One; Two", message: "One; Two" },
  ],
  [
    { code: "PROXY_ERROR", message: "no proxy" },
    { status: "FAILED", error: "PROXY_ERROR", message: "no proxy" },
  ],
  [
    { code: timeout, message: "too long" },
    { status: timeout, error: timeout, message: "too long" },
  ],
])(
  "We-Link's poll and webhook tell the failure %j with the same members",
  async (error, members) => {
    const { polled, webhook } = await asWeLink({ error });
    expect(polled).toEqual({ ...ids, ...members });
    expect(webhook).toEqual(polled);
  },
);

test("We-Link's poll and webhook keep what a failed request has done, with every digit", async () => {
  const error = { code: "PROXY_ERROR", message: "no proxy" };
  const { polled, webhook } = await asWeLink({ error, result: '{"sent":[1,2]}' });
  expect(polled).toMatchObject({ status: "FAILED", result: { sent: [1, 2] } });
  expect(webhook).toEqual(polled);
});

// kudu#2120: only the error of a partly done workflow survived.
test.each([
  ['{"completion":[{"actionType":"a","n":1.0}],"failure":{"reason":"r","message":"m"}}'],
  ['[{"actionType":"a","n":1.0}]'],
])("A failed workflow has its completion and its failure, from the result %s", async (result) => {
  const error = { code: "linkedinAccountSignedOut", message: "Out" };
  const of = { clientId: "cl_1", workflowId: "rq_1" };
  const text = await getAsLinkedApi(found({ error, result }), of);
  expect(text).toContain('"completion":[{"actionType":"a","n":1.0}]');
  expect(text.match(/"failure"/g)).toHaveLength(1);
  expect(JSON.parse(text).result).toEqual({
    workflowId: "rq_1",
    workflowStatus: "failed",
    failure: { reason: "linkedinAccountSignedOut", message: "Out" },
    completion: [{ actionType: "a", n: 1 }],
  });
});

test("A report that nobody recognises has not ended the request that was made elsewhere", async () => {
  const event = { type: "event.unrecognised", data: { eventType: "UNKNOWN" } };
  const requests = { find: async () => ({ event }) } as never;
  const polled = await getAsWeLink(requests, { clientId: "cl_1", body: { request_id: "w" } });
  expect(JSON.parse(polled)).toMatchObject({ status: "PROCESSING" });
  const workflow = await getAsLinkedApi(requests, { clientId: "cl_1", workflowId: "w" });
  expect(JSON.parse(workflow).result).toMatchObject({ workflowStatus: "running" });
});

import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RequestsRun, startRequestsRun } from "../support/runs/requests-run.ts";

const SECRET = "a secret code of We-Link's dashboard";

let run: RequestsRun;
let inboundUrl: string;
let connectionId: string;
beforeAll(async () => {
  run = await startRequestsRun({ speed: 1 });
  const made = await run.native<{ inboundUrl: string; connectionId: string }>(
    "POST",
    "/v1/connections",
    {
      provider: "we-link",
      webhookSecret: SECRET,
      credentials: { "x-api-key": "key", "x-api-secret": "secret" },
    },
  );
  ({ inboundUrl, connectionId } = made.body);
});
afterAll(() => run.close());

/** Posts a webhook whose token contains the request id and nothing else of the body. */
async function post(body: { request_id: string; [member: string]: unknown }) {
  const claims = new SignJWT({ request_id: body.request_id });
  const hash = await claims
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SECRET));
  const answer = await fetch(inboundUrl, {
    method: "POST",
    body: JSON.stringify({ ...body, hash }),
  });
  return answer.status;
}

test("A webhook whose JWT binds only the request id is confirmed by the provider, whose response is the result", async () => {
  const of = {
    accountId: "hinted",
    action: "connect",
    params: { profile_id: "p-1" },
    connectionId,
  };
  const { requestId } = (await run.request(of)).body;
  await expect.poll(async () => (await run.get(requestId)).providerRequestId).toBeDefined();
  const { providerRequestId = "" } = await run.get(requestId);
  const lie = { status: "FAILED", request_id: providerRequestId, error: "ACCOUNT_RESTRICTED" };
  expect(await post(lie)).toBe(200);
  const truth = { status: "SUCCESS", request_id: providerRequestId, result: { connected: false } };
  expect(await post(truth)).toBe(200);
  expect((await run.reaches(requestId, "SUCCEEDED")).result).toEqual({
    connected: true,
    profile_id: "p-1",
  });
});

test("A webhook whose JWT binds only the request id is rejected when the provider has no call to confirm it", async () => {
  const reply = { status: "SUCCESS", event_type: "MESSAGE_REPLY", request_id: "req-1" };
  expect(await post(reply)).toBe(401);
});

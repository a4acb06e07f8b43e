import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { composeAdministration } from "../../shared/composition/administration.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";

let run: TestRun;
beforeAll(async () => {
  run = await startTestRun({ speed: 120 });
});
afterAll(() => run.close());

interface Answer {
  status: number;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of its response
  body: any;
}

type Sent = Record<string, string>;

async function send(method: string, path: string, headers: Sent, body?: unknown): Promise<Answer> {
  const response = await fetch(`${run.addresses.apiUrl}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) };
}

const weLinkHeaders = () => ({ "x-api-key": run.seed.keyId, "x-api-secret": run.seed.keySecret });
const native = () => ({ authorization: `Bearer ${run.seed.apiKey}` });

const weLink = (action: string, body: object, headers: Sent = {}) =>
  send("POST", `/api/v1/${action}`, { ...weLinkHeaders(), ...headers }, body);

const linkedApi = (method: string, path: string, body?: unknown, headers: Sent = {}) =>
  send(
    method,
    path,
    {
      "linked-api-token": run.seed.apiKey,
      "identification-token":
        run.seed.accounts.find((one) => one.identificationToken)?.identificationToken ?? "",
      ...headers,
    },
    body,
  );

/** Creates another client and returns its API key. */
async function anotherClientsKey() {
  const { outputs, addresses } = run;
  const administration = await composeAdministration({ outputs, aws: localAws(addresses.awsUrl) });
  const { clientId } = await administration.createClient("stranger");
  return administration.createApiKey(clientId);
}

async function statusOf(requestId: string, status: string): Promise<Answer> {
  let last: Answer | undefined;
  await expect
    .poll(
      async () => {
        last = await weLink("get_response", { request_id: requestId });
        return last.body.status;
      },
      { interval: 250 },
    )
    .toBe(status);
  return last as Answer;
}

async function submissions(): Promise<{ path: string; accountId: string; body: object }[]> {
  const response = await fetch(`${run.addresses.providerUrl}/_control/submissions`);
  return ((await response.json()) as { submissions: [] }).submissions;
}

describe("We-Link's protocol", () => {
  // Runs first: such a webhook waits while a submission on its connection is in flight.
  test("get_response returns the last webhook of a We-Link request that was not made through Ackwire", async () => {
    const response = await fetch(`${run.addresses.providerUrl}/_control/send`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        provider: "we-link",
        body: { status: "SUCCESS", request_id: "elsewhere-1", result: { n: 7 } },
      }),
    });
    expect(response.ok).toBe(true);
    await expect
      .poll(async () => (await weLink("get_response", { request_id: "elsewhere-1" })).body, {
        // The webhook waits while a submission in flight on this connection may be its request.
        interval: 250,
      })
      .toMatchObject({ requestId: "elsewhere-1", status: "SUCCESS", result: { n: 7 } });
  });

  test("A We-Link action is acked, submitted unchanged, and its result can be polled", async () => {
    const accountId = "we-link-account-1";
    const body = { accountId, profile_id: "ACoABC1d2f", message: "Hi Jane" };
    const accepted = await weLink("connect", body);
    expect(accepted).toMatchObject({
      status: 200,
      body: { requestId: expect.stringMatching(/^rq_[0-9a-f]{44}$/) },
    });
    expect(Object.keys(accepted.body)).toEqual(["requestId"]);
    const { requestId } = accepted.body;
    expect((await statusOf(requestId, "SUCCESS")).body).toEqual({
      request_id: requestId,
      requestId,
      status: "SUCCESS",
      result: { connected: true, profile_id: "ACoABC1d2f" },
    });
    const sent = (await submissions()).filter((one) => one.path === "/api/v1/connect");
    expect(sent).toMatchObject([{ accountId, body }]);
  });

  test("A We-Link login without an account waits for its code and continues with it", async () => {
    const body = { email: "jane.pin@example.com", password: "s3cret", proxy: { location: "de" } };
    const { requestId } = (await weLink("login_v2", body)).body;
    await statusOf(requestId, "PIN_REQUIRED");
    expect(await weLink("login_code", { code: "123456", requestId })).toMatchObject({
      status: 200,
      body: { requestId },
    });
    const { body: ended } = await statusOf(requestId, "SUCCESS");
    expect(ended.result).toMatchObject({ email: "jane.pin@example.com" });
    const sent = (await submissions()).filter(({ path }) => path.includes("login"));
    expect(sent.map(({ path }) => path)).toEqual(["/api/v1/login_v2", "/api/v1/login_code"]);
    expect(sent.every((one) => !("accountId" in one.body))).toBe(true);
    expect(run.logged()).not.toMatch(/s3cret|123456/);
  });

  test("A failed We-Link action has We-Link's error code and no result", async () => {
    const body = { accountId: "we-link-account-2", profile_id: "fail:PROFILE_NOT_FOUND" };
    const { requestId } = (await weLink("connect", body)).body;
    const failed = await statusOf(requestId, "FAILED");
    expect(failed.body).toMatchObject({ error: "PROFILE_NOT_FOUND" });
    expect(failed.body).not.toHaveProperty("result");
  });

  test("A scheduled We-Link action waits, and is the same request in the native API", async () => {
    const { body: clock } = await fetch(`${run.addresses.providerUrl}/_control/clock`).then(
      async (response) => ({ body: (await response.json()) as { now: string } }),
    );
    const scheduled = new Date(Date.parse(clock.now) + 24 * 3_600_000).toISOString();
    const { requestId } = (await weLink("connect", { accountId: "later", scheduled })).body;
    expect((await weLink("get_response", { requestId })).body.status).toBe("SCHEDULED");
    const request = await send("GET", `/v1/requests/${requestId}`, native());
    expect(request.body).toMatchObject({ status: "SCHEDULED", scheduled, accountId: "later" });
    await send("DELETE", `/v1/requests/${requestId}`, native());
    expect((await weLink("get_response", { requestId })).body.status).toBe("CANCELLED");
  });

  test("A scheduled time with an offset is rejected in the format of We-Link's errors", async () => {
    const scheduled = "2036-09-22T18:30:00.000+02:00";
    expect(await weLink("connect", { accountId: "later", scheduled })).toMatchObject({
      status: 400,
      body: { status: "REQUEST_INVALID", message: expect.stringContaining("scheduled") },
    });
  });

  test("A repeated Idempotency-Key returns the same We-Link request, and conflicts with another body", async () => {
    const key = { "idempotency-key": "we-link-once" };
    const body = { accountId: "we-link-account-2", profile_id: "once" };
    const [one, other] = [await weLink("connect", body, key), await weLink("connect", body, key)];
    expect(other.body).toEqual(one.body);
    const conflict = await weLink("connect", { ...body, profile_id: "twice" }, key);
    expect(conflict).toMatchObject({
      status: 409,
      body: { status: "IDEMPOTENCY_CONFLICT", statusCode: 409 },
    });
  });

  test("Another client's We-Link request is answered 404", async () => {
    const { requestId } = (await weLink("connect", { accountId: "mine" })).body;
    const { keyId, secret } = await anotherClientsKey();
    const headers = { "x-api-key": keyId, "x-api-secret": secret };
    for (const [action, body] of [
      ["get_response", { request_id: requestId }],
      ["login_code", { requestId, code: "1" }],
    ] as const) {
      expect(await weLink(action, body, headers)).toMatchObject({ status: 404 });
    }
  });
});

describe("Linked API's protocol", () => {
  test("A repeated Idempotency-Key returns the same Linked API workflow", async () => {
    const key = { "idempotency-key": "linked-api-once" };
    const body = { actionType: "st.retrieveSSI" };
    const one = await linkedApi("POST", "/workflows", body, key);
    const other = await linkedApi("POST", "/workflows", body, key);
    expect(one).toMatchObject({ status: 200, body: { result: { workflowStatus: "pending" } } });
    expect(other.body.result.workflowId).toBe(one.body.result.workflowId);
  });

  test("Linked API's protocol rejects a We-Link request and another client's identification token", async () => {
    const { requestId } = (await weLink("connect", { accountId: "mine" })).body;
    const notFound = { status: 404, body: { success: false, error: { type: "workflowNotFound" } } };
    expect(await linkedApi("GET", `/workflows/${requestId}`)).toMatchObject(notFound);
    expect(await linkedApi("DELETE", `/workflows/${requestId}`)).toMatchObject(notFound);
    const { apiKey } = await anotherClientsKey();
    const answer = await linkedApi("GET", `/workflows/${requestId}`, undefined, {
      "linked-api-token": apiKey,
    });
    // The identification token is of another client's account.
    expect(answer).toMatchObject({
      status: 401,
      body: { error: { type: "invalidIdentificationToken" } },
    });
  });
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RequestsRun, startRequestsRun } from "../support/runs/requests-run.ts";

/** Five minutes of business time pass in half a second. */
const SPEED = 600;

let run: RequestsRun;
beforeAll(async () => {
  run = await startRequestsRun({ speed: SPEED, settings: { connectionCacheSeconds: "1" } });
});
afterAll(() => run.close());

interface Account {
  accountId: string;
  connectionId: string;
  status: string;
  pausedBecause?: string;
  pace?: object;
  identificationToken?: string;
}

const account = (method: string, path: string, body?: unknown) =>
  run.native<Account & { errors?: { field: string }[] }>(method, `/v1/accounts/${path}`, body);

describe("accounts", () => {
  test("An account is registered, changed, listed and deleted, and no response contains its token", async () => {
    const pace = { minSeconds: 5, maxSeconds: 7 };
    const made = await account("PUT", "acc%20ü", { provider: "we-link", pace });
    expect(made).toMatchObject({
      status: 200,
      body: { accountId: "acc ü", status: "active", pace },
    });
    const linked = { provider: "linked-api", identificationToken: "canary-token" };
    expect((await account("PUT", "li-1", linked)).text).not.toContain("canary-token");
    // A PUT without the token keeps the stored one.
    const slower = { provider: "linked-api", pace: { minSeconds: 60, maxSeconds: 60 } };
    const changed = (await account("PUT", "li-1", slower)).body;
    expect(changed).toMatchObject({ pace: slower.pace, identificationToken: expect.any(String) });
    const { body } = await run.native<{ items: Account[] }>("GET", "/v1/accounts?limit=100");
    expect(body.items.map(({ accountId }) => accountId)).toEqual(
      expect.arrayContaining(["acc ü", "li-1"]),
    );
    expect((await account("DELETE", "li-1")).status).toBe(204);
    expect((await account("GET", "li-1")).status).toBe(404);
  });

  test.each([
    ["a Linked API account without its token", { provider: "linked-api" }, "identificationToken"],
    [
      "a pace whose maximum is below its minimum",
      { provider: "we-link", pace: { minSeconds: 9, maxSeconds: 1 } },
      "pace.maxSeconds",
    ],
    [
      "an account of a connection that does not exist",
      { provider: "we-link", connectionId: "cn_none" },
      "connectionId",
    ],
  ])("A PUT of %s is rejected, and the error names the field", async (_name, body, field) => {
    const refused = await account("PUT", "refused", body);
    expect(refused.status).toBe(400);
    expect(refused.body.errors?.map((error) => error.field)).toEqual([field]);
  });

  test("An account id that exists on two connections can only be read with its connection", async () => {
    const { body } = await run.native<{ connectionId: string }>("POST", "/v1/connections", {
      provider: "we-link",
      webhookSecret: "another",
    });
    const { connections } = run.run.seed;
    const first = connections.find(({ provider }) => provider === "we-link")?.connectionId;
    const put = (connectionId: string | undefined) =>
      account("PUT", "twice", { provider: "we-link", connectionId });
    expect([await put(first), await put(body.connectionId)].map(({ status }) => status)).toEqual([
      200, 200,
    ]);
    expect((await account("GET", "twice")).body.errors?.[0]?.field).toBe("connectionId");
    const one = await account("GET", `twice?connectionId=${body.connectionId}`);
    expect(one.body.connectionId).toBe(body.connectionId);
    await run.native("DELETE", `/v1/connections/${body.connectionId}`);
  });
});

test("A paused account submits nothing until it is resumed, and other accounts are not affected", async () => {
  await account("PUT", "paused", { provider: "we-link" });
  expect((await account("POST", "paused/pause")).body).toMatchObject({
    status: "paused",
    pausedBecause: "PAUSED_BY_CLIENT",
  });
  const waiting = await run.request({ accountId: "paused", action: "connect" });
  const other = await run.request({ accountId: "not-paused", action: "connect" });
  await run.reaches(other.body.requestId, "SUCCEEDED");
  expect((await run.get(waiting.body.requestId)).status).toBe("QUEUED");
  expect(await run.submissions("paused")).toEqual([]);
  expect((await account("POST", "paused/resume")).body.status).toBe("active");
  await run.reaches(waiting.body.requestId, "SUCCEEDED");
});

test("A wrong password pauses the account, and a login is submitted despite the pause and ends it", async () => {
  const login = (password: string) =>
    run.request({
      accountId: "locked",
      action: "login_v2",
      params: { email: "jane@example.com", password },
    });
  const wrong = await login("wrong");
  expect((await run.reaches(wrong.body.requestId, "FAILED")).error?.code).toBe("WRONG_PASSWORD");
  await account("PUT", "locked", { provider: "we-link" });
  expect((await account("GET", "locked")).body).toMatchObject({
    status: "paused",
    pausedBecause: "WRONG_PASSWORD",
  });
  const waiting = await run.request({ accountId: "locked", action: "connect" });
  const right = await login("right");
  await run.reaches(right.body.requestId, "SUCCEEDED");
  await run.reaches(waiting.body.requestId, "SUCCEEDED");
  expect((await account("GET", "locked")).body.status).toBe("active");
});

test("Rejected credentials pause the connection, and new ones submit every request that waited", async () => {
  const credentials = (apiKey: string) => ({ "X-Api-Key": apiKey, "X-Api-Secret": "s" });
  const { body } = await run.native<{ connectionId: string; status: string }>(
    "POST",
    "/v1/connections",
    { provider: "we-link", webhookSecret: "s", credentials: credentials("refused") },
  );
  const { connectionId } = body;
  const of = { accountId: "unpaid", action: "connect", connectionId };
  const first = await run.request(of);
  const path = `/v1/connections/${connectionId}`;
  const statusOf = async () => (await run.native<typeof body>("GET", path)).body.status;
  await expect.poll(statusOf).toBe("paused");
  expect(await run.get(first.body.requestId)).toMatchObject({ status: "QUEUED", attempts: 1 });
  const corrected = { status: "active", credentials: credentials("good") };
  expect((await run.native("PATCH", path, corrected)).status).toBe(200);
  // The webhook goes to the seeded connection, so the result comes from a poll.
  await expect.poll(async () => (await run.get(first.body.requestId)).status).toBe("SUCCEEDED");
  const seen = (await run.submissions("unpaid")).map(({ status }) => status);
  expect(seen).toEqual([401, 200]);
});

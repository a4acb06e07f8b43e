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

describe("an account's limits, hours and warm-up", () => {
  const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
  /** Hours that are closed for at least a day from now. */
  const closedHours = () => {
    const today = new Date(run.businessMs()).getUTCDay();
    return {
      timeZone: "UTC",
      days: [3, 4].map((days) => weekdays[(today + days) % 7]),
      from: "09:00",
      to: "18:00",
    };
  };

  interface Waiting {
    requestId: string;
    waitsFor?: string;
    waitReason?: string;
    position?: number;
    expectedAt?: string;
  }

  const connect = (accountId: string, more: object = {}) => ({
    ...{ provider: "we-link", accountId, action: "connect", params: {} },
    ...more,
  });

  test("They are set, shown with the budget, and requests say what they wait for and when that ends", async () => {
    const hours = closedHours();
    const limits = [{ category: "stConnectionRequests", per: "day", max: 10 }];
    const warmUp = { days: 14, from: 0.2 };
    const settings = { preset: "careful", hours, limits, warmUp };
    const put = await account("PUT", "office", { provider: "we-link", ...settings });
    expect(put).toMatchObject({ status: 200, body: settings });

    const { body: budget } = await run.native<{
      limits: { category: string; per: string; max: number }[];
      isOpen: boolean;
      opensAt: string;
    }>("GET", "/v1/accounts/office/budget");
    const limitOf = (category: string, per: string) =>
      budget.limits.find((limit) => limit.category === category && limit.per === per);
    // A fifth while the account warms up; the provider's own limit in full.
    expect(limitOf("stConnectionRequests", "day")).toMatchObject({ max: 2, used: 0, left: 2 });
    expect(limitOf("stMessages", "day")).toMatchObject({ max: 10 });
    expect(limitOf("any", "hour")).toMatchObject({ max: 100 });
    expect(budget).toMatchObject({ isOpen: false, opensAt: expect.stringMatching(/T09:00:00/) });

    const { body: first, status } = await run.native<Waiting>(
      "POST",
      "/v1/requests",
      connect("office"),
    );
    expect(status).toBe(202);
    expect(first).toMatchObject({
      waitsFor: "hours",
      waitReason: expect.stringContaining("09:00-18:00 UTC"),
      position: 1,
      expectedAt: expect.any(String),
    });
    // `reconcile` wakes the account within a minute of the opening.
    const lateMs = Date.parse(first.expectedAt ?? "") - Date.parse(budget.opensAt);
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThanOrEqual(60_000);

    const refused = await run.native<{ code: string; expectedAt: string }>(
      "POST",
      "/v1/requests",
      connect("office", { notAfter: new Date(run.businessMs() + 3_600_000).toISOString() }),
    );
    expect(refused).toMatchObject({ status: 422, body: { code: "NOT_AFTER_UNREACHABLE" } });
    expect(refused.body.expectedAt >= budget.opensAt).toBe(true);

    const batch = await run.native<{ items: { request: Waiting }[] }>(
      "POST",
      "/v1/requests/batch",
      { group: "office", requests: [connect("office"), connect("office")] },
    );
    const items = batch.body.items.map(({ request }) => request);
    expect(items).toMatchObject([
      { waitsFor: "hours", position: 2, expectedAt: expect.any(String) },
      { waitsFor: "hours", position: 3, expectedAt: expect.any(String) },
    ]);
    const latest = items
      .map(({ expectedAt = "" }) => expectedAt)
      .sort()
      .at(-1);
    expect((await run.native("GET", "/v1/groups/office")).body).toMatchObject({
      expectedAt: latest,
    });

    await account("PUT", "halted", { provider: "we-link" });
    await account("POST", "halted/pause");
    const halted = await run.native<Waiting>("POST", "/v1/requests", connect("halted"));
    expect(halted.body).toMatchObject({ waitsFor: "account_paused", position: 1 });
    expect(halted.body).not.toHaveProperty("expectedAt");
    const idsOf = async (waitsFor: string) => {
      const path = `/v1/requests?limit=100&waitsFor=${waitsFor}`;
      const { body } = await run.native<{ items: Waiting[] }>("GET", path);
      return body.items.map(({ requestId }) => requestId);
    };
    const office = [first, ...items].map(({ requestId }) => requestId);
    expect((await idsOf("hours")).sort()).toEqual(office.sort());
    expect(await idsOf("account_paused")).toEqual([halted.body.requestId]);
    expect((await run.native("GET", "/v1/requests?waitsFor=nothing")).status).toBe(400);
  });

  test("A request that waits for the hours is submitted minutes after they were changed, and not when the earlier ones open", async () => {
    const put = (hours: object) => account("PUT", "reopened", { provider: "we-link", hours });
    await put(closedHours());
    const { body } = await run.request({ accountId: "reopened", action: "connect" });
    expect(body.waitsFor).toBe("hours");
    // Its worker, which publishes this, has planned the next look for the opening.
    await run.event(body.requestId, "workflow.created");
    const always = { timeZone: "UTC", days: weekdays, from: "00:00", to: "24:00" };
    expect(await put(always)).toMatchObject({ status: 200, body: { hours: always } });
    await run.reaches(body.requestId, "SUCCEEDED");
  });

  test.each([
    [{ hours: { timeZone: "Berlin" } }, "hours.timeZone"],
    [{ hours: { timeZone: "+01:00" } }, "hours.timeZone"],
    [{ hours: { days: ["monday"] } }, "hours.days.0"],
    [{ hours: { days: [] } }, "hours.days"],
    [{ hours: { from: "18:00", to: "09:00" } }, "hours.to"],
    [{ hours: { from: "9:00" } }, "hours.from"],
    [{ limits: [{ category: "messages", per: "day", max: 1 }] }, "limits.0.category"],
    [{ limits: [{ category: "stMessages", per: "year", max: 1 }] }, "limits.0.per"],
    [{ limits: [{ category: "stMessages", per: "day", max: -1 }] }, "limits.0.max"],
    [{ limits: Array(2).fill({ category: "any", per: "day", max: 1 }) }, "limits"],
    [{ warmUp: { days: 0, from: 0.2 } }, "warmUp.days"],
    [{ warmUp: { days: 1, from: 2 } }, "warmUp.from"],
    [{ preset: "fast" }, "preset"],
  ])(
    "A PUT of an account with %j is rejected, and the error names the field",
    async (body, field) => {
      const hours = "hours" in body ? { hours: { ...closedHours(), ...body.hours } } : {};
      const of = { provider: "we-link", ...body, ...hours };
      const refused = await account("PUT", "refused", of);
      expect(refused.status).toBe(400);
      expect(refused.body.errors?.map((error) => error.field)).toEqual([field]);
      expect((await account("GET", "refused")).status).toBe(404);
    },
  );
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

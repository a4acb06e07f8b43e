import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { composeAdministration } from "../../shared/composition/administration.ts";
import type { Administration } from "../../shared/core/administration/administration.ts";
import { hmacHex } from "../../shared/providers/we-link/hash.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { postTo } from "../support/runs/inbound-run.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";

let run: TestRun;
let administration: Administration;
beforeAll(async () => {
  run = await startTestRun();
  const { outputs, addresses } = run;
  administration = await composeAdministration({ outputs, aws: localAws(addresses.awsUrl) });
});
afterAll(() => run.close());

interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of its response
  body: any;
}

/** Sends requests with the API key, or without credentials when there is none. */
const caller = (apiKey?: string) => {
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${run.addresses.apiUrl}${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    const { status, headers } = response;
    return { status, headers, text, body: isJson ? JSON.parse(text) : undefined };
  };
  return {
    get: (path: string) => call("GET", path),
    post: (path: string, body?: unknown) => call("POST", path, body),
    patch: (path: string, body: unknown) => call("PATCH", path, body),
    delete: (path: string) => call("DELETE", path),
  };
};

async function newClient(name: string) {
  const { clientId } = await administration.createClient(name);
  const { apiKey, keyId } = await administration.createApiKey(clientId);
  return { clientId, apiKey, keyId, ...caller(apiKey) };
}

async function sendWebhook(inboundUrl: string, body: string): Promise<number> {
  return (await postTo(inboundUrl, body)).status;
}

/** Waits until the client's list has this number of events: its index is eventually consistent. */
async function eventsListed(client: ReturnType<typeof caller>, count: number): Promise<void> {
  await expect
    .poll(async () => (await client.get("/v1/events?limit=100")).body.items.length, {
      interval: 250,
    })
    .toBe(count);
}

const linkedApiBody = (n: number) =>
  JSON.stringify({
    id: `workflow.completed:wf-${n}`,
    type: "workflow.completed",
    createdAt: "2026-06-25T12:00:00.000Z",
    data: { workflowId: `wf-${n}`, accountId: "acc", status: "completed", result: { n } },
  });

describe("Requests without a valid key", () => {
  test("Health and the OpenAPI document need no API key", async () => {
    const health = await caller().get("/health");
    expect([health.status, health.text]).toEqual([200, '{"status":"ok"}']);
    const { status, body } = await caller().get("/openapi.json");
    expect(status).toBe(200);
    expect(body.openapi).toBe("3.1.0");
    expect(Object.keys(body.paths)).toContain("/v1/connections/{connectionId}/rotate-token");
  });

  test("A request without a valid API key is answered 401; an unknown, a wrong and a revoked key have the same body", async () => {
    const { apiKey } = run.seed;
    const other = apiKey.endsWith("0") ? "1" : "0";
    const missing = "no API key: send it as Authorization: Bearer <API key>";
    const unknown = "the API key is unknown, incomplete, revoked or expired";
    const answers = await Promise.all(
      [
        [undefined, missing],
        [apiKey.slice(0, -1), unknown],
        [apiKey.slice(0, -1) + other, unknown],
        [apiKey.replace("key", "yek"), unknown],
      ].map(async ([key, detail]) => ({ detail, ...(await caller(key).get("/v1/events")) })),
    );
    for (const { status, headers, body, detail } of answers) {
      expect([status, headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      expect(headers.get("content-type")).toBe("application/problem+json");
      expect(body).toEqual({
        type: "about:blank",
        title: "The API key is missing or not valid",
        status: 401,
        detail,
        code: "UNAUTHENTICATED",
      });
    }
  });
});

describe("API keys", () => {
  test("An API key is shown once, works, is listed without its secret, and is rejected once it is revoked", async () => {
    const client = await newClient("keys");
    const made = await client.post("/v1/keys");
    expect(made).toMatchObject({
      status: 201,
      body: { keyId: expect.stringMatching(/^key/), createdAt: expect.any(String) },
    });
    const { apiKey, keyId } = made.body;
    expect((await caller(apiKey).get("/v1/events")).status).toBe(200);

    const listed = await client.get("/v1/keys");
    expect(listed.text).not.toContain(apiKey.split("_")[2]);
    expect(listed.body.items).toContainEqual({
      keyId,
      createdAt: made.body.createdAt,
      lastUsedAt: expect.any(String),
    });
    const first = await client.get("/v1/keys?limit=1");
    const second = await client.get(`/v1/keys?limit=1&cursor=${first.body.nextCursor}`);
    expect(second.body.nextCursor).toBeUndefined();
    expect([...first.body.items, ...second.body.items].map((one) => one.keyId).sort()).toEqual(
      [client.keyId, keyId].sort(),
    );

    expect((await client.delete(`/v1/keys/${keyId}`)).status).toBe(204);
    await expect.poll(async () => (await caller(apiKey).get("/v1/events")).status).toBe(401);
    expect((await client.get("/v1/events")).status).toBe(200);
  });

  test("Revoking another client's API key is answered 404 and has no effect", async () => {
    const [one, other] = [await newClient("one"), await newClient("other")];
    expect((await one.delete(`/v1/keys/${other.keyId}`)).status).toBe(404);
    expect((await other.get("/v1/keys")).body.items).toMatchObject([{ keyId: other.keyId }]);
  });
});

describe("Connections", () => {
  test("A connection is created, read without its secrets, changed and deleted", async () => {
    const client = await newClient("connections");
    const made = await client.post("/v1/connections", {
      provider: "we-link",
      webhookSecret: "s3cret-of-we-link",
      credentials: { "x-api-key": "k3y-of-we-link" },
      signature: "quarantine",
    });
    expect(made.status).toBe(201);
    const { inboundUrl, ...view } = made.body;
    expect(inboundUrl).toMatch(`${run.addresses.apiUrl}/v1/in/we-link/${view.connectionId}/`);
    expect(view).toEqual({
      connectionId: expect.stringMatching(/^cn_/),
      provider: "we-link",
      createdAt: expect.any(String),
      status: "active",
      signature: "quarantine",
      hashForms: ["raw", "json", "python", "jwt"],
      allowUnboundJwt: false,
      verifyByFetch: false,
      hasCredentials: true,
    });

    const path = `/v1/connections/${view.connectionId}`;
    expect((await client.get(path)).body).toEqual(view);
    const changed = await client.patch(path, { signature: "enforce", hashForms: ["raw"] });
    expect(changed.body).toEqual({ ...view, signature: "enforce", hashForms: ["raw"] });
    const listed = await client.get("/v1/connections");
    expect(listed.body).toEqual({ items: [changed.body] });
    expect(listed.text).not.toMatch(/s3cret|k3y|sha256|inboundUrl/);

    expect((await client.delete(path)).status).toBe(204);
    expect((await client.get(path)).status).toBe(404);
    expect((await client.delete(path)).status).toBe(404);
  });

  test("Another client's connection is answered 404 on every route, and stays unchanged", async () => {
    const [one, other] = [await newClient("one"), await newClient("other")];
    const { body } = await other.post("/v1/connections", { provider: "linked-api" });
    const path = `/v1/connections/${body.connectionId}`;
    const answers = await Promise.all([
      one.get(path),
      one.patch(path, { status: "paused" }),
      one.delete(path),
      one.post(`${path}/rotate-token`),
      one.post(`${path}/rotate-secret`, { webhookSecret: "x" }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
    expect((await one.get("/v1/connections")).body).toEqual({ items: [] });
    expect((await other.get(path)).body.status).toBe("active");
  });

  test("A connection created by the API receives webhooks, and accepts the old and new URL and secret after a rotation", async () => {
    const client = await newClient("rotation");
    const { body } = await client.post("/v1/connections", {
      provider: "we-link",
      webhookSecret: "old",
    });
    const webhook = (n: number, secret: string) =>
      signWeLink({ status: "SUCCESS", request_id: `req-${n}`, result: { n } }, secret);
    expect(await sendWebhook(body.inboundUrl, webhook(1, "old"))).toBe(200);

    const path = `/v1/connections/${body.connectionId}`;
    const token = await client.post(`${path}/rotate-token`);
    expect(token.status).toBe(200);
    expect(token.body).toEqual({
      connectionId: body.connectionId,
      inboundUrl: expect.stringContaining(`/v1/in/we-link/${body.connectionId}/`),
      previousValidUntil: expect.any(String),
    });
    expect(token.body.inboundUrl).not.toBe(body.inboundUrl);
    const secret = await client.post(`${path}/rotate-secret`, { webhookSecret: "new" });
    expect(secret.body).toEqual({
      connectionId: body.connectionId,
      previousValidUntil: expect.any(String),
    });

    expect(await sendWebhook(body.inboundUrl, webhook(2, "old"))).toBe(200);
    expect(await sendWebhook(token.body.inboundUrl, webhook(3, "old"))).toBe(200);
    // The cached connection is reloaded on a failed verification, at most once a second.
    await expect.poll(() => sendWebhook(token.body.inboundUrl, webhook(4, "new"))).toBe(200);
    expect(await sendWebhook(token.body.inboundUrl, webhook(5, "neither"))).toBe(401);

    await eventsListed(client, 4);
    const { items } = (await client.get("/v1/events")).body;
    const ids = items.map((one: { data: { workflowId: string } }) => one.data.workflowId);
    expect(ids.sort()).toEqual(["req-1", "req-2", "req-3", "req-4"]);
  });
});

describe("Events", () => {
  test("The list of events is paged, has each event once and a filter by type, and omits other clients' events", async () => {
    const [client, other] = [await newClient("events"), await newClient("other")];
    const { body } = await client.post("/v1/connections", { provider: "linked-api" });
    for (let n = 0; n < 60; n++) {
      expect(await sendWebhook(body.inboundUrl, linkedApiBody(n))).toBe(200);
    }
    const started = linkedApiBody(60).replaceAll("completed", "started");
    expect(await sendWebhook(body.inboundUrl, started)).toBe(200);
    await eventsListed(client, 61);

    const pages: Answer[] = [];
    let cursor = "";
    do {
      const page = await client.get(`/v1/events?limit=25${cursor && `&cursor=${cursor}`}`);
      expect(page.status).toBe(200);
      pages.push(page);
      cursor = page.body.nextCursor ?? "";
    } while (cursor !== "");
    expect(pages.map((page) => page.body.items.length)).toEqual([25, 25, 11]);
    const items = pages.flatMap((page) => page.body.items);
    expect(new Set(items.map((one) => one.id)).size).toBe(61);
    expect(items.every((one) => one.publishedAt === undefined || one.publishedAt)).toBe(true);

    const byDefault = await client.get("/v1/events");
    expect(byDefault.body.items).toHaveLength(25);
    const some = await client.get("/v1/events?type=workflow.started");
    expect(some.body.items.map((one: { type: string }) => one.type)).toEqual(["workflow.started"]);
    expect((await client.get("/v1/events?type=webhook.test")).body).toEqual({ items: [] });

    const [newest] = items;
    const id = encodeURIComponent(newest.id);
    expect((await other.get("/v1/events")).body).toEqual({ items: [] });
    expect((await other.get(`/v1/events/${id}`)).status).toBe(404);
    expect((await client.get("/v1/events/no-such")).status).toBe(404);
    const foreign = await other.get(`/v1/events?cursor=${pages[0]?.body.nextCursor}`);
    expect([foreign.status, foreign.body.errors]).toEqual([
      400,
      [{ field: "cursor", message: expect.any(String) }],
    ]);
  });

  test("An event keeps its numbers digit by digit, and has the raw body when the bus cannot carry one", async () => {
    const client = await newClient("numbers");
    const secret = "secret-of-numbers";
    const { body } = await client.post("/v1/connections", {
      provider: "we-link",
      webhookSecret: secret,
    });
    const signed = (result: string, requestId: string) => {
      const text = `{"status":"SUCCESS","request_id":"${requestId}","result":${result}}`;
      return `${text.slice(0, -1)},"hash":"${hmacHex(secret, text)}"}`;
    };
    const exact = signed('{"big":9007199254740993,"one":1.0}', "exact");
    const huge = signed('{"huge":123456789012345678901234567890}', "a/b ~:ü");
    expect(await sendWebhook(body.inboundUrl, exact)).toBe(200);
    expect(await sendWebhook(body.inboundUrl, huge)).toBe(200);
    await eventsListed(client, 2);
    const { items } = (await client.get("/v1/events")).body;
    const read = async (providerRequestId: string) => {
      const found = items.find(
        (one: { data: { providerRequestId: string } }) =>
          one.data.providerRequestId === providerRequestId,
      );
      return client.get(`/v1/events/${encodeURIComponent(found.id)}`);
    };

    const first = await read("exact");
    expect(first.text).toContain('"result":{"big":9007199254740993,"one":1.0}');
    await expect
      .poll(async () => (await read("exact")).body.publishedAt)
      .toEqual(expect.any(String));

    const second = await read("a/b ~:ü");
    expect(second.body.id).toContain(":~");
    expect(second.body.data.numbersAsText).toBe(true);
    expect(Buffer.from(second.body.raw, "base64").toString("utf8")).toBe(huge);
  });

  test("An event too large for its item is read from the bucket", async () => {
    const client = await newClient("large");
    const { body } = await client.post("/v1/connections", { provider: "linked-api" });
    const text = "x".repeat(150_000);
    const large = linkedApiBody(1).replace('{"n":1}', JSON.stringify({ text, one: 1 }));
    expect(await sendWebhook(body.inboundUrl, large)).toBe(200);
    await eventsListed(client, 1);
    const [event] = (await client.get("/v1/events")).body.items;
    expect(event.data.result.text).toBe(text);
    const one = await client.get(`/v1/events/${encodeURIComponent(event.id)}`);
    expect(one.body.data).toEqual(event.data);
  });
});

describe("Invalid input", () => {
  test.each([
    ["GET", "/v1/events?limit=0&type=nope&limt=5", undefined, ["limit", "limt", "type"]],
    ["GET", "/v1/events?limit=101&cursor=%7B", undefined, ["limit"]],
    ["GET", "/v1/events?cursor=abc", undefined, ["cursor"]],
    ["GET", `/v1/events/${"x".repeat(2_100)}`, undefined, ["id"]],
    ["GET", "/v1/connections?limit=x", undefined, ["limit"]],
    ["GET", "/v1/keys?cursor=e30", undefined, ["cursor"]],
    [
      "POST",
      "/v1/connections?x=1",
      {
        provider: "x",
        webhookSecret: "",
        status: "on",
        hashForms: [],
        extra: 1,
        allowUnboundJwt: 1,
      },
      ["allowUnboundJwt", "extra", "hashForms", "provider", "status", "webhookSecret", "x"],
    ],
    ["POST", "/v1/connections", '{"provider":"we-link","__proto__":{}}', ["__proto__"]],
    ["PATCH", "/v1/connections/cn_1", {}, [""]],
    ["PATCH", "/v1/connections/cn_1", { provider: "we-link" }, ["provider"]],
    ["POST", "/v1/connections/cn_1/rotate-secret", {}, ["webhookSecret"]],
  ])(
    "%s %s with the body %j is answered 400, and the problem names every invalid field",
    async (method, path, body, fields) => {
      const client = caller(run.seed.apiKey);
      const answer =
        method === "GET"
          ? await client.get(path)
          : method === "POST"
            ? await client.post(path, body)
            : await client.patch(path, body);
      expect(answer.status, answer.text).toBe(400);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.body).toMatchObject({
        type: "about:blank",
        title: "The request is not valid",
        status: 400,
        code: "REQUEST_INVALID",
      });
      const named = answer.body.errors.map(({ field }: { field: string }) => field);
      expect(named.sort()).toEqual(fields);
    },
  );

  test.each([
    ["text", "hello", 400, "BODY_NOT_JSON"],
    ["a list", "[]", 400, "BODY_NOT_JSON"],
    ["empty", "", 400, "BODY_NOT_JSON"],
    ["deeply nested", "[".repeat(100), 400, "BODY_TOO_DEEP"],
    ["too large", JSON.stringify({ webhookSecret: "x".repeat(70_000) }), 413, "BODY_TOO_LARGE"],
  ])("A body that is %s is rejected with its status and code", async (_, body, status, code) => {
    const answer = await caller(run.seed.apiKey).post("/v1/connections", body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });
});

test("No request of these tests is reported as a fault", () => {
  // On a busy machine a call to AWS may end late.
  const ours = run.printed.filter((line) => !line.includes("DEPENDENCY_DOWN"));
  expect(ours).toEqual([]);
});

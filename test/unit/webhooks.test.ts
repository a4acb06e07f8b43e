import { describe, expect, test } from "vitest";
import { matchesFilter } from "../../shared/contracts/event-type-filter.ts";
import { webhookTargets } from "../../shared/contracts/webhook-targets.ts";
import { deliveryIdOf } from "../../shared/core/deliveries/creation/new-delivery.ts";
import { openHeaders } from "../../shared/core/deliveries/signing/client-headers.ts";
import {
  type FetchMasterKeys,
  signingSecret,
} from "../../shared/core/deliveries/signing/signing.ts";
import { contested, hook, makeWebhookApi, testMasterKeys } from "../support/fakes/webhook-api.ts";

const HOUR_MS = 3_600_000;
const NOON = "2026-06-25T12:00:00.000Z";
const SECRET = /^whsec_[A-Za-z0-9+/]{43}=$/;

async function withHook(of: object = {}) {
  const api = makeWebhookApi();
  const { body } = await api.call("PUT /v1/webhook", { body: { ...hook, ...of } });
  return { ...api, registered: body };
}

describe("PUT /v1/webhook", () => {
  test("PUT /v1/webhook registers a webhook and returns its secret", async () => {
    const { call } = makeWebhookApi();
    const answer = await call("PUT /v1/webhook", { body: hook });
    expect(answer).toEqual({
      status: 201,
      body: {
        id: expect.stringMatching(/^wh_[0-9a-f]{16}$/),
        ...hook,
        status: "active",
        payloadMode: "fat",
        format: "standard",
        createdAt: NOON,
        secret: expect.stringMatching(SECRET),
      },
    });
    const { secret: _, ...shown } = answer.body;
    expect(await call("GET /v1/webhook")).toEqual({ status: 200, body: shown });
  });

  test("PUT /v1/webhook stores no secret, only the version and the master key that it is derived from", async () => {
    const { registered, stored } = await withHook();
    const { secrets, webhookId } = await stored();
    expect(secrets).toEqual([{ version: 1, masterKeyId: "k2" }]);
    const of = { webhookId, version: 1, masterKeyId: "k2" };
    expect(registered.secret).toBe(signingSecret(testMasterKeys, of));
  });

  test("PUT /v1/webhook accepts all settings", async () => {
    const settings = {
      payloadMode: "thin",
      format: "we-link",
      hashFormat: "jwt",
      eventTypes: ["workflow.completed", "message.reply"],
      description: "CRM",
    };
    expect((await withHook(settings)).registered).toMatchObject(settings);
    expect((await withHook({ format: "we-link" })).registered.hashFormat).toBe("hmac-hex");
  });

  test.each([
    [{ url: "http://hooks.example.com" }, ["url"]],
    [{ url: "https://10.0.0.1/" }, ["url"]],
    [{ url: "not a url" }, ["url"]],
    [{ hashFormat: "jwt" }, ["hashFormat"]],
    [{ format: "we-link", eventTypes: ["workflow.created"] }, ["eventTypes"]],
    [{ url: "ftp://x", hashFormat: "jwt" }, ["url", "hashFormat"]],
    [{ eventTypes: [] }, ["eventTypes"]],
    [{ eventTypes: ["delivery.failed"] }, ["eventTypes.0"]],
    [{ eventTypes: ["message.reply", "message.reply"] }, ["eventTypes"]],
    [{ payloadMode: "slim", other: 1 }, ["payloadMode", "other"]],
  ])("PUT /v1/webhook refuses %j and names the fields", async (wrong, fields) => {
    const { call } = makeWebhookApi();
    const answer = await call("PUT /v1/webhook", { body: { ...hook, ...wrong } });
    expect(answer).toMatchObject({ status: 400, body: { code: "REQUEST_INVALID" } });
    expect(answer.body.errors.map(({ field }: { field: string }) => field)).toEqual(fields);
    expect((await call("GET /v1/webhook")).status).toBe(404);
  });

  test("PUT /v1/webhook names the event types that the format does not carry", async () => {
    const { call } = makeWebhookApi();
    const eventTypes = ["workflow.created", "workflow.completed", "account.active"];
    const answer = await call("PUT /v1/webhook", {
      body: { ...hook, format: "we-link", eventTypes },
    });
    expect(answer.body.errors[0].message).toBe(
      "are not carried by format we-link: workflow.created, account.active",
    );
  });

  test("PUT /v1/webhook accepts a loopback URL only if the targets allow it", async () => {
    const targets = webhookTargets.parse({ ports: [443], allowsLocal: true, refusedPorts: [8787] });
    const { call } = makeWebhookApi({ targets });
    const body = { url: "http://127.0.0.1:8787/" };
    expect((await call("PUT /v1/webhook", { body })).status).toBe(400);
    expect((await call("PUT /v1/webhook", { body: { url: "http://127.0.0.1:9/" } })).status).toBe(
      201,
    );
  });

  test("PUT /v1/webhook is a conflict while a webhook with other settings is active", async () => {
    const { call, registered } = await withHook({ headers: { "x-key": "1" } });
    for (const other of [{}, { description: "CRM" }, { headers: { "x-key": "2" } }]) {
      expect(await call("PUT /v1/webhook", { body: { ...hook, ...other } })).toMatchObject({
        status: 409,
        body: { detail: expect.stringMatching(/change it with PATCH/) },
      });
    }
    expect((await call("GET /v1/webhook")).body.id).toBe(registered.id);
  });

  test("PUT /v1/webhook with the URL and settings of the active webhook changes nothing and is answered 200, so that a deploy script can repeat it", async () => {
    const settings = {
      eventTypes: ["workflow.*", "message.reply"],
      headers: { "X-Api-Key": "key", authorization: "Bearer token" },
    };
    const { call, registered, stored } = await withHook(settings);
    const before = await stored();
    const repeated = {
      url: hook.url.replace("hooks", "HOOKS"),
      payloadMode: "fat",
      eventTypes: settings.eventTypes.toReversed(),
      headers: { Authorization: "Bearer token", "x-api-key": "key" },
    };
    const answer = await call("PUT /v1/webhook", { body: repeated });
    expect(answer).toEqual({ status: 200, body: registered });
    expect(await stored()).toEqual(before);
  });

  test.each([
    ["disabled", { status: "disabled", disabledReason: "disabled_by_client", disabledAt: NOON }],
    ["deleted", { status: "deleted" }],
  ])(
    "PUT /v1/webhook replaces a webhook that is %s and keeps how it ended",
    async (status, expected) => {
      const { call, registered, stored } = await withHook({ payloadMode: "thin" });
      if (status === "deleted") await call("DELETE /v1/webhook");
      else await call("PATCH /v1/webhook", { body: { status } });
      const { body } = await call("PUT /v1/webhook", { body: hook });
      expect(body).toMatchObject({ status: "active", payloadMode: "fat" });
      expect(body.id).not.toBe(registered.id);
      expect(body.secret).not.toBe(registered.secret);
      expect((await stored()).previousWebhooks).toEqual([
        { webhookId: registered.id, ...expected },
      ]);
    },
  );

  test("GET /v1/webhook lists the last 50 webhooks, newest first", async () => {
    const { call, stored } = makeWebhookApi();
    const ids: string[] = [];
    for (let n = 0; n < 52; n++) {
      ids.unshift((await call("PUT /v1/webhook", { body: hook })).body.id);
      await call("DELETE /v1/webhook");
    }
    const { previousWebhooks } = await stored();
    expect(previousWebhooks.map(({ webhookId }) => webhookId)).toEqual(ids.slice(1, 51));
  });

  test("one of two concurrent PUT /v1/webhook registers a webhook; the other gets the same one, or a conflict if its settings differ", async () => {
    const { call } = makeWebhookApi();
    const both = [1, 2].map(() => call("PUT /v1/webhook", { body: hook }));
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 201]);
    await call("DELETE /v1/webhook");
    const differing = ["a", "b"].map((description) =>
      call("PUT /v1/webhook", { body: { ...hook, description } }),
    );
    const others = (await Promise.all(differing)).map(({ status }) => status);
    expect(others.sort()).toEqual([201, 409]);
  });

  test("PUT /v1/webhook registers a webhook of one client only", async () => {
    const { call } = await withHook();
    expect((await call("GET /v1/webhook", { as: "cl_2" })).status).toBe(404);
    expect((await call("PUT /v1/webhook", { as: "cl_2", body: hook })).status).toBe(201);
  });
});

describe("headers of the client", () => {
  const names = ["authorization", "x-api-key"];
  const headers = { "X-Api-Key": "sesame-1", authorization: "Bearer sesame-2" };

  test("headers are stored encrypted, and only their names are shown", async () => {
    const { call, registered, stored } = await withHook({ headers });
    expect(registered.headerNames.toSorted()).toEqual(names);
    expect(JSON.stringify([registered, await stored()])).not.toContain("sesame");
    const read: FetchMasterKeys = async () => testMasterKeys;
    expect(await openHeaders(await stored(), read)).toEqual({
      "x-api-key": "sesame-1",
      authorization: "Bearer sesame-2",
    });
    expect((await call("GET /v1/webhook")).body.headerNames.toSorted()).toEqual(names);
  });

  test("PATCH /v1/webhook replaces the headers as a whole, keeps them if it does not name them, and removes them with null", async () => {
    const { call } = await withHook({ headers });
    const shown = async (body: object) =>
      (await call("PATCH /v1/webhook", { body })).body.headerNames;
    expect(await shown({ headers: { "x-other": "1" } })).toEqual(["x-other"]);
    expect(await shown({ description: "CRM" })).toEqual(["x-other"]);
    expect(await shown({ headers: null })).toBeUndefined();
  });

  test.each([
    "Connection",
    "Content-Length",
    "content-type",
    "Host",
    "Transfer-Encoding",
    "User-Agent",
    "Webhook-Signature",
    "svix-id",
    "accept-encoding",
    "Accept",
    "proxy-authorization",
    "x key",
    "x:key",
    "",
    "x".repeat(65),
  ])("the header name %j is refused", async (name) => {
    const { call } = makeWebhookApi();
    const body = { ...hook, headers: { [name]: "1" } };
    expect((await call("PUT /v1/webhook", { body })).status).toBe(400);
  });

  test.each([
    ["no header", {}],
    ["an empty value", { a: "" }],
    ["a line break in a value", { a: "1\r\nb: 2" }],
    ["a space at the end of a value", { a: "1 " }],
    ["a value that is not ASCII", { a: "ü" }],
    ["a value that is no text", { a: 1 }],
    ["one name in two cases", { a: "1", A: "1" }],
    ["21 headers", Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`a${n}`, "1"]))],
    ["a value of 4,097 characters", { a: "x".repeat(4_097) }],
    ["more than 6,000 characters", { a: "x".repeat(3_000), b: "x".repeat(3_000) }],
  ])("headers with %s are refused, and the answer does not contain a value", async (_, wrong) => {
    const { call } = makeWebhookApi();
    const answer = await call("PUT /v1/webhook", { body: { ...hook, headers: wrong } });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer)).not.toContain("xxx");
  });
});

describe("wildcards in eventTypes (nextly#294)", () => {
  test.each(["workflow.*", "*.completed", "*.*", "*"])("the filter %s is taken", async (filter) => {
    expect((await withHook({ eventTypes: [filter] })).registered.eventTypes).toEqual([filter]);
  });

  test.each(["workflow.comp*", "workflow", "delivery.*", "*.disabled", "**", "workflow.*.*", ""])(
    "the filter %j, which no deliverable type matches by segments, is refused",
    async (filter) => {
      const { call } = makeWebhookApi();
      const body = { ...hook, eventTypes: [filter] };
      expect((await call("PUT /v1/webhook", { body })).status).toBe(400);
    },
  );

  test("a filter of which the format carries one type is taken, and one of which it carries none is refused", async () => {
    const { call } = await withHook({ format: "we-link", eventTypes: ["workflow.*"] });
    const body = { eventTypes: ["account.*"] };
    expect((await call("PATCH /v1/webhook", { body })).status).toBe(400);
  });

  test.each([
    ["workflow.*", ["workflow.created", "workflow.completed"]],
    ["*.reply", ["message.reply"]],
    ["*", ["workflow.created", "workflow.completed", "message.reply", "account.active"]],
  ])("%s chooses by segment", (filter, chosen) => {
    const types = ["workflow.created", "workflow.completed", "message.reply", "account.active"];
    expect(types.filter((type) => matchesFilter(filter, type))).toEqual(chosen);
  });
});

describe("a client without a webhook", () => {
  test.each([
    ["PATCH /v1/webhook", { payloadMode: "thin" }],
    ["DELETE /v1/webhook"],
    ["POST /v1/webhook/test"],
    ["POST /v1/webhook/rotate-secret", {}],
    ["GET /v1/webhook"],
  ])(
    "%s of a client whose webhook is missing or deleted is answered 404",
    async (routeKey, body?: object) => {
      expect((await makeWebhookApi().call(routeKey, { body })).status).toBe(404);
      const { call } = await withHook();
      expect(await call("DELETE /v1/webhook")).toEqual({ status: 204, body: null });
      expect((await call(routeKey, { body })).status).toBe(404);
    },
  );
});

describe("PATCH /v1/webhook", () => {
  const types = ["workflow.completed"];
  test.each([
    ["the payload mode", { payloadMode: "thin" }, { payloadMode: "thin", eventTypes: types }],
    ["the description", { description: "ERP" }, { description: "ERP", eventTypes: types }],
    ["the types", { eventTypes: ["message.reply"] }, { eventTypes: ["message.reply"] }],
    ["back to all types", { eventTypes: null }, {}],
  ])("PATCH /v1/webhook changes %s only", async (_name, body, expected) => {
    const { call, registered } = await withHook({ eventTypes: types });
    const { secret: _, eventTypes: __, ...before } = registered;
    const answer = await call("PATCH /v1/webhook", { body });
    expect(answer).toEqual({ status: 200, body: { ...before, ...expected } });
    expect((await call("GET /v1/webhook")).body).toEqual(answer.body);
  });

  test("PATCH /v1/webhook changes the URL, keeps id and secret, and is the client's next endpoint (ay-framework#410)", async () => {
    const { call, registered, stored, sent } = await withHook();
    const { secret: _, ...before } = registered;
    const body = { url: "https://B.example.com" };
    const url = "https://b.example.com/";
    expect((await call("PATCH /v1/webhook", { body })).body).toEqual({ ...before, url });
    expect(await stored()).toMatchObject({ url, endpointNumber: 2, secrets: [{ version: 1 }] });
    await call("PATCH /v1/webhook", { body });
    expect((await stored()).endpointNumber).toBe(2);
    expect(sent).toEqual([]);
  });

  test.each([
    [{ url: "http://b.example.com" }, "url"],
    [{ url: "https://10.0.0.1/" }, "url"],
    [{ headers: { "webhook-id": "1" } }, "headers.webhook-id"],
  ])("PATCH /v1/webhook refuses %j and names the field", async (body, field) => {
    const { call } = await withHook();
    const answer = await call("PATCH /v1/webhook", { body });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  });

  test.each([[{}], [{ format: "we-link" }]])(
    "PATCH /v1/webhook refuses the change %j",
    async (body) => {
      const { call } = await withHook();
      expect((await call("PATCH /v1/webhook", { body })).status).toBe(400);
    },
  );

  test("PATCH /v1/webhook refuses event types that the format does not carry", async () => {
    const { call } = await withHook({ format: "we-link" });
    const body = { eventTypes: ["account.frozen"] };
    expect(await call("PATCH /v1/webhook", { body })).toMatchObject({
      status: 400,
      body: {
        errors: [{ field: "eventTypes", message: expect.stringContaining("account.frozen") }],
      },
    });
  });

  test("PATCH /v1/webhook disables the webhook, applies the other changes, and starts a job that ends waiting deliveries", async () => {
    const { call, registered, sent, lastJob } = await withHook();
    const body = { status: "disabled", payloadMode: "thin" };
    expect((await call("PATCH /v1/webhook", { body })).body).toMatchObject({
      status: "disabled",
      disabledReason: "disabled_by_client",
      payloadMode: "thin",
    });
    expect(sent).toMatchObject([{ queue: "retries", message: { kind: "job" } }]);
    expect(await lastJob()).toMatchObject({
      kind: "end",
      clientId: "cl_1",
      webhookId: registered.id,
      status: "running",
    });
    await call("PATCH /v1/webhook", { body });
    expect(sent).toHaveLength(1);
  });

  test("PATCH /v1/webhook enables the webhook and removes the reason for which it was disabled", async () => {
    const { call, registered, stored } = await withHook();
    await call("PATCH /v1/webhook", { body: { status: "disabled" } });
    const kept = (await call("PATCH /v1/webhook", { body: { payloadMode: "thin" } })).body;
    expect(kept).toMatchObject({ status: "disabled", disabledReason: "disabled_by_client" });
    const { body } = await call("PATCH /v1/webhook", { body: { status: "active" } });
    expect(body).toMatchObject({ id: registered.id, status: "active", payloadMode: "thin" });
    expect(body).not.toHaveProperty("disabledReason");
    expect(await stored()).not.toHaveProperty("disabledAt");
  });

  test.each([
    [4, 200],
    [5, 409],
  ])("PATCH /v1/webhook after %i concurrent writes is answered %i", async (times, status) => {
    const api = makeWebhookApi();
    await api.call("PUT /v1/webhook", { body: hook });
    const webhooks = contested(api.memory.webhooks, times);
    const { call } = makeWebhookApi({ webhooks });
    const body = { payloadMode: "thin" };
    expect((await call("PATCH /v1/webhook", { body })).status).toBe(status);
  });
});

describe("POST /v1/webhook/rotate-secret", () => {
  test("rotate-secret returns the next secret; both secrets sign for 24 hours", async () => {
    const { call, registered, stored } = await withHook();
    const { status, body } = await call("POST /v1/webhook/rotate-secret");
    expect([status, body]).toEqual([
      200,
      {
        secret: expect.stringMatching(SECRET),
        previousValidUntil: "2026-06-26T12:00:00.000Z",
      },
    ]);
    expect(body.secret).not.toBe(registered.secret);
    expect((await stored()).secrets).toEqual([
      { version: 2, masterKeyId: "k2" },
      { version: 1, masterKeyId: "k2", validUntil: "2026-06-26T12:00:00.000Z" },
    ]);
  });

  test("rotate-secret is a conflict while the previous rotation overlaps, and not afterwards", async () => {
    const { call, clock, stored } = await withHook();
    await call("POST /v1/webhook/rotate-secret", { body: {} });
    clock.passBusiness(24 * HOUR_MS - 1);
    expect(await call("POST /v1/webhook/rotate-secret")).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("2026-06-26T12:00:00.000Z") },
    });
    clock.passBusiness(1);
    expect((await call("POST /v1/webhook/rotate-secret")).status).toBe(200);
    expect((await stored()).secrets.map(({ version }) => version)).toEqual([3, 2]);
  });

  test("rotate-secret with overlapHours 0 leaves only the new secret, also while a rotation overlaps", async () => {
    const { call, stored } = await withHook();
    await call("POST /v1/webhook/rotate-secret");
    const { status, body } = await call("POST /v1/webhook/rotate-secret", {
      query: { overlapHours: "0" },
    });
    expect([status, body]).toEqual([200, { secret: expect.stringMatching(SECRET) }]);
    expect((await stored()).secrets).toEqual([{ version: 3, masterKeyId: "k2" }]);
    for (const overlapHours of ["25", "-1", "1.5", "x", ""]) {
      const wrong = await call("POST /v1/webhook/rotate-secret", { query: { overlapHours } });
      expect([overlapHours, wrong.status]).toEqual([overlapHours, 400]);
    }
  });

  test("one of two concurrent rotate-secret calls rotates; the other is a conflict", async () => {
    const { call } = await withHook();
    const both = [1, 2].map(() => call("POST /v1/webhook/rotate-secret"));
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 409]);
  });

  test("rotate-secret uses the current master key", async () => {
    const { memory } = await withHook();
    const master = { ...testMasterKeys, current: "k1" };
    const api = makeWebhookApi({ webhooks: memory.webhooks, masterKeys: async () => master });
    await api.call("POST /v1/webhook/rotate-secret");
    expect((await api.stored()).secrets[0]).toEqual({ version: 2, masterKeyId: "k1" });
  });

  test("rotate-secret rotates the secret of a disabled webhook", async () => {
    const { call } = await withHook();
    await call("PATCH /v1/webhook", { body: { status: "disabled" } });
    expect((await call("POST /v1/webhook/rotate-secret")).status).toBe(200);
  });
});

describe("POST /v1/webhook/test", () => {
  test.each([undefined, {}])(
    "POST /v1/webhook/test creates a delivery of a test event (body %j)",
    async (body) => {
      const { bodyOf, call, registered, deps, sent } = await withHook({
        eventTypes: ["message.reply"],
      });
      const answer = await call("POST /v1/webhook/test", { body });
      const { deliveryId, eventId } = answer.body;
      expect(answer.status).toBe(202);
      expect(eventId).toMatch(/^webhook\.test:[0-9a-f]{32}$/);
      expect(deliveryId).toBe(deliveryIdOf(registered.id, eventId));
      const delivery = await deps.deliveries.find(deliveryId);
      expect(delivery).toMatchObject({ status: "waiting", eventType: "webhook.test", eventId });
      expect(await bodyOf(deliveryId)).toEqual({
        id: eventId,
        type: "webhook.test",
        createdAt: NOON,
        data: { provider: "ackwire", eventType: "UNKNOWN", message: expect.any(String) },
      });
      const hint = {
        v: 1,
        kind: "attempt",
        deliveryId,
        clientId: "cl_1",
        webhookId: registered.id,
        // The test is sent even if the circuit is open.
        heldMs: 900_000,
      };
      expect(sent).toEqual([{ queue: "retries", message: hint }]);
    },
  );

  test("POST /v1/webhook/test signs the test event in the We-Link format", async () => {
    const { bodyOf, call } = await withHook({ format: "we-link" });
    const { deliveryId } = (await call("POST /v1/webhook/test")).body;
    expect(await bodyOf(deliveryId)).toMatchObject({ status: "SUCCESS", hash: expect.any(String) });
  });

  test("POST /v1/webhook/test is accepted if its message is lost, which the sweep then sends", async () => {
    const error = new Error("SQS");
    const { call, dropped } = makeWebhookApi({
      deliveryQueue: { send: () => Promise.reject(error) },
    });
    await call("PUT /v1/webhook", { body: hook });
    expect((await call("POST /v1/webhook/test")).status).toBe(202);
    expect(dropped).toEqual([error]);
  });

  test("POST /v1/webhook/test is a conflict while the webhook is disabled", async () => {
    const { call } = await withHook();
    await call("PATCH /v1/webhook", { body: { status: "disabled" } });
    expect(await call("POST /v1/webhook/test")).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("enable it") },
    });
  });

  test("POST /v1/webhook/test answers 503 while the master key is not known yet", async () => {
    const { memory } = await withHook();
    const master = { current: "k1", keys: new Map([["k1", "1".repeat(32)]]) };
    const api = makeWebhookApi({ webhooks: memory.webhooks, masterKeys: async () => master });
    expect((await api.call("POST /v1/webhook/test")).status).toBe(503);
  });
});

test("deleting a webhook starts a job that ends its waiting deliveries", async () => {
  const { call, registered, lastJob, stored } = await withHook();
  await call("DELETE /v1/webhook");
  expect(await lastJob()).toMatchObject({
    kind: "end",
    webhookId: registered.id,
  });
  expect((await stored()).status).toBe("deleted");
});

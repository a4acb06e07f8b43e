import { describe, expect, test } from "vitest";
import { openApi } from "../../shared/contracts/http/openapi.ts";
import { hook, makeWebhookApi } from "../support/fakes/webhook-api.ts";

const NOON = "2026-06-25T12:00:00.000Z";

async function withHook() {
  const api = makeWebhookApi();
  const { body } = await api.call("POST /admin/webhook.set", { body: hook });
  return { ...api, webhook: body.result.webhook };
}

const refused = (status: number, type: string) => ({
  status,
  body: { success: false, error: { type, message: expect.any(String) } },
});

describe("webhook.set", () => {
  test("webhook.set registers the webhook that the native API shows", async () => {
    const { call, webhook } = await withHook();
    expect(webhook).toEqual({
      id: expect.stringMatching(/^wh_/),
      ...hook,
      payloadMode: "fat",
      isActive: true,
      signingEnabled: false,
      headerNames: [],
      events: null,
      createdAt: NOON,
      secret: expect.stringMatching(/^whsec_/),
    });
    expect((await call("GET /v1/webhook")).body).toMatchObject({ id: webhook.id, ...hook });
  });

  test("webhook.set accepts every member that Linked API's clients send", async () => {
    const body = {
      ...hook,
      payloadMode: "thin",
      signingEnabled: true,
      headers: { "X-Team": "crm" },
      events: ["workflow.*", "account.frozen"],
    };
    const { call } = makeWebhookApi();
    const answer = await call("POST /admin/webhook.set", { body });
    expect(answer.body.result.webhook).toMatchObject({
      payloadMode: "thin",
      signingEnabled: true,
      headerNames: ["x-team"],
      events: ["workflow.*", "account.frozen"],
    });
    const { body: listed } = await call("POST /admin/webhook.get");
    expect(listed.result.webhooks).toMatchObject([{ headerNames: ["x-team"] }]);
    expect(JSON.stringify(listed)).not.toMatch(/whsec_|crm/);
  });

  test.each([
    [{ other: 1 }, "other"],
    [{ events: ["inbox.messageReceived"] }, "events.0"],
    [{ events: [] }, "events"],
    [{ headers: { "content-type": "text/plain" } }, "headers.content-type"],
    [{ headers: { "x-a": "" } }, "headers.x-a"],
  ])("webhook.set refuses %j, which Ackwire does not have, and names it", async (more, field) => {
    const { call } = makeWebhookApi();
    const answer = await call("POST /admin/webhook.set", { body: { ...hook, ...more } });
    expect(answer).toMatchObject(refused(400, "invalidRequestPayload"));
    expect(answer.body.error.message).toContain(field);
    expect((await call("POST /admin/webhook.get")).body.result.webhooks).toEqual([]);
  });

  test("webhook.set with another URL is refused while a webhook is active", async () => {
    const { call } = await withHook();
    const body = { ...hook, url: "https://other.example.com/" };
    const answer = await call("POST /admin/webhook.set", { body });
    expect(answer).toMatchObject(refused(409, "webhookAlreadyExists"));
  });

  test("webhook.set of the active webhook's own settings returns that webhook", async () => {
    const { call, webhook } = await withHook();
    const answer = await call("POST /admin/webhook.set", { body: hook });
    expect(answer).toMatchObject({
      status: 200,
      body: { result: { webhook: { id: webhook.id } } },
    });
  });

  test.each([[{ url: "https://192.168.0.1/" }], [{ url: "http://a.example.com" }], [{}], [[]]])(
    "webhook.set refuses %j",
    async (body) => {
      const answer = await makeWebhookApi().call("POST /admin/webhook.set", { body });
      expect(answer).toMatchObject(refused(400, "invalidRequestPayload"));
    },
  );
});

describe("webhook.get", () => {
  const get = "POST /admin/webhook.get";
  test.each([undefined, {}])("webhook.get returns no webhook or one (body %j)", async (body) => {
    expect(await makeWebhookApi().call(get, { body })).toEqual({
      status: 200,
      body: { success: true, result: { webhooks: [] } },
    });
    const { call, webhook } = await withHook();
    const { secret: _, ...shown } = webhook;
    expect((await call(get, { body })).body.result).toEqual({ webhooks: [shown] });
    expect((await call(get, { body, as: "cl_2" })).body.result).toEqual({ webhooks: [] });
    await call("PATCH /v1/webhook", { body: { status: "disabled" } });
    expect((await call(get, { body })).body.result).toMatchObject({
      webhooks: [{ isActive: false }],
    });
  });
});

describe("webhook.setPayloadMode", () => {
  const set = "POST /admin/webhook.setPayloadMode";
  test("webhook.setPayloadMode changes the payload mode", async () => {
    const { call, webhook } = await withHook();
    const answer = await call(set, { body: { id: webhook.id, payloadMode: "thin" } });
    expect(answer).toMatchObject({
      status: 200,
      body: { success: true, result: { webhook: { id: webhook.id, payloadMode: "thin" } } },
    });
    expect((await call("GET /v1/webhook")).body.payloadMode).toBe("thin");
  });

  test("webhook.setPayloadMode with another id answers 404 and changes nothing", async () => {
    const { call, webhook } = await withHook();
    const body = { id: "wh_other", payloadMode: "thin" };
    expect(await call(set, { body })).toMatchObject(refused(404, "webhookNotFound"));
    const own = { ...body, id: webhook.id };
    expect(await call(set, { body: own, as: "cl_2" })).toMatchObject(
      refused(404, "webhookNotFound"),
    );
    expect((await call("GET /v1/webhook")).body.payloadMode).toBe("fat");
  });

  test("webhook.setPayloadMode refuses an unknown mode", async () => {
    const { call, webhook } = await withHook();
    const answer = await call(set, { body: { id: webhook.id, payloadMode: "slim" } });
    expect(answer).toMatchObject(refused(400, "invalidRequestPayload"));
  });
});

describe("webhook.delete", () => {
  const remove = "POST /admin/webhook.delete";
  test("webhook.delete deletes the webhook, so that another can be set", async () => {
    const { call, webhook } = await withHook();
    const wrong = await call(remove, { body: { id: "wh_other" } });
    expect(wrong).toMatchObject(refused(404, "webhookNotFound"));
    expect(await call(remove, { body: { id: webhook.id } })).toEqual({
      status: 200,
      body: { success: true, result: { deleted: true } },
    });
    const again = await call(remove, { body: { id: webhook.id } });
    expect(again).toMatchObject(refused(404, "webhookNotFound"));
    expect((await call("POST /admin/webhook.set", { body: hook })).status).toBe(200);
  });
});

describe("webhook.sendTest", () => {
  const sendTest = "POST /admin/webhook.sendTest";
  test.each([undefined, {}])("webhook.sendTest sends a test event (body %j)", async (body) => {
    const { call, sent } = await withHook();
    const { deliveryId } = (await call(sendTest, { body })).body.result;
    expect(sent).toMatchObject([{ message: { kind: "attempt", deliveryId } }]);
  });

  test("webhook.sendTest requires an active webhook", async () => {
    expect(await makeWebhookApi().call(sendTest)).toMatchObject(refused(404, "webhookNotFound"));
    const { call } = await withHook();
    await call("PATCH /v1/webhook", { body: { status: "disabled" } });
    expect(await call(sendTest)).toMatchObject(refused(409, "webhookDisabled"));
  });
});

describe("webhook.deliveries", () => {
  const list = "POST /admin/webhook.deliveries";
  test.each([
    ["waiting", "pending"],
    ["delivering", "delivering"],
    ["delivered", "success"],
    ["failed", "failed"],
    ["cancelled", "failed"],
  ] as const)("webhook.deliveries shows %s as %s", async (status, shown) => {
    const { call, haveDelivery } = await withHook();
    await haveDelivery({ eventId: "e:1", status });
    expect((await call(list)).body.result.deliveries).toMatchObject([
      { status: shown, attempts: 0 },
    ]);
    expect((await call(list, { as: "cl_2" })).body.result.deliveries).toEqual([]);
  });

  test("webhook.deliveries shows the result and time of the last attempt", async () => {
    const { call, clock, haveDelivery } = await withHook();
    const attempts = [{ cycle: 1, attemptNumber: 1, atMs: clock.businessMs() + 5, durationMs: 1 }];
    const answered = { ...attempts[0], httpStatus: 500 } as (typeof attempts)[number];
    const ended = { status: "failed", reason: "attempts_used", endedMs: clock.businessMs() + 9 };
    const { deliveryId: id } = await haveDelivery({
      eventId: "e:1",
      ...(ended as object),
      attemptHistory: [...attempts, answered],
    });
    expect((await call(list)).body.result.deliveries).toEqual([
      {
        id,
        eventType: "workflow.started",
        eventId: "e:1",
        status: "failed",
        attempts: 2,
        responseStatusCode: 500,
        lastError: "attempts_used",
        createdAt: NOON,
        updatedAt: "2026-06-25T12:00:00.009Z",
      },
    ]);
  });
});

describe("webhook.replayDelivery", () => {
  const replay = "POST /admin/webhook.replayDelivery";
  test("webhook.replayDelivery resends a delivery", async () => {
    const { call, haveDelivery, deps } = await withHook();
    const { deliveryId } = await haveDelivery({ eventId: "e:1", status: "failed" });
    expect(await call(replay, { body: { deliveryId } })).toEqual({
      status: 200,
      body: { success: true, result: { deliveryId } },
    });
    expect(await deps.deliveries.find(deliveryId)).toMatchObject({ status: "waiting", cycle: 2 });
  });

  test("webhook.replayDelivery refuses an unknown delivery and one that cannot be resent", async () => {
    const { call, haveDelivery } = await withHook();
    const { deliveryId } = await haveDelivery({ eventId: "e:1", status: "cancelled" });
    const none = await call(replay, { body: { deliveryId: "dl_0" } });
    expect(none).toMatchObject(refused(404, "deliveryNotFound"));
    const foreign = await call(replay, { body: { deliveryId }, as: "cl_2" });
    expect(foreign).toMatchObject(refused(404, "deliveryNotFound"));
    expect(await call(replay, { body: { deliveryId } })).toMatchObject(refused(409, "conflict"));
  });
});

describe("authentication of webhook calls", () => {
  test.each([
    [undefined, "linkedApiTokenRequired"],
    ["ackwire_key1_wrong", "invalidLinkedApiToken"],
  ])("A webhook call with the token %j is answered 401", async (token, type) => {
    const headers = { "linked-api-token": token };
    const answer = await makeWebhookApi().call("POST /admin/webhook.get", { headers });
    expect(answer).toMatchObject(refused(401, type));
  });

  test("Webhook calls neither require nor check an account's token", async () => {
    const headers = { "identification-token": "x" };
    const answer = await makeWebhookApi().call("POST /admin/webhook.get", { headers });
    expect(answer.status).toBe(200);
    const { paths } = JSON.parse(openApi());
    expect(paths["/admin/webhook.get"].post.security).toEqual([{ linkedApiToken: [] }]);
    expect(paths["/workflows"].post.security).toEqual([
      { linkedApiToken: [], identificationToken: [] },
    ]);
  });
});

describe("Changes of the webhook", () => {
  const change = async (api: Awaited<ReturnType<typeof withHook>>, call: string, body: object) => {
    const answer = await api.call(`POST /admin/webhook.${call}`, {
      body: { id: api.webhook.id, ...body },
    });
    expect(answer, call).toMatchObject({ status: 200, body: { success: true } });
    return answer.body.result.webhook;
  };

  test("setEvents chooses types and wildcards, and null all of them", async () => {
    const api = await withHook();
    const { events } = await change(api, "setEvents", { events: ["workflow.*"] });
    expect(events).toEqual(["workflow.*"]);
    expect((await change(api, "setEvents", { events: null })).events).toBeNull();
  });

  test("setHeader, deleteHeader and setHeaders change the headers, whose names have any case", async () => {
    const api = await withHook();
    const namesAfter = async (call: string, body: object) =>
      (await change(api, call, body)).headerNames.toSorted();
    expect(await namesAfter("setHeader", { name: "X-One", value: "1" })).toEqual(["x-one"]);
    expect(await namesAfter("setHeader", { name: "x-two", value: "2" })).toEqual([
      "x-one",
      "x-two",
    ]);
    expect(await namesAfter("setHeader", { name: "X-TWO", value: "3" })).toEqual([
      "x-one",
      "x-two",
    ]);
    expect(await namesAfter("deleteHeader", { name: "X-ONE" })).toEqual(["x-two"]);
    expect(await namesAfter("deleteHeader", { name: "X-ONE" })).toEqual(["x-two"]);
    expect(await namesAfter("setHeaders", { headers: { "X-Three": "3" } })).toEqual(["x-three"]);
    expect(await namesAfter("setHeaders", { headers: null })).toEqual([]);
    expect(await namesAfter("setHeaders", { headers: {} })).toEqual([]);
  });

  test.each([
    [{ name: "content-length", value: "1" }, "name"],
    [{ name: "x-a", value: "a\r\nb" }, "value"],
  ])("setHeader refuses %j and names the member", async (header, field) => {
    const { call, webhook } = await withHook();
    const answer = await call("POST /admin/webhook.setHeader", {
      body: { id: webhook.id, ...header },
    });
    expect(answer).toMatchObject(refused(400, "invalidRequestPayload"));
    expect(answer.body.error.message).toMatch(new RegExp(`^${field}: `));
  });

  test("setSigning turns Linked API's signature on, with the secret, and off", async () => {
    const api = await withHook();
    const on = await change(api, "setSigning", { signingEnabled: true });
    expect(on).toMatchObject({ signingEnabled: true, secret: api.webhook.secret });
    expect((await api.stored()).signedAs).toBe("linked-api");
    const off = await change(api, "setSigning", { signingEnabled: false });
    expect(off).toMatchObject({ signingEnabled: false });
    expect(off).not.toHaveProperty("secret");
    expect(await api.stored()).not.toHaveProperty("signedAs");
  });

  test("revealSecret returns the secret, and rotateSecret replaces it", async () => {
    const api = await withHook();
    expect((await change(api, "revealSecret", {})).secret).toBe(api.webhook.secret);
    const { secret } = await change(api, "rotateSecret", {});
    expect(secret).toMatch(/^whsec_/);
    expect(secret).not.toBe(api.webhook.secret);
    expect((await change(api, "revealSecret", {})).secret).toBe(secret);
  });

  test("eventTypes lists the types that can be chosen", async () => {
    const { call } = makeWebhookApi();
    const { body } = await call("POST /admin/webhook.eventTypes");
    expect(body.result.eventTypes).toEqual(expect.arrayContaining(["workflow.completed"]));
    expect(body.result.eventTypes).not.toContain("webhook.test");
  });

  test.each([
    ["setEvents", { events: null }],
    ["setHeaders", { headers: null }],
    ["setHeader", { name: "x-a", value: "1" }],
    ["deleteHeader", { name: "x-a" }],
    ["setSigning", { signingEnabled: true }],
    ["revealSecret", {}],
    ["rotateSecret", {}],
  ])("%s refuses the id of another webhook", async (call, body) => {
    const api = await withHook();
    const answer = await api.call(`POST /admin/webhook.${call}`, {
      body: { id: "whs-other", ...body },
    });
    expect(answer).toMatchObject(refused(404, "webhookNotFound"));
  });
});

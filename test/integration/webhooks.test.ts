import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { EVENT_SOURCE } from "../../shared/contracts/events.ts";
import type { DeliveryView, RecoveryView } from "../../shared/contracts/http/deliveries.ts";
import type { WebhookView } from "../../shared/contracts/http/webhooks.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import {
  faultsOfAnswer,
  faultsOfBusMessage,
  faultsOfWebhook,
  recordAnswers,
} from "../support/contract-judge.ts";
import { startBusListener } from "../support/fakes/bus-listener.ts";
import { eventOf, type Post, verified } from "../support/fakes/webhook-receiver.ts";
import { accountWords } from "../support/payloads/linked-api-payloads.ts";
import { type Client, type OutboundRun, startOutboundRun } from "../support/runs/outbound-run.ts";
import { waitOptions } from "../support/wait-timeout.ts";

/** Webhooks end to end by the native API. The tests run concurrently, each with its own client. */
const SPEED = 600;
/** The longest delay of the schedule, and the longest Retry-After: one real second. */
const LONGEST_SECONDS = SPEED;

let outbound: OutboundRun;
let bus: Awaited<ReturnType<typeof startBusListener>>;
let recorded: ReturnType<typeof recordAnswers>;
beforeAll(async () => {
  outbound = await startOutboundRun({
    speed: SPEED,
    settings: { deliveryDelaysSeconds: `0,0,0,0,0,0,${LONGEST_SECONDS}` },
  });
  bus = await startBusListener(outbound.run);
  recorded = recordAnswers(outbound.run.addresses.apiUrl);
});
afterAll(async () => {
  recorded.stop();
  await bus.close();
  await outbound.close();
});

/** Texts in URLs, bodies and responses; no log may contain them or any secret. */
const canaries = ["Canary-in-a-url", "Canary-in-a-body", "Canary-in-an-answer"] as const;
const [urlCanary, bodyCanary, answerCanary] = canaries;
const secrets: string[] = [];

async function register(client: Client, of: JsonObject) {
  const registered = await client.register(of);
  secrets.push(registered.secret);
  return registered;
}

type AccountType = Parameters<typeof accountWords>[0];

/** Sends an account event of Linked API that the client's webhook may receive. */
async function sendAccountEvent(
  client: Client,
  type: AccountType,
  name: string = client.accountId,
) {
  const payload = accountWords(type, { createdAt: outbound.businessNow(), accountId: name });
  await client.sendWebhook("linked-api", { ...payload, note: bodyCanary });
}

const isOf =
  ({ clientId }: Client, type: string) =>
  (event: { clientId: string; type: string }) =>
    event.clientId === clientId && event.type === type;

const postpone = {
  status: 503,
  headers: { "retry-after": String(LONGEST_SECONDS) },
  body: answerCanary,
};

test.concurrent("A delivery fails after eight attempts, and each resend starts a cycle with the same id and bytes", async ({
  expect,
}) => {
  const client = await outbound.newClient("resent");
  const endpoint = outbound.receiver.endpoint(() => ({ status: 500, body: answerCanary }));
  const { id: webhookId, secret } = await register(client, { url: `${endpoint.url}` });
  await sendAccountEvent(client, "account.active");
  const [{ id: eventId }] = (await endpoint.received(1)) as [Post];
  const { items } = (await client.native<{ items: DeliveryView[] }>("GET", "/v1/deliveries")).body;
  const id = items[0]?.id ?? "";
  const resend = () => client.native<DeliveryView>("POST", `/v1/deliveries/${id}/resend`);
  // A resend does not change a delivery that is in progress.
  expect(await resend()).toMatchObject({ status: 202, body: { id, cycle: 1 } });

  const failed = await client.deliveryOf(eventId, { status: "failed" });
  expect(failed).toMatchObject({ id, webhookId, eventId, reason: "attempts_used", cycle: 1 });
  expect(failed.attempts).toHaveLength(8);
  for (const [at, attempt] of failed.attempts.entries()) {
    expect(attempt).toMatchObject({ n: at + 1, httpStatus: 500, bodyStart: answerCanary });
  }
  const [failedEvent] = await bus.events(1, isOf(client, "delivery.failed"));
  expect(failedEvent).toMatchObject({
    id: `delivery.failed:${id}:1`,
    data: {
      deliveryId: id,
      eventId,
      eventType: "account.active",
      webhookId,
      cycle: 1,
      attempts: 8,
      reason: "attempts_used",
    },
  });

  endpoint.answering = () => 200;
  for (const cycle of [2, 3]) {
    expect(await resend()).toMatchObject({ status: 202, body: { id, cycle, status: "waiting" } });
    const again = await client.deliveryOf(eventId);
    expect(again).toMatchObject({ id, cycle });
    expect(again.attempts.at(-1)).toMatchObject({ cycle, n: 1, httpStatus: 200 });
  }
  expect(endpoint.posts).toHaveLength(10);
  for (const post of endpoint.posts) {
    expect([post.id, post.body]).toEqual([eventId, endpoint.posts[0]?.body]);
    expect(verified(post, secret)).toMatchObject({ id: eventId, type: "account.active" });
  }
  expect(bus.received().filter(isOf(client, "delivery.failed"))).toHaveLength(1);
});

test.concurrent("A 410 disables the webhook, and a recovery delivers the failed events to the webhook that replaces it", async ({
  expect,
}) => {
  const client = await outbound.newClient("gone");
  const endpoint = outbound.receiver.endpoint(({ body }) =>
    body.includes("wait") ? postpone : 410,
  );
  const { id: webhookId } = await register(client, { url: `${endpoint.url}` });
  const since = outbound.businessNow();
  await sendAccountEvent(client, "account.active", "wait-1");
  await sendAccountEvent(client, "account.active", "wait-2");
  for (const name of ["wait-1", "wait-2"]) {
    await endpoint.received(1, ({ body }) => body.includes(name));
  }
  await sendAccountEvent(client, "account.frozen", "last");
  const [last] = (await endpoint.received(1, ({ body }) => body.includes("last"))) as [Post];

  const [disabled] = await bus.events(1, isOf(client, "webhook.disabled"));
  expect(disabled?.data).toEqual({ webhookId, reason: "endpoint_answered_410" });
  const { body: view } = await client.native<WebhookView>("GET", "/v1/webhook");
  expect(view).toMatchObject({ status: "disabled", disabledReason: "endpoint_answered_410" });
  await sendAccountEvent(client, "account.active", "after");
  const failures = await bus.events(4, isOf(client, "delivery.failed"));
  const reasons = new Map(failures.map(({ data }) => [data.eventId, data.reason]));
  expect(reasons.get(last.id)).toBe("gone");
  expect([...reasons.values()].sort()).toEqual(["disabled", "disabled", "disabled", "gone"]);
  // The event after the 410 was never sent.
  expect(endpoint.posts.filter(({ body }) => body.includes("after"))).toEqual([]);
  const recover = (body: JsonObject) =>
    client.native<RecoveryView>("POST", "/v1/deliveries/recover", body);
  expect((await recover({ since })).status).toBe(409);

  const other = outbound.receiver.endpoint();
  const next = await register(client, { url: other.url });
  expect(next.id).not.toBe(webhookId);
  const before = await client.deliveries();
  const [first] = before;
  const resent = await client.native("POST", `/v1/deliveries/${first?.id}/resend`);
  expect(resent.status).toBe(409);
  const started = await recover({ since });
  expect(started).toMatchObject({ status: 202, body: { examined: 0, since } });
  const path = `/v1/deliveries/recover/${started.body.recoveryId}`;
  const done = await vi.waitFor(async () => {
    const { body } = await client.native<RecoveryView>("GET", path);
    if (body.status !== "done") throw new Error("The recovery is still running");
    return body;
  }, waitOptions);
  expect(done).toMatchObject({ examined: 4, recovered: 4, skipped: 0 });
  expect(done.finishedAt).toBeDefined();
  const posts = await other.received(4);
  expect(posts.map(({ id }) => id).sort()).toEqual([...reasons.keys()].sort());
  for (const post of posts) expect(verified(post, next.secret).id).toBe(post.id);
  await client.settled();
  // A recovery creates new deliveries; the failed ones stay unchanged.
  const after = await client.deliveries();
  expect(after.filter(({ webhookId: of }) => of === next.id)).toHaveLength(4);
  expect(after.filter(({ webhookId: of }) => of === webhookId)).toEqual(before);

  const stranger = await outbound.newClient("stranger-to-recovery");
  expect((await stranger.native("GET", path)).status).toBe(404);
});

test.concurrent("After a rotation both secrets sign for a day", async ({ expect }) => {
  const client = await outbound.newClient("rotated");
  const endpoint = outbound.receiver.endpoint();
  const { secret: old } = await register(client, { url: `${endpoint.url}?token=${urlCanary}` });
  const rotate = () =>
    client.native<{ secret: string; previousValidUntil: string }>(
      "POST",
      "/v1/webhook/rotate-secret",
    );
  const beforeMs = outbound.run.clock.now();
  const { status, body } = await rotate();
  expect(status).toBe(200);
  secrets.push(body.secret);
  expect(body.secret).not.toBe(old);
  expect(Date.parse(body.previousValidUntil) - beforeMs).toBeGreaterThanOrEqual(86_400_000);
  expect(await rotate()).toMatchObject({ status: 409 });
  const { body: sent } = await client.native("POST", "/v1/webhook/test");
  const [post] = (await endpoint.received(1)) as [Post];
  // Every library verifies the signature with either secret alone.
  for (const secret of [old, body.secret]) {
    expect(verified(post, secret)).toMatchObject({ id: sent.eventId, type: "webhook.test" });
  }
  expect(String(post.headers["webhook-signature"]).split(" ")).toHaveLength(2);
  expect(() => verified(post, `whsec_${Buffer.alloc(32).toString("base64")}`)).toThrow();
});

test.concurrent("A webhook is registered, read, filtered, tested, changed and deleted", async ({
  expect,
}) => {
  const client = await outbound.newClient("filtered");
  const endpoint = outbound.receiver.endpoint();
  const { url } = endpoint;
  const settings = { url, eventTypes: ["account.frozen"], description: "Of the billing team" };
  const { secret, ...view } = await register(client, settings);
  expect(view).toEqual({
    ...settings,
    id: expect.stringMatching(/^wh_/),
    status: "active",
    payloadMode: "fat",
    format: "standard",
    createdAt: expect.any(String),
  });
  expect(await client.native("GET", "/v1/webhook")).toEqual({ status: 200, body: view });
  const second = await client.native("PUT", "/v1/webhook", { url });
  expect(second).toMatchObject({ status: 409, body: { status: 409 } });

  await sendAccountEvent(client, "account.active");
  await sendAccountEvent(client, "account.frozen");
  const [frozen] = (await endpoint.received(1)) as [Post];
  expect(verified(frozen, secret).type).toBe("account.frozen");
  // A test event is delivered whatever the filter of event types.
  const { status, body: sent } = await client.native("POST", "/v1/webhook/test");
  expect(status).toBe(202);
  const [, tested] = (await endpoint.received(2)) as [Post, Post];
  expect(verified(tested, secret)).toMatchObject({
    id: sent.eventId,
    data: { message: expect.any(String) },
  });
  expect(await client.deliveryOf(tested.id)).toMatchObject({ id: sent.deliveryId });
  expect(bus.received().map(({ id }) => id)).not.toContain(tested.id);

  const change = { eventTypes: null, description: "Of all teams" };
  const changed = await client.native<WebhookView>("PATCH", "/v1/webhook", change);
  expect(changed.body).toMatchObject({ id: view.id, description: "Of all teams" });
  expect(changed.body).not.toHaveProperty("eventTypes");
  await sendAccountEvent(client, "account.active", "now-wanted");
  const [, , wanted] = (await endpoint.received(3)) as [Post, Post, Post];
  expect(eventOf(wanted)).toMatchObject({
    type: "account.active",
    data: { accountId: "now-wanted" },
  });
  // The first account.active was filtered out, so it has no delivery.
  await client.settled();
  const types = (await client.deliveries()).map(({ eventType }) => eventType).sort();
  expect(types).toEqual(["account.active", "account.frozen", "webhook.test"]);

  expect((await client.native("DELETE", "/v1/webhook")).status).toBe(204);
  for (const [method, path] of [
    ["GET", "/v1/webhook"],
    ["DELETE", "/v1/webhook"],
    ["POST", "/v1/webhook/test"],
  ] as const) {
    expect((await client.native(method, path)).status).toBe(404);
  }
});

test.concurrent("A disabled webhook receives nothing until it is active again", async ({
  expect,
}) => {
  const client = await outbound.newClient("disabled");
  const endpoint = outbound.receiver.endpoint();
  const { id: webhookId, secret } = await register(client, { url: endpoint.url });
  const patch = (status: string) => client.native<WebhookView>("PATCH", "/v1/webhook", { status });
  expect((await patch("disabled")).body).toMatchObject({
    id: webhookId,
    status: "disabled",
    disabledReason: "disabled_by_client",
  });
  const [disabled] = await bus.events(1, isOf(client, "webhook.disabled"));
  expect(disabled?.data).toEqual({ webhookId, reason: "disabled_by_client" });
  await sendAccountEvent(client, "account.active");
  const [failure] = await bus.events(1, isOf(client, "delivery.failed"));
  const eventId = String(failure?.data.eventId);
  const failed = await client.deliveryOf(eventId, { status: "failed" });
  expect(failed).toMatchObject({ reason: "disabled", attempts: [] });
  const resend = () => client.native("POST", `/v1/deliveries/${failed.id}/resend`);
  expect((await resend()).status).toBe(409);
  expect((await client.native("POST", "/v1/webhook/test")).status).toBe(409);

  const active = await patch("active");
  expect(active.body).toMatchObject({ id: webhookId, status: "active" });
  expect(active.body).not.toHaveProperty("disabledReason");
  expect((await resend()).status).toBe(202);
  const [post] = (await endpoint.received(1)) as [Post];
  // The secret is unchanged.
  expect(verified(post, secret).id).toBe(eventId);
  expect(await client.deliveryOf(eventId)).toMatchObject({ cycle: 2 });
  expect(endpoint.posts).toHaveLength(1);
});

test.concurrent("A waiting delivery is cancelled with its request or with its webhook", async ({
  expect,
}) => {
  const client = await outbound.newClient("cancelled");
  const endpoint = outbound.receiver.endpoint(() => postpone);
  await register(client, { url: endpoint.url });
  const { accountId } = client;
  const asked = { provider: "linked-api", accountId, action: "st.openPersonPage", params: {} };
  const { body: request } = await client.native("POST", "/v1/requests", asked);
  await client.submitted(String(request.requestId));
  await sendAccountEvent(client, "account.active");
  const of = async (type: string) =>
    (await endpoint.received(1, ({ id }) => id.startsWith(type))) as [Post];
  const [created] = await of("workflow.created");
  const [active] = await of("account.active");

  await client.native("DELETE", `/v1/requests/${request.requestId}`);
  const withRequest = await client.deliveryOf(created.id, { status: "cancelled" });
  expect(withRequest.reason).toBe("request_cancelled");
  const resent = await client.native("POST", `/v1/deliveries/${withRequest.id}/resend`);
  expect(resent.status).toBe(409);
  await client.native("DELETE", "/v1/webhook");
  const withWebhook = await client.deliveryOf(active.id, { status: "cancelled" });
  expect(withWebhook.reason).toBe("webhook_deleted");
  expect(bus.received().filter(isOf(client, "delivery.failed"))).toEqual([]);
});

test.concurrent("A client can neither read nor resend another client's deliveries, nor change its webhook", async ({
  expect,
}) => {
  const client = await outbound.newClient("one");
  const other = await outbound.newClient("other");
  const endpoint = outbound.receiver.endpoint();
  await register(client, { url: endpoint.url });
  const theirs = outbound.receiver.endpoint();
  await register(other, { url: theirs.url });
  await sendAccountEvent(client, "account.active");
  const [{ id: eventId }] = (await endpoint.received(1)) as [Post];
  const { id, webhookId } = await client.deliveryOf(eventId);

  expect(await other.deliveries()).toEqual([]);
  const tries = await Promise.all([
    other.native("GET", `/v1/deliveries/${id}`),
    other.native("POST", `/v1/deliveries/${id}/resend`),
    other.linkedApi("POST", "/admin/webhook.replayDelivery", { deliveryId: id }),
    other.linkedApi("POST", "/admin/webhook.delete", { id: webhookId }),
    other.linkedApi("POST", "/admin/webhook.setPayloadMode", {
      id: webhookId,
      payloadMode: "thin",
    }),
  ]);
  expect(tries.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
  const listed = await other.linkedApi("POST", "/admin/webhook.deliveries", {});
  expect(listed.body).toEqual({ success: true, result: { deliveries: [] } });
  expect(await client.delivery(id)).toMatchObject({ cycle: 1, status: "delivered" });
  expect([endpoint.posts.length, theirs.posts.length]).toEqual([1, 0]);
});

test.concurrent("A webhook URL that is not a public address is rejected, and the error gives the reason", async ({
  expect,
}) => {
  const client = await outbound.newClient("refused");
  const own = Object.values(outbound.run.addresses).map(
    (address) => [address, /is one of Ackwire's own/] as const,
  );
  const cases = [
    ...own,
    ["https://10.0.0.1/hook", /10\.0\.0\.1 is not a public address/],
    ["https://169.254.169.254/latest/meta-data", /is not a public address/],
    ["https://[fd00::1]/hook", /is not a public address/],
    ["https://0x7f000001/hook", /must write this machine as/],
    ["https://hooks.internal/in", /hooks\.internal is not a public name/],
    ["https://user:word@hooks.example.com/in", /user name or password/],
    ["ftp://hooks.example.com/in", /must be https; got ftp/],
  ] as const;
  expect(own.length).toBeGreaterThanOrEqual(4);
  for (const [url, reason] of cases) {
    const ours = await client.native("PUT", "/v1/webhook", { url });
    expect([url, ours.status]).toEqual([url, 400]);
    expect(JSON.stringify(ours.body)).toMatch(reason);
    const theirs = await client.linkedApi("POST", "/admin/webhook.set", { url });
    expect([url, theirs.status]).toEqual([url, 400]);
    expect(JSON.stringify(theirs.body)).toMatch(reason);
  }
  expect((await client.native("GET", "/v1/webhook")).status).toBe(404);
});

test.concurrent("The calls of both protocols, and webhooks in We-Link's format, are answered and delivered", async ({
  expect,
}) => {
  const client = await outbound.newClient("tour");
  const endpoint = outbound.receiver.endpoint();
  await register(client, { url: endpoint.url, format: "we-link" });
  const { accountId } = client;
  const asked = await client.weLink<{ requestId: string }>("connect", {
    ...{ accountId, profile_id: "ACoABC1d2f", message: "Hi" },
  });
  const { requestId } = asked.body;
  const { providerRequestId } = await client.submitted(requestId);
  const outcome = { status: "SUCCESS", request_id: providerRequestId, result: { done: true } };
  await client.sendWebhook("we-link", outcome);
  await endpoint.received(1, ({ body }) => body.includes("SUCCESS"));
  const workflow = await client.linkedApi<{ result: { workflowId: string } }>(
    "POST",
    "/workflows",
    { actionType: "st.openPersonPage", personUrl: "https://www.linkedin.com/in/jane" },
  );
  const { workflowId } = workflow.body.result;
  const later = new Date(outbound.run.clock.now() + 5 * 86_400_000).toISOString();
  const calls: [status: number, answered: Promise<{ status: number }>][] = [
    [200, client.weLink("get_response", { request_id: requestId })],
    [404, client.weLink("get_response", { request_id: "rq_unknown" })],
    [400, client.weLink("connect", { profile_id: "p" })],
    [400, client.weLink("Connect", {})],
    [200, client.linkedApi("GET", `/workflows/${workflowId}`)],
    [404, client.linkedApi("GET", "/workflows/unknown")],
    [200, client.linkedApi("POST", "/admin/webhook.get", {})],
    [200, client.linkedApi("POST", "/admin/webhook.deliveries", {})],
    [200, client.linkedApi("POST", "/admin/webhook.eventTypes", {})],
    [200, client.linkedApi("GET", "/account")],
    [400, client.linkedApi("POST", "/workflows", [])],
    [200, client.native("GET", "/v1/requests")],
    [200, client.native("GET", `/v1/requests/${requestId}`)],
    [404, client.native("GET", "/v1/requests/unknown")],
    [409, client.native("DELETE", `/v1/requests/${requestId}`)],
    [200, client.native("GET", "/v1/accounts")],
    [200, client.native("POST", `/v1/accounts/${accountId}/pause?provider=we-link`)],
    [400, client.native("GET", `/v1/accounts/${accountId}`)],
    [200, client.native("GET", "/v1/connections")],
    [201, client.native("POST", "/v1/keys")],
    [200, client.native("GET", "/v1/keys")],
    [200, client.native("GET", "/v1/events")],
    [404, client.native("GET", "/v1/webhooks")],
    [405, client.native("PUT", "/v1/requests", {})],
    [400, client.native("POST", "/v1/requests", { provider: "we-link" })],
    [
      202,
      client.native("POST", "/v1/requests", {
        ...{ provider: "we-link", accountId, action: "connect", params: {}, scheduled: later },
      }),
    ],
  ];
  for (const [status, answered] of calls) expect(await answered).toMatchObject({ status });
});

test("Each answer, message of the bus and delivered webhook of this run is valid by the published contracts", async () => {
  const answers = recorded.answers.map((answer) => ({ answer, faults: faultsOfAnswer(answer) }));
  const events = bus.bodies.map((body) => ({ body, faults: faultsOfBusMessage(JSON.parse(body)) }));
  const webhooks = outbound.receiver.posts.map((post) => ({ post, faults: faultsOfWebhook(post) }));
  const judged = { answers, events, webhooks };
  for (const [kind, all] of Object.entries(judged)) {
    const invalid = all.filter(({ faults }) => faults.length > 0);
    console.info(`${kind}: ${all.length} judged, ${invalid.length} invalid`);
    expect(invalid).toEqual([]);
  }
  const statuses = recorded.answers.map(({ status }) => status);
  expect([...new Set(statuses)]).toEqual(
    expect.arrayContaining([200, 201, 202, 400, 404, 405, 409]),
  );
  expect(answers.length).toBeGreaterThan(100);
  expect(events.length).toBeGreaterThan(20);
  expect(webhooks.length).toBeGreaterThan(20);
  const formats = outbound.receiver.posts.map(({ body }) => "type" in JSON.parse(body));
  expect(new Set(formats)).toEqual(new Set([true, false]));
});

test("No log contains a secret, a signature, a body, a response or a URL's token", () => {
  const { run } = outbound;
  expect(secrets.length).toBeGreaterThan(5);
  const log = run.logged();
  expect(log).toContain("delivery failed");
  const all = [log, ...run.printed].join("\n");
  const held = [...secrets, ...canaries, "v1,"].filter((text) => all.includes(text));
  expect(held).toEqual([]);
  // What a run of `reconcile` cannot do in time on a busy machine, the next one does.
  expect(run.printed.filter((line) => !line.includes("AckwireReconcile"))).toEqual([]);
});

test.concurrent("An event with Ackwire's source that somebody else puts on the bus is neither taken nor delivered, however wide their permissions", async ({
  expect,
}) => {
  const client = await outbound.newClient("forged");
  const endpoint = outbound.receiver.endpoint();
  await register(client, { url: endpoint.url });
  const { addresses, outputs } = outbound.run;
  const forged = {
    id: "account.frozen:forged",
    type: "account.frozen",
    createdAt: outbound.businessNow(),
    data: {},
  };
  const Entry = {
    EventBusName: outputs.BusName,
    Source: EVENT_SOURCE,
    DetailType: forged.type,
    Detail: JSON.stringify({ clientId: client.clientId, ...forged }),
  };
  const put = new EventBridgeClient(localAws(addresses.awsUrl)).send(
    new PutEventsCommand({ Entries: [Entry] }),
  );
  await expect(put).rejects.toMatchObject({ name: "AccessDeniedException" });
  await sendAccountEvent(client, "account.active");
  const [post] = await endpoint.received(1);
  expect(endpoint.posts.map(({ body }) => body)).toEqual([post?.body]);
  expect(post?.body).not.toContain(forged.id);
});

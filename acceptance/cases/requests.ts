import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import { type Json, postWebhook } from "../api.ts";
import type { ProviderDouble } from "../provider-double.ts";
import type { OpenScene, Scene } from "../scene.ts";
import { until, waitLimitMs } from "../until.ts";
import { signedByWeLink } from "../we-link-hash.ts";

/** Real times by which a scheduled request is ahead: the call itself takes some of it. */
const SCHEDULE_AHEAD_MS = [10_000, 30_000, 60_000];

/** Requests, from the API to the provider and back. */
export function requestCases(openScene: OpenScene): void {
  test("A request is accepted, submitted to the provider and completed by its webhook", async (t) => {
    const { scene, provider } = await openedWithProvider(t, openScene);
    if (!provider) return;
    const { client, bus } = scene;
    const accountId = await newAccount(scene, "completed");
    const { requestId } = await request(scene, sendMessage(accountId), 202);
    const [submission] = await submitted(provider, accountId);
    assert.equal(submission?.body.text, "Hello from the acceptance suite");
    const result = { sent: true, marker: randomUUID() };
    const webhook = { status: "SUCCESS", request_id: submission?.providerRequestId, result };
    const { inboundUrl, secret } = client.weLink;
    assert.equal(await postWebhook(inboundUrl, signedByWeLink(webhook, secret)), 200);
    const ended = await ends(scene, requestId, "SUCCEEDED");
    assert.deepEqual(ended.result, result);
    const types = ["workflow.created", "workflow.started", "workflow.completed"];
    await Promise.all(types.map((type) => bus.event(type, (data) => data.requestId === requestId)));
  });

  test("A call that is repeated with its idempotency key makes one request", async (t) => {
    const { scene, provider } = await openedWithProvider(t, openScene);
    if (!provider) return;
    const { api } = scene.client;
    const accountId = await newAccount(scene, "repeated");
    const headers = { "idempotency-key": randomUUID() };
    const body = sendMessage(accountId);
    const first = await api("POST /v1/requests", { body, headers });
    const second = await api("POST /v1/requests", { body, headers });
    assert.equal(second.requestId, first.requestId);
    const another = { ...body, params: { text: "Another text" } };
    await api("POST /v1/requests", { body: another, headers, status: 409 });
    assert.equal((await submitted(provider, accountId)).length, 1);
    const { items } = await api(`GET /v1/requests?accountId=${accountId}`);
    assert.equal(items.length, 1);
  });

  test("A scheduled request waits for its time, and is then submitted", async (t) => {
    const { scene, provider } = await openedWithProvider(t, openScene);
    if (!provider) return;
    const accountId = await newAccount(scene, "scheduled");
    const { answer, scheduled } = await scheduledRequest(scene, accountId);
    if (answer.requestId === undefined) {
      return t.skip(
        `the stage's setting scheduleLeadSeconds is too long to wait: ${answer.detail}`,
      );
    }
    assert.equal(answer.status, "SCHEDULED");
    const [submission] = await submitted(provider, accountId);
    assert.equal(submission?.body.text, "Hello from the acceptance suite");
    assert.ok((await scene.target.clock()).nowMs >= Date.parse(scheduled));
  });

  const DAY_MS = 86_400_000;

  test("An account's limit lets one request through, and the next one waits for the budget", async (t) => {
    const { scene, provider } = await openedWithProvider(t, openScene);
    if (!provider) return;
    const { client, admin } = scene;
    // From the beginning: a change takes effect within a minute only.
    const limits = [{ category: "stMessages", per: "month", max: 1 }];
    const accountId = await newAccount(scene, "limited", { limits });
    const first = await request(scene, sendMessage(accountId));
    await submitted(provider, accountId);
    await complete(scene, provider, accountId);
    await ends(scene, first.requestId, "SUCCEEDED");
    const { requestId } = await request(scene, sendMessage(accountId));
    let waiting: Json;
    await until(
      () => `the second request waits for the budget; it is ${JSON.stringify(waiting)}`,
      async () => {
        waiting = await client.api(`GET /v1/requests/${requestId}`);
        // The limit is free again after a month; the spread over a day's hours may add to that.
        const waitMs = Date.parse(waiting.expectedAt) - Date.parse(waiting.createdAt);
        return ["budget", "pace"].includes(waiting.waitsFor) && waitMs > 27 * DAY_MS;
      },
    );
    assert.equal(waiting.status, "QUEUED");
    const account = ["--client", client.clientId, "--account", accountId];
    const budget = (await admin(["accounts", "budget", ...account])) as Json;
    const limit = budget.limits.find(({ category }: Json) => category === "stMessages");
    assert.equal(limit?.used, 1);
    assert.equal(limit?.left, 0);
    assert.equal((await provider.submissions(accountId)).length, 1);
    await client.api(`DELETE /v1/requests/${requestId}`);
  });

  test("A result whose webhook never arrives is found by asking the provider", async (t) => {
    const { scene, provider } = await openedWithProvider(t, openScene);
    if (!provider) return;
    const { firstPollSeconds, clock } = scene.target;
    const waitSeconds = firstPollSeconds / (await clock()).speed;
    if (waitSeconds * 1_000 > waitLimitMs / 2) {
      return t.skip(
        `the provider is asked ${waitSeconds} s after the submission (firstPollSeconds), and a case waits for at most ${waitLimitMs / 1_000} s (ACKWIRE_WAIT_SECONDS)`,
      );
    }
    const accountId = await newAccount(scene, "polled");
    const { requestId } = await request(scene, sendMessage(accountId));
    await ends(scene, requestId, "SUCCEEDED");
  });
}

/** Waits for the scene; without a double of a provider, skips the case. */
async function openedWithProvider(t: TestContext, openScene: OpenScene) {
  const scene = await openScene();
  const { provider } = scene;
  if (typeof provider !== "string") return { scene, provider };
  t.skip(provider);
  return { scene };
}

/** An account without other limits and without a gap between its requests. */
async function newAccount(
  { client, accounts }: Scene,
  name: keyof Scene["accounts"],
  limits: { limits?: object[] } = {},
) {
  const accountId = accounts[name];
  const pace = { minSeconds: 0, maxSeconds: 0 };
  await client.api(`PUT /v1/accounts/${accountId}`, {
    body: { provider: "we-link", preset: "off", pace, ...limits },
  });
  return accountId;
}

const sendMessage = (accountId: string) => ({
  provider: "we-link",
  accountId,
  action: "send_message",
  params: { text: "Hello from the acceptance suite" },
});

/** Makes a request for the nearest time that is accepted. Without a `requestId` in the answer, none was. */
async function scheduledRequest(scene: Scene, accountId: string) {
  let answer: Json = {};
  let scheduled = "";
  for (const aheadMs of SCHEDULE_AHEAD_MS) {
    const { nowMs, speed } = await scene.target.clock();
    scheduled = new Date(nowMs + aheadMs * speed).toISOString();
    answer = await request(scene, { ...sendMessage(accountId), scheduled }, [202, 400]);
    if (answer.requestId !== undefined) break;
  }
  return { answer, scheduled };
}

/** Makes one request, also when the call is repeated. */
const request = ({ client }: Scene, body: object, status?: number | number[]): Promise<Json> =>
  client.api("POST /v1/requests", {
    body,
    headers: { "idempotency-key": randomUUID() },
    ...(status === undefined ? {} : { status }),
  });

const submitted = (provider: ProviderDouble, accountId: string) =>
  until(`a submission for ${accountId} at the provider`, async () => {
    const submissions = await provider.submissions(accountId);
    return submissions.length > 0 && submissions;
  });

/** Sends the webhook of the account's first submission. */
async function complete({ client }: Scene, provider: ProviderDouble, accountId: string) {
  const [submission] = await provider.submissions(accountId);
  const { inboundUrl, secret } = client.weLink;
  const webhook = { status: "SUCCESS", request_id: submission?.providerRequestId, result: {} };
  assert.equal(await postWebhook(inboundUrl, signedByWeLink(webhook, secret)), 200);
}

const ends = ({ client }: Scene, requestId: string, status: string): Promise<Json> =>
  until(`the request ${requestId} is ${status}`, async () => {
    const shown = await client.api(`GET /v1/requests/${requestId}`);
    return shown.status === status && shown;
  });

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  GetScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import type { CanaryMeta } from "../security/canaries.ts";
import {
  type Endpoint,
  startWebhookReceiver,
  verified,
} from "../support/fakes/webhook-receiver.ts";
import { holds } from "../support/payloads/secret-forms.ts";
import { type RequestsRun, startRequestsRun } from "../support/runs/requests-run.ts";
import { readStored } from "../support/runs/stored-data.ts";
import { waitOptions } from "../support/wait-timeout.ts";

/**
 * A password and login codes pass through the whole pipeline. They may be
 * stored encrypted in the requests table and must never appear anywhere else
 * (G10). The signing secret of the client's webhook is not stored at all.
 */
const nonce = Math.random().toString(36).slice(2, 12);
const PASSWORD = `Canary-password-${nonce}`;
const PIN = `Canary-pin-${nonce}`;
/** What a client has given for its account with the provider. */
const CREDENTIALS = {
  "x-api-key": `Canary-provider-key-${nonce}`,
  "x-api-secret": `Canary-provider-secret-${nonce}`,
};
const CONNECTION_SECRET = `Canary-webhook-secret-${nonce}`;
/** Texts of people, in a request and in a provider's webhook: stored, and never logged. */
const REQUEST_BODY = `Canary-request-body-${nonce}`;
const WEBHOOK_BODY = `Canary-webhook-body-${nonce}`;
/** Not a secret: the tests expect to find it, which shows that the search works. */
const MARKER = `Marker-${nonce}`;

const dataDir = mkdtempSync(join(tmpdir(), "ackwire-canary-"));
let requests: RequestsRun;
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
let endpoint: Endpoint;
let webhookSecret: string;
beforeAll(async () => {
  requests = await startRequestsRun({
    speed: 600,
    dataDir,
    // Long enough that a login does not expire on a busy machine.
    settings: { actionTimeoutSeconds: "86400", laneHoldSeconds: "36000" },
  });
  receiver = await startWebhookReceiver();
  endpoint = receiver.endpoint();
  webhookSecret = await setWebhook(endpoint.url);
});
afterAll(async () => {
  await receiver.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Does not use the run's recorded calls: only this response may contain the secret. */
async function setWebhook(url: string): Promise<string> {
  const { addresses, seed } = requests.run;
  const response = await fetch(`${addresses.apiUrl}/v1/webhook`, {
    method: "PUT",
    headers: { authorization: `Bearer ${seed.apiKey}` },
    body: JSON.stringify({ url }),
  });
  const { secret } = (await response.json()) as { secret: string };
  return secret;
}

/** Returns all data that the run stores, logs, prints and sends as text, by its place. */
async function everything(): Promise<Map<string, string>> {
  const { run, answers, received } = requests;
  const submissions = await requests.submissions();
  return new Map([
    ...(await readStored(run.addresses.awsUrl)),
    ["schedules", JSON.stringify(await inSchedules())],
    ["bus", JSON.stringify(received)],
    ["answers", answers.join("\n")],
    ["webhooks", JSON.stringify(endpoint.posts)],
    ["log", run.logged()],
    ["terminal", run.printed.join("\n")],
    ["submissions", JSON.stringify(submissions)],
  ]);
}

async function inSchedules(): Promise<unknown[]> {
  const scheduler = new SchedulerClient(localAws(requests.run.addresses.awsUrl));
  const { Schedules = [] } = await scheduler.send(new ListSchedulesCommand({}));
  const schedules = await Promise.all(
    Schedules.map(({ Name, GroupName }) =>
      scheduler.send(new GetScheduleCommand({ Name, GroupName })),
    ),
  );
  scheduler.destroy();
  return schedules.flatMap(({ Target }) => Target?.Input ?? []);
}

async function expectNowhere(secret: string): Promise<void> {
  const places = [...(await everything())].filter(([, text]) => holds(text, secret));
  expect(places.map(([place]) => place)).toEqual([]);
}

const login = (email: string) => ({ email, password: PASSWORD, proxy: { location: MARKER } });

test("The search for secrets finds a marker in the requests table, in the bucket and in Base64 texts", async () => {
  const scheduled = new Date(requests.businessMs() + 48 * 3_600_000).toISOString();
  const params = { profile_id: MARKER, note: "n".repeat(70_000) };
  const of = { accountId: "marker", action: "connect", scheduled };
  expect((await requests.request({ ...of, params: { profile_id: MARKER } })).status).toBe(202);
  expect((await requests.request({ ...of, params })).status).toBe(202);
  const { RequestsTableName = "" } = requests.run.outputs;
  const all = await everything();
  for (const place of [RequestsTableName, "bucket"]) {
    expect([place, holds(all.get(place) ?? "", MARKER)]).toEqual([place, true]);
  }
  expect(await inSchedules()).toHaveLength(2);
  for (const before of ["", "{", "{ "]) {
    const encoded = Buffer.from(`${before}${MARKER} and more`).toString("base64");
    expect(holds(encoded, MARKER)).toBe(true);
  }
});

test("The secrets of a login by the native API are encrypted while it waits and deleted when it is submitted", async () => {
  const accountId = "native";
  await requests.native("PUT", `/v1/accounts/${accountId}`, { provider: "we-link" });
  await requests.native("POST", `/v1/accounts/${accountId}/pause`);
  const scheduled = new Date(requests.businessMs() + 48 * 3_600_000).toISOString();
  const params = login("jane.pin@example.com");
  const later = await requests.request({ accountId, action: "login_v2", params, scheduled });
  const cancelled = later.body.requestId;
  expect((await requests.stored(cancelled)).sealedParams).toMatch(/^v1\.k1\./);

  const { status, body } = await requests.request({ accountId, action: "login_v2", params });
  expect(status).toBe(202);
  const { requestId } = body;
  await expectNowhere(PASSWORD);
  const waiting = await requests.stored(requestId);
  expect(waiting).toMatchObject({ status: "QUEUED", sealedParams: expect.any(String) });
  expect(waiting).not.toHaveProperty("params");

  await requests.native("DELETE", `/v1/requests/${cancelled}`);
  expect(await requests.stored(cancelled)).not.toHaveProperty("sealedParams");
  await requests.native("POST", `/v1/accounts/${accountId}/resume`);
  await requests.reaches(requestId, "ACTION_REQUIRED");
  const asked = await requests.event(requestId, "workflow.actionRequired");
  expect(asked.data).toMatchObject({
    requestId,
    status: "action_required",
    eventType: "LOGIN_PIN_REQUIRED",
  });
  expect(await requests.stored(requestId)).not.toHaveProperty("sealedParams");

  // An invalid input is neither stored nor returned.
  const path = `/v1/requests/${requestId}/continue`;
  for (const bad of [{ input: { pin: PIN } }, { input: [PIN] }, { pin: PIN }]) {
    expect((await requests.native("POST", path, bad)).status).toBe(400);
  }
  const continued = await requests.native("POST", path, { input: PIN });
  expect(continued).toMatchObject({ status: 202, body: { requestId } });
  // A second input is rejected: the first one has ended the wait.
  expect((await requests.native("POST", path, { input: PIN })).status).toBe(409);
  const done = await requests.reaches(requestId, "SUCCEEDED");
  expect(done.result).toMatchObject({ email: "jane.pin@example.com" });
  const stored = await requests.stored(requestId);
  for (const member of ["params", "sealedParams", "sealedInput"]) {
    expect(stored).not.toHaveProperty(member);
  }
  const sent = (await requests.submissions()).filter(({ path }) => path.includes("login"));
  expect(sent).toMatchObject([
    { path: "/api/v1/login_v2", body: { password: "***" }, status: 200 },
    { path: "/api/v1/login_code", body: { code: "***" }, status: 200 },
  ]);
});

test("A login by We-Link's protocol succeeds after a wrong code and the right one", async () => {
  const { body } = await requests.weLink<{ requestId: string }>("login_v2", login("joe.pin@a.b"));
  const { requestId } = body;
  await requests.reaches(requestId, "ACTION_REQUIRED");
  const answer = await requests.weLink("get_response", { request_id: requestId });
  expect(answer.body).toMatchObject({ status: "PIN_REQUIRED" });
  await requests.weLink("login_code", { code: "000000", requestId });
  // The repeated prompt has the same bytes, so it takes effect only after a poll confirms it.
  const prompts = () =>
    requests.received.filter(
      ({ detail: { type, data } }) =>
        type === "workflow.actionRequired" && data.requestId === requestId,
    );
  await expect.poll(() => prompts().length).toBe(2);
  expect((await requests.weLink("login_code", { code: PIN, requestId })).status).toBe(200);
  await requests.reaches(requestId, "SUCCEEDED");
});

test("Calls with secrets in invalid fields are rejected", async () => {
  const params = login("jane@example.com");
  const of = { provider: "we-link", accountId: "bad", action: "login_v2", params };
  const bad = [
    { ...of, provider: PASSWORD },
    { ...of, action: PASSWORD },
    { ...of, scheduled: PASSWORD },
    { ...of, connectionId: PASSWORD },
    { ...of, params: [params] },
  ];
  for (const body of bad) {
    expect((await requests.native("POST", "/v1/requests", body)).status).toBe(400);
  }
  const scheduled = "2020-01-01T00:00:00Z";
  expect((await requests.weLink("login_v2", { ...params, scheduled })).status).toBe(400);
  expect((await requests.weLink("login_code", { code: PIN, requestId: "none" })).status).toBe(404);
});

test("Calls and webhooks through a connection with secrets of its own succeed", async () => {
  const of = { provider: "we-link", credentials: CREDENTIALS, webhookSecret: CONNECTION_SECRET };
  const { status, body } = await requests.native("POST", "/v1/connections", of);
  expect(status).toBe(201);
  const accountId = "own-connection";
  const account = { provider: "we-link", connectionId: body.connectionId, preset: "off" };
  const added = await requests.native("PUT", `/v1/accounts/${accountId}`, account);
  expect(added.status).toBeLessThan(300);
  const params = { profile_id: "jane", message: REQUEST_BODY };
  const sent = await requests.request({ accountId, action: "connect", params });
  expect(sent.status).toBe(202);
  await requests.reaches(sent.body.requestId, "SUCCEEDED");

  const { providerUrl } = requests.run.addresses;
  const reply = {
    request_id: `reply-${nonce}`,
    status: "SUCCESS",
    event_type: "MESSAGE_REPLY",
    result: { thread_id: "thread-1", message_id: "message-1", text: WEBHOOK_BODY },
  };
  const response = await fetch(`${providerUrl}/_control/send`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ provider: "we-link", body: reply }),
  });
  expect(response.status).toBeLessThan(300);
  const replies = () =>
    requests.received.filter(({ detail }) => holds(JSON.stringify(detail), WEBHOOK_BODY));
  await expect.poll(() => replies().length, waitOptions).toBeGreaterThan(0);
});

test("No body of a request or of a webhook is in a log, and both are stored", async () => {
  const all = await everything();
  for (const body of [REQUEST_BODY, WEBHOOK_BODY, MARKER]) {
    const places = [...all].filter(([, text]) => holds(text, body)).map(([place]) => place);
    expect(places.length).toBeGreaterThan(0);
    expect(places.filter((place) => place === "log" || place === "terminal")).toEqual([]);
  }
});

test("No secret is in a table, queue, object, schedule, event, response, log or file", async ({
  task,
}) => {
  const [post] = await endpoint.received(1, ({ id }) => id.startsWith("workflow.completed"));
  expect(post && verified(post, webhookSecret)).toMatchObject({ id: post?.id });
  await requests.native("GET", "/v1/webhook");
  await requests.native("GET", "/v1/deliveries");
  const secrets = [
    ...[PASSWORD, PIN, webhookSecret, webhookSecret.slice("whsec_".length)],
    ...[...Object.values(CREDENTIALS), CONNECTION_SECRET],
  ];
  const { run } = requests;
  // A local run keeps these in its own files, for the person who has started it.
  const { apiKey, keySecret, operatorKey, connections } = run.seed;
  const ofTheRun = [
    apiKey,
    keySecret,
    operatorKey,
    ...connections.flatMap((one) => one.secret ?? []),
  ];
  const all = await everything();
  const found = [...all].flatMap(([place, text]) =>
    [...secrets, ...ofTheRun].filter((secret) => holds(text, secret)).map(() => place),
  );
  expect(found).toEqual([]);
  (task.meta as CanaryMeta).canaries = {
    secrets: secrets.length + ofTheRun.length,
    bodies: 3,
    places: all.size,
    characters: [...all.values()].reduce((sum, text) => sum + text.length, 0),
  };
  await requests.close();
  // The files of the emulators and of the simulator contain no secret either.
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name), "latin1"));
  expect(files.some((text) => holds(text, MARKER))).toBe(true);
  for (const secret of secrets) {
    expect(files.filter((text) => holds(text, secret))).toEqual([]);
  }
});

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { makeDynamoAudit } from "../../shared/adapters/dynamo/dynamo-audit.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { startWebhookReceiver } from "../support/fakes/webhook-receiver.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { waitOptions } from "../support/wait-timeout.ts";

/* What few calls need, through the roles of the functions: large texts, and what operators mend. */

let run: TestRun;
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
let dynamo: DynamoDBDocumentClient;
let s3: S3Client;
const SECRET = "the secret of the quarantined";
/** More than an item or a message holds. */
const LARGE = "x".repeat(90_000);

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  run = await startTestRun({
    speed: 60,
    settings: {
      paceMinSeconds: "0",
      paceMaxSeconds: "0",
      firstPollSeconds: "600",
      deliveryDelaysSeconds: "5,600,600,600,600,600,600",
    },
  });
  dynamo = DynamoDBDocumentClient.from(new DynamoDBClient(localAws(run.addresses.awsUrl)));
  s3 = new S3Client({ ...localAws(run.addresses.awsUrl), forcePathStyle: true });
});

afterAll(async () => {
  dynamo?.destroy();
  s3?.destroy();
  await run?.close();
  await receiver?.close();
});

// biome-ignore lint/suspicious/noExplicitAny: the shapes are those of the contracts, which other tests check
type Answer = any;

async function call(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  { key = run.seed.apiKey, body }: { key?: string; body?: object | undefined } = {},
): Promise<Answer> {
  const response = await fetch(`${run.addresses.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect({ path, status: response.status, text }).toMatchObject({
    status: expect.toSatisfy((status: number) => status < 300),
  });
  return text === "" ? undefined : JSON.parse(text);
}

const look = (path: string) => call("GET", `/v1/operator/${path}`, { key: run.seed.operatorKey });
const mend = (path: string, body: object = {}) =>
  call("POST", `/v1/operator/${path}`, { key: run.seed.operatorKey, body });

const accountOf = (provider: string) =>
  run.seed.accounts.find((account) => account.provider === provider)?.accountId ?? "";

/** How the simulated providers answer from now on. */
async function behave(...scripts: object[]): Promise<void> {
  const response = await fetch(`${run.addresses.providerUrl}/_control/behaviour`, {
    method: "PUT",
    body: JSON.stringify({ scripts }),
  });
  expect(response.status).toBe(200);
}

const ofWeLink = { provider: "we-link" };
const large = { result: { text: LARGE } };

/** A request to We-Link by the connection of the seed. @returns its id */
async function connect(accountId: string): Promise<string> {
  const of = run.seed.connections.find(({ provider }) => provider === "we-link");
  const { requestId } = await call("POST", "/v1/requests", {
    body: {
      ...{ provider: "we-link", connectionId: of?.connectionId, accountId },
      ...{ action: "connect", params: { profile_id: "p" } },
    },
  });
  return requestId;
}

/** Deletes the client's webhook, and registers another one. */
async function moveWebhook(url: string): Promise<void> {
  await call("DELETE", "/v1/webhook");
  await call("PUT", "/v1/webhook", { body: { url } });
}

/** A large result, whether a webhook or a poll tells it. */
const largeResult = ["webhook", "poll"].map((on) => ({ on, match: ofWeLink, patch: large }));

async function reaches(requestId: string, status: string): Promise<void> {
  const path = `/v1/requests/${requestId}`;
  await expect.poll(async () => (await call("GET", path)).status, waitOptions).toBe(status);
}

/** Deletes what is stored below a prefix of the bucket, as its lifecycle does. */
async function expire(Prefix: string): Promise<number> {
  const Bucket = run.outputs.BodiesBucketName ?? "";
  let deleted = 0;
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix })) {
    for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    deleted += Contents.length;
  }
  return deleted;
}

/** Whether the role of a function has used a right. */
const isUsed = (role: string, action: string, resource = "") =>
  run
    .rights()
    .some(
      (right) =>
        right.isUsed &&
        right.roleId.startsWith(`Ackwire${role}Role`) &&
        right.action === action &&
        right.resource.includes(resource),
    );

test("An operator redrives the dead letters of every queue, one and all", async () => {
  const sqs = new SQSClient(localAws(run.addresses.awsUrl));
  const { outputs } = run;
  const urls: Record<string, string | undefined> = {
    inbound: outputs.InboundDlqUrl,
    submit: outputs.SubmitDlqUrl,
    requestSchedule: outputs.RequestScheduleDlqUrl,
    fanout: outputs.FanoutDlqUrl,
    attempts: outputs.AttemptsDlqUrl,
    retries: outputs.RetriesDlqUrl,
  };
  const { items } = await look("dead-letters");
  for (const { queue } of items) {
    const QueueUrl = urls[queue];
    for (const n of [1, 2, 3]) {
      await sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ v: 1, n }) }),
      );
    }
    const letters = async () => (await look(`dead-letters/${queue}/messages`)).items;
    await expect.poll(async () => (await letters()).length, waitOptions).toBe(3);
    const [one, two] = await letters();
    await mend(`dead-letters/${queue}/messages/${one.messageId}/drop`);
    await mend(`dead-letters/${queue}/messages/${two.messageId}/redrive`);
    await mend(`dead-letters/${queue}/redrive`);
  }
  expect(items.map(({ queue }: Answer) => queue).sort()).toEqual(Object.keys(urls).sort());
  expect(items.filter(({ isRedrivable }: Answer) => !isRedrivable)).toEqual([]);
  sqs.destroy();
});

test("An operator pauses and resumes a recurring request, and cancels a scheduled one", async () => {
  const request = {
    provider: "we-link",
    accountId: accountOf("we-link"),
    action: "connect",
    params: { profile_id: "p" },
  };
  const body = { every: { cron: "0 9 ? * MON *", timeZone: "Europe/Berlin" }, request };
  await call("PUT", "/v1/recurring-requests/weekly", { body });
  await call("PUT", "/v1/recurring-requests/weekly", { body });
  const path = `clients/${run.seed.clientId}/recurring-requests/weekly`;
  await mend(`${path}/pause`);
  await mend(`${path}/resume`);
  expect((await call("GET", "/v1/recurring-requests/weekly")).status).toBe("active");
  await call("DELETE", "/v1/recurring-requests/weekly");

  const scheduled = new Date(Date.now() + 48 * 3_600_000).toISOString();
  const { requestId } = await call("POST", "/v1/requests", {
    body: { ...request, scheduled, group: "some" },
  });
  expect((await look("requests?group=some&limit=10")).items).toHaveLength(1);
  expect(await mend(`requests/${requestId}/cancel`)).toMatchObject({ status: "CANCELLED" });
  expect(isUsed("Operator", "scheduler:UpdateSchedule")).toBe(true);
});

test("An operator pauses an account and resumes it", async () => {
  const path = `clients/${run.seed.clientId}/accounts/${accountOf("linked-api")}`;
  expect(await mend(`${path}/pause`)).toMatchObject({ status: "paused" });
  expect(await mend(`${path}/resume`)).toMatchObject({ status: "active" });
  expect(isUsed("Operator", "dynamodb:UpdateItem", "Requests")).toBe(true);
});

test("An operator releases a webhook from quarantine when its secret is known", async () => {
  const { connectionId, inboundUrl } = await call("POST", "/v1/connections", {
    body: {
      provider: "we-link",
      webhookSecret: "a wrong secret",
      credentials: { "x-api-key": "a", "x-api-secret": "b" },
    },
  });
  await mend(`connections/${connectionId}/settings`, { signature: "quarantine" });
  const event = { status: "SUCCESS", request_id: "theirs", result: { text: LARGE } };
  const sent = await fetch(inboundUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: signWeLink(event, SECRET),
  });
  expect(sent.status).toBe(200);
  const quarantine = `connections/${connectionId}/quarantine`;
  await expect.poll(async () => (await look(quarantine)).items.length, waitOptions).toBe(1);
  await mend(`connections/${connectionId}/rotate-secret`, { webhookSecret: SECRET });
  await expect
    .poll(async () => (await mend(`${quarantine}/release`)).released, waitOptions)
    .toBe(1);
  expect(isUsed("Operator", "s3:DeleteObject", "quarantine/")).toBe(true);
});

test("Texts that no item holds go through the bucket: params, a result, an event and its delivery", async () => {
  const endpoint = receiver.endpoint(() => 204);
  await call("PUT", "/v1/webhook", { body: { url: endpoint.url } });
  const { requestId } = await call("POST", "/v1/requests", {
    body: {
      provider: "linked-api",
      accountId: accountOf("linked-api"),
      action: "st.sendMessage",
      params: { personUrl: "https://www.linkedin.com/in/p", text: "x".repeat(150_000) },
    },
  });
  const status = async () => (await call("GET", `/v1/requests/${requestId}`)).status;
  await expect.poll(status, waitOptions).toBe("SUCCEEDED");
  expect(isUsed("Api", "s3:PutObject", "requests/")).toBe(true);
  expect(isUsed("Submit", "s3:GetObject", "requests/")).toBe(true);
});

test("A request that waits for an event watches for what the provider reports of the same person", async () => {
  const account = { provider: "we-link", accountId: accountOf("we-link") };
  const params = { profile_id: "person-1" };
  const { requestId } = await call("POST", "/v1/requests", {
    body: { ...account, action: "connect", params },
  });
  const dependsOn = { requestId, on: "event", event: "connection.accepted", within: "P30D" };
  const follower = await call("POST", "/v1/requests", {
    body: { ...account, action: "send_message_to_profile_id", params, dependsOn },
  });
  expect(follower).toMatchObject({ status: "SCHEDULED", waitsFor: "dependency" });
  expect(isUsed("Api", "dynamodb:BatchWriteItem", "Requests")).toBe(true);
});

test.each([
  {
    by: "the answer to the submission",
    role: "Submit",
    scripts: [
      {
        ...{ on: "submission", match: ofWeLink },
        patch: { status: "SUCCESS", ...large },
      },
      { on: "webhook", match: ofWeLink, drop: true },
    ],
  },
  {
    by: "a webhook",
    role: "Consume",
    scripts: [
      // After `submit` has published what it has stored: ten seconds of this run.
      { on: "webhook", match: ofWeLink, delayMs: 600_000, patch: large },
      { on: "poll", match: ofWeLink, drop: true },
    ],
  },
  {
    by: "a poll",
    role: "Reconcile",
    scripts: [
      { on: "webhook", match: ofWeLink, drop: true },
      { on: "poll", match: ofWeLink, patch: large },
    ],
  },
])("A large result that $by brings is stored in the bucket, and shown", async (of) => {
  expect(isUsed(of.role, "s3:PutObject", "requests/")).toBe(false);
  await behave(...of.scripts);
  const requestId = await connect(`result by ${of.role}`);
  await reaches(requestId, "SUCCEEDED");
  await behave();
  expect(JSON.stringify(await call("GET", `/v1/requests/${requestId}`))).toContain(LARGE);
  expect(JSON.stringify(await look(`requests/${requestId}`))).toContain(LARGE);
  const event = `events/workflow.completed:${requestId}`;
  await expect
    .poll(async () => JSON.stringify(await look(event).catch(String)), waitOptions)
    .toContain(LARGE);
  for (const area of ["requests/", "events/"]) {
    expect([area, isUsed(of.role, "s3:PutObject", area)]).toEqual([area, true]);
  }
  expect(isUsed(of.role, "s3:GetObject", "requests/")).toBe(true);
});

test("A large event that an earlier webhook did not get is recovered to the next one", async () => {
  await moveWebhook(receiver.endpoint(() => 500).url);
  await behave(...largeResult);
  const since = new Date(run.clock.now()).toISOString();
  const requestId = await connect("recovered");
  await reaches(requestId, "SUCCEEDED");
  await behave();
  const eventId = `workflow.completed:${requestId}`;
  const deliveries = async () => (await call("GET", `/v1/deliveries?eventId=${eventId}`)).items;
  await expect.poll(async () => (await deliveries()).length, waitOptions).toBe(1);
  const [{ id }] = await deliveries();
  expect((await look(`deliveries/${id}`)).sent.body).toContain(LARGE);
  expect(isUsed("Operator", "s3:GetObject", "deliveries/")).toBe(true);

  await moveWebhook(receiver.endpoint(() => 204).url);
  await expect
    .poll(async () => (await deliveries()).map((one: Answer) => one.status), waitOptions)
    .toEqual(["cancelled"]);
  await call("POST", "/v1/deliveries/recover", { body: { since } });
  await expect
    .poll(async () => (await deliveries()).map((one: Answer) => one.status).sort(), waitOptions)
    .toEqual(["cancelled", "delivered"]);
  expect(isUsed("Deliver", "s3:GetObject", "events/")).toBe(true);
});

test("A body that its lifecycle has deleted is told as such by each function that reads it", async () => {
  await moveWebhook(receiver.endpoint(() => 500).url);
  await behave(...largeResult);
  const requestId = await connect("expired");
  await reaches(requestId, "SUCCEEDED");
  await behave();
  const eventId = `workflow.completed:${requestId}`;
  const delivery = async () =>
    (await call("GET", `/v1/deliveries?eventId=${eventId}`)).items[0] ?? {};
  await expect.poll(async () => (await delivery()).status, waitOptions).toBe("waiting");
  expect(await expire("deliveries/")).toBeGreaterThan(0);
  expect(await expire(`requests/${requestId}/`)).toBeGreaterThan(0);
  await expect.poll(delivery, waitOptions).toMatchObject({ status: "failed", reason: "body_gone" });
  expect(isUsed("Deliver", "s3:ListBucket")).toBe(true);

  const key = run.seed.apiKey;
  const shown = await fetch(`${run.addresses.apiUrl}/v1/requests/${requestId}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  expect(shown.status).toBe(500);
  expect(isUsed("Api", "s3:ListBucket")).toBe(true);

  const sqs = new SQSClient(localAws(run.addresses.awsUrl));
  const [connection] = run.seed.connections;
  const message = {
    ...{ v: 1, provider: connection?.provider, clientId: run.seed.clientId },
    ...{ connectionId: connection?.connectionId, receivedAtMs: run.clock.now() },
    bodyKey: "inbound/expired",
  };
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: run.outputs.InboundQueueUrl,
      MessageBody: JSON.stringify(message),
    }),
  );
  await expect.poll(() => isUsed("Consume", "s3:ListBucket"), waitOptions).toBe(true);
  sqs.destroy();
});

test("A large event whose publisher has crashed is published by the sweep, while it is stored", async () => {
  const body = { request_id: "of nobody", status: "SUCCESS", result: { text: LARGE } };
  const sent = await fetch(`${run.addresses.providerUrl}/_control/send`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ provider: "we-link", body }),
  });
  expect(sent.ok).toBe(true);
  const events = async () => (await call("GET", "/v1/events?limit=100")).items as Answer[];
  const isOurs = ({ data }: Answer) => data.providerRequestId === "of nobody";
  await expect.poll(async () => (await events()).filter(isOurs).length, waitOptions).toBe(1);
  const { id } = (await events()).find(isOurs) ?? {};
  const of = { TableName: run.outputs.EventsTableName, Key: { id } };
  const stored = async () => (await dynamo.send(new GetCommand(of))).Item ?? {};
  /** As a worker leaves it that crashed between its claim and the publish. */
  const crash = () =>
    dynamo.send(
      new UpdateCommand({
        ...of,
        UpdateExpression:
          "SET #status = :claimed, #owner = :crashed, leaseUntilMs = :then, outboxShard = :shard, outboxAt = :then REMOVE publishedAt, publishedBy, expiresAt",
        ExpressionAttributeNames: { "#status": "status", "#owner": "owner" },
        ExpressionAttributeValues: {
          ...{ ":claimed": "CLAIMED", ":crashed": "crashed", ":then": 1, ":shard": "0" },
        },
      }),
    );
  await expect.poll(async () => (await stored()).status, waitOptions).toBe("PUBLISHED");
  await crash();
  await expect.poll(async () => (await stored()).status, waitOptions).toBe("PUBLISHED");
  expect(isUsed("Reconcile", "s3:GetObject", "events/")).toBe(true);

  expect(await expire(String((await stored()).envelopeKey))).toBe(1);
  await crash();
  await expect.poll(() => isUsed("Reconcile", "s3:ListBucket"), waitOptions).toBe(true);
  expect((await stored()).status).toBe("CLAIMED");
});

test("A change whose process was killed before it was recorded is recorded by the sweep", async () => {
  let writes = 0;
  const killed = {
    send: (command: never) =>
      ++writes === 1 ? dynamo.send(command) : Promise.reject(new Error("killed")),
  } as unknown as DynamoDBDocumentClient;
  const audit = makeDynamoAudit({
    ...{ client: killed, tableName: run.outputs.AuditTableName ?? "" },
    clock: { businessMs: run.clock.now, realMs: Date.now },
  });
  const at = new Date(run.clock.now()).toISOString();
  const intent = { id: "killed", at, who: "operator:k", action: "pauseAccount", target: {} };
  await expect(audit.begin({ intent, awaitedUntilRealMs: 1 })).rejects.toThrow();
  const isRecorded = async () =>
    (await look("audit")).items.find((one: Answer) => one.id === "killed");
  await expect.poll(isRecorded, waitOptions).toMatchObject({ outcome: "incomplete" });
  expect(isUsed("Reconcile", "dynamodb:PutItem", "Audit")).toBe(true);
});

test("A poll whose credentials are refused pauses the connection", async () => {
  await behave(
    { on: "webhook", match: ofWeLink, drop: true },
    { on: "poll", match: ofWeLink, status: 401, body: { message: "no such key" } },
  );
  await connect("refused");
  const isPaused = () => isUsed("Reconcile", "dynamodb:UpdateItem", "Config");
  await expect.poll(isPaused, waitOptions).toBe(true);
  await behave();
});

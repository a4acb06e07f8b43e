import { randomBytes } from "node:crypto";
import { DynamoDBClient, paginateQuery } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openErasure } from "../../cli/erasure.ts";
import { localAws } from "../../local/aws/local-aws.ts";
import { composeAdministration } from "../../shared/composition/administration.ts";
import { linkedApiWebhook } from "../support/fakes/sender.ts";
import { startWebhookReceiver } from "../support/fakes/webhook-receiver.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { readStored } from "../support/runs/stored-data.ts";
import { callWaitOptions, LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";

/**
 * Canaries go through every way in: webhooks, large webhooks, scheduled requests with params in
 * their item and in the bucket, deliveries, idempotency keys and dead letters.
 */
const nonce = randomBytes(6).toString("hex");
const WEBHOOKS = 500;
const REQUESTS = 400;
const DEAD_LETTERS = 50;
const LARGE = 50;

let run: TestRun;
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
let erased: Tenant;
let kept: Tenant;

interface Tenant {
  name: string;
  clientId: string;
  apiKey: string;
  connectionId: string;
  inboundPath: string;
}

const canary = ({ name }: Tenant, n: number | string) => `canary-${nonce}-${name}-${n}-`;

async function makeTenant(name: string): Promise<Tenant> {
  const administration = await composeAdministration({
    aws: localAws(run.addresses.awsUrl),
    outputs: run.outputs,
  });
  const { clientId } = await administration.createClient(`tenant ${name}`);
  const { apiKey } = await administration.createApiKey(clientId);
  const { connectionId, inboundPath } = await administration.createConnection({
    clientId,
    provider: "linked-api",
    credentials: { "linked-api-token": "token" },
  });
  await administration.createConnection({
    clientId,
    provider: "we-link",
    webhookSecret: "secret",
    credentials: { "x-api-key": "key", "x-api-secret": "secret" },
  });
  return { name, clientId, apiKey, connectionId, inboundPath };
}

async function call({ apiKey }: Tenant, method: string, path: string, body?: object) {
  const send = () =>
    fetch(`${run.addresses.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  let response = await send();
  // A busy machine may not answer in time. Each call here may be repeated.
  while (response.status === 503) response = await send();
  expect([path, response.status, response.ok]).toEqual([path, response.status, true]);
  return (await response.json()) as Record<string, unknown>;
}

/** Calls for each number from 0, twenty at a time. */
async function each(count: number, run: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < count; n = next++) await run(n);
  };
  await Promise.all(Array.from({ length: 20 }, worker));
}

async function fill(tenant: Tenant, share: number): Promise<void> {
  await call(tenant, "PUT", "/v1/webhook", {
    url: receiver.endpoint().url,
    description: canary(tenant, "webhook"),
  });
  const post = async (text: string) => {
    for (;;) {
      const url = `${run.addresses.apiUrl}${tenant.inboundPath}`;
      const { status } = await fetch(url, { method: "POST", body: text });
      if (status === 200) return;
      expect(status).toBe(503);
    }
  };
  await each(WEBHOOKS * share, (n) => post(linkedApiWebhook(canary(tenant, n))));
  await each(LARGE * share, (n) => post(linkedApiWebhook(canary(tenant, `large-${n}`), 100_000)));
  const scheduled = new Date(run.clock.now() + 30 * 86_400_000).toISOString();
  const item = (n: number) => ({
    ...{ provider: "we-link", accountId: `account ${n % 5} of ${canary(tenant, "account")}` },
    ...{ action: "connect", scheduled, idempotencyKey: canary(tenant, `key-${n}`) },
    params: {
      note: canary(tenant, `request-${n}`),
      ...(n % 40 === 0 ? { text: "x".repeat(70_000) } : {}),
    },
  });
  for (let from = 0; from < REQUESTS * share; from += 20) {
    const requests = Array.from({ length: 20 }, (_, n) => item(from + n));
    // A client may create a hundred requests a second; their keys make a repeated call safe.
    const areAccepted = async () =>
      (await call(tenant, "POST", "/v1/requests/batch", { requests })).accepted === 20;
    await vi.waitUntil(areAccepted, callWaitOptions);
  }
  const sqs = new SQSClient(localAws(run.addresses.awsUrl));
  await each(DEAD_LETTERS * share, async (n) => {
    const body = Buffer.from(linkedApiWebhook(canary(tenant, `dead-${n}`))).toString("base64");
    const { clientId, connectionId } = tenant;
    const message = { v: 1, provider: "linked-api", clientId, connectionId, bodyBase64: body };
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: run.outputs.InboundDlqUrl,
        MessageBody: JSON.stringify(message),
      }),
    );
  });
  sqs.destroy();
}

/** How many canaries of a tenant there are in each place. */
async function canariesOf({ name }: Tenant): Promise<Record<string, number>> {
  const stored = await readStored(run.addresses.awsUrl);
  const forms = new RegExp(`canary-${nonce}-${name}-[\\w-]+`, "g");
  const decoded = (text: string) =>
    text.replaceAll(/bodyBase64\\*":\\*"([\w+/=]*)/g, (_, base64: string) =>
      Buffer.from(base64, "base64").toString(),
    );
  return Object.fromEntries(
    [...stored].map(([place, text]) => [place, new Set(decoded(text).match(forms)).size]),
  );
}

/**
 * Counts a tenant's listed items. To read the texts of all items each time would keep the emulator,
 * which is in this process, from answering the functions in time.
 */
async function countOf(
  client: DynamoDBClient,
  TableName: string,
  { clientId }: Tenant,
): Promise<number> {
  let count = 0;
  const pages = paginateQuery(
    { client },
    {
      ...{ TableName, IndexName: "byClient", Select: "COUNT" },
      KeyConditionExpression: "clientId = :c",
      ExpressionAttributeValues: { ":c": { S: clientId } },
    },
  );
  for await (const { Count = 0 } of pages) count += Count;
  return count;
}

const none = (counts: Record<string, number>) =>
  Object.values(counts).every((count) => count === 0);

beforeAll(async () => {
  run = await startTestRun({});
  receiver = await startWebhookReceiver();
  erased = await makeTenant("erased");
  kept = await makeTenant("kept");
  await Promise.all([fill(erased, 1), fill(kept, 0.1)]);
  const client = new DynamoDBClient(localAws(run.addresses.awsUrl));
  const areDelivered = async () => {
    const { DeliveriesTableName = "", EventsTableName = "" } = run.outputs;
    const isDelivered = async (tenant: Tenant, expected: number) => {
      const made = await countOf(client, DeliveriesTableName, tenant);
      const events = await countOf(client, EventsTableName, tenant);
      return made >= expected && made >= events;
    };
    const expected = WEBHOOKS + LARGE;
    return (await isDelivered(erased, expected)) && isDelivered(kept, expected / 10);
  };
  await vi.waitUntil(areDelivered, { timeout: LONG_TEST_TIMEOUT_MS, interval: 2_000 });
  client.destroy();
}, LONG_TEST_TIMEOUT_MS);
afterAll(async () => {
  await run?.close();
  await receiver?.close();
});

const erase = (scope: object, isErased: boolean) =>
  openErasure({ aws: localAws(run.addresses.awsUrl), outputs: run.outputs }).erase(
    { clientId: erased.clientId, ...scope },
    { isErased },
  );

test("What contains a text is counted, and then erased with everything that belongs to it", async () => {
  const before = await canariesOf(erased);
  expect(before[run.outputs.EventsTableName ?? ""]).toBeGreaterThanOrEqual(WEBHOOKS);
  expect(before[run.outputs.RequestsTableName ?? ""]).toBeGreaterThanOrEqual(REQUESTS);
  expect(before[run.outputs.DeliveriesTableName ?? ""]).toBeGreaterThanOrEqual(WEBHOOKS);
  expect(before.bucket).toBeGreaterThanOrEqual(LARGE + REQUESTS / 40);
  expect(before.queues).toBeGreaterThan(0);
  for (const n of [7, "large-3", "request-40", "dead-5"]) {
    const containing = canary(erased, n).toUpperCase();
    const counted = await erase({ containing }, false);
    expect(counted).toMatchObject({ scope: "text", isErased: false, searches: 1 });
    expect(Object.keys(counted.erased).length).toBeGreaterThan(0);
    expect(JSON.stringify(counted).toLowerCase()).not.toContain(nonce);
    const done = await erase({ containing }, true);
    expect(done).toMatchObject({ scope: "text", isErased: true });
    const stored = [...(await readStored(run.addresses.awsUrl))].filter(
      ([place, text]) => place !== "queues" && text.includes(canary(erased, n)),
    );
    expect(stored.map(([place]) => place)).toEqual([]);
  }
  const after = await canariesOf(erased);
  expect(after[run.outputs.EventsTableName ?? ""]).toBeGreaterThanOrEqual(WEBHOOKS - 1);
});

test("An account is erased with its requests, and the client's other accounts stay", async () => {
  const accountOf = (n: number) => `account ${n} of ${canary(erased, "account")}`;
  const stored = async () =>
    (await readStored(run.addresses.awsUrl)).get(run.outputs.RequestsTableName ?? "") ?? "";
  const certificate = await erase({ accountId: accountOf(1) }, true);
  expect(certificate.scope).toBe("account");
  expect(certificate.erased["requests table"]).toBeGreaterThanOrEqual(REQUESTS / 5);
  const requests = await stored();
  expect(requests).not.toContain(accountOf(1));
  expect(requests).not.toContain(canary(erased, "request-1"));
  expect(requests).toContain(accountOf(2));
  expect(requests).toContain(canary(erased, "request-2"));
});

test("A client is erased from every table, the bucket and the dead letters, and no other client is touched", async () => {
  const others = await canariesOf(kept);
  expect(none(others)).toBe(false);
  const certificate = await erase({}, true);
  expect(certificate).toMatchObject({
    clientId: erased.clientId,
    scope: "client",
    isErased: true,
    erased: { "inbound dead letters": expect.any(Number), bucket: expect.any(Number) },
    remains: { logs: expect.stringContaining("logRetentionDays") },
  });
  expect(none(await canariesOf(erased))).toBe(true);
  const left = [...(await readStored(run.addresses.awsUrl))].filter(([, text]) =>
    [erased.clientId, erased.connectionId].some((id) => text.includes(id)),
  );
  expect(left.map(([place]) => place)).toEqual([]);
  const { queues: _, ...stored } = others;
  expect(await canariesOf(kept)).toMatchObject(stored);
  await expect(erase({}, true)).rejects.toThrow(`there is no client ${erased.clientId}`);
});

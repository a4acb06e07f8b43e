import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openQuarantine } from "../../cli/quarantine.ts";
import { localAws } from "../../local/aws/local-aws.ts";
import { freePort } from "../../local/loopback.ts";
import { makeDynamoConfigStore } from "../../shared/adapters/dynamo/dynamo-config-store.ts";
import { composeAdministration } from "../../shared/composition/administration.ts";
import type { Administration } from "../../shared/core/administration/administration.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { signAsLinkedApi } from "../../shared/providers/linked-api/signature.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { attachBusConsumer } from "../support/fakes/bus-consumer.ts";
import { editedAssembly } from "../support/runs/edited-assembly.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";

let run: TestRun;
let admin: Administration;
let clientId: string;

beforeAll(async () => {
  const providerPort = await freePort();
  const providerUrl = `http://127.0.0.1:${providerPort}`;
  const assemblyDir = editedAssembly(({ Resources }) => {
    for (const { Type, Properties } of Object.values(Resources)) {
      if (Type !== "AWS::Lambda::Function") continue;
      const { Variables } = Properties.Environment as { Variables: Record<string, unknown> };
      if ("PROVIDER_BASE_URLS" in Variables) {
        const urls = { "we-link": providerUrl, "linked-api": providerUrl };
        Variables.PROVIDER_BASE_URLS = JSON.stringify(urls);
      }
    }
  });
  run = await startTestRun({ assemblyDir, providerPort });
  admin = await composeAdministration({
    aws: localAws(run.addresses.awsUrl),
    outputs: run.outputs,
  });
  clientId = (await admin.createClient("test")).clientId;
});
afterAll(() => run.close());

const post = (inboundPath: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${run.addresses.apiUrl}${inboundPath}`, { method: "POST", headers, body });

const consumerOf = ({ connectionId }: { connectionId: string }) =>
  attachBusConsumer({
    awsUrl: run.addresses.awsUrl,
    busName: run.outputs.BusName ?? "",
    connectionId,
  });

const signed = (id: string, secret: string, more: JsonObject = {}) =>
  signWeLink({ status: "SUCCESS", request_id: id, ...more }, secret);

test("A body too large for the queue is stored in the bucket and published unchanged", async () => {
  const { inboundPath, connectionId } = await admin.createConnection({
    clientId,
    provider: "we-link",
    webhookSecret: "s",
  });
  const consumer = await consumerOf({ connectionId });
  const text = "ü".repeat(110_000);
  expect((await post(inboundPath, signed("large", "s", { result: { text } }))).status).toBe(200);
  const [event] = await consumer.collect(1);
  expect(event?.detail.data.result).toEqual({ text });
});

test("After a rotation a warm function accepts the old and the new URL and secret", async () => {
  const made = await admin.createConnection({
    clientId,
    provider: "we-link",
    webhookSecret: "old",
  });
  expect((await post(made.inboundPath, signed("r-1", "old"))).status).toBe(200);
  const token = await admin.rotateToken(clientId, made.connectionId);
  const secret = await admin.rotateSecret(clientId, made.connectionId, "new");
  expect(token.previousValidUntil).toBeDefined();
  expect(secret.previousValidUntil).toBeDefined();
  const answers = [
    await post(made.inboundPath, signed("r-2", "old")),
    await post(token.inboundPath, signed("r-3", "new")),
    await post(made.inboundPath, signed("r-4", "new")),
    await post(token.inboundPath, signed("r-5", "other")),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401]);
});

test("With an overlap of no hours the old URL and secret are refused as soon as no function remembers them", async () => {
  const made = await admin.createConnection({
    clientId,
    provider: "we-link",
    webhookSecret: "old",
  });
  await admin.rotateSecret(clientId, made.connectionId, "new", 0);
  const token = await admin.rotateToken(clientId, made.connectionId, 0);
  expect(token.previousValidUntil).toBeUndefined();
  const answers = [
    await post(token.inboundPath, signed("c-1", "new")),
    await post(token.inboundPath, signed("c-2", "old")),
    await post(made.inboundPath, signed("c-3", "new")),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 401, 404]);
});

test("A connection shows whether it has credentials, and webhooks cannot be confirmed without them", async () => {
  const of = { clientId, provider: "linked-api" } as const;
  const verifyByFetch = { settings: { verifyByFetch: true } };
  await expect(admin.createConnection({ ...of, ...verifyByFetch })).rejects.toMatchObject({
    code: "REQUEST_INVALID",
    message: expect.stringContaining("set credentials too"),
  });
  const { connectionId, hasCredentials } = await admin.createConnection(of);
  expect(hasCredentials).toBe(false);
  const change = (more: object) => admin.updateConnection(clientId, connectionId, more);
  await expect(change({ verifyByFetch: true })).rejects.toMatchObject({ code: "REQUEST_INVALID" });
  const credentials = { "linked-api-token": "token" };
  expect(await change({ verifyByFetch: true, credentials })).toMatchObject({
    hasCredentials: true,
    verifyByFetch: true,
  });
  expect(await admin.getConnection(clientId, connectionId)).toMatchObject({ hasCredentials: true });
});

describe("Quarantine", () => {
  test("A quarantined webhook is acked and stored, and is published only after a release verifies it", async () => {
    const { inboundPath, connectionId } = await admin.createConnection({
      clientId,
      provider: "we-link",
      webhookSecret: "s",
      settings: { signature: "quarantine" },
    });
    const consumer = await consumerOf({ connectionId });
    expect((await post(inboundPath, signed("forged", "unknown"))).status).toBe(200);
    expect((await post(inboundPath, signed("genuine", "s"))).status).toBe(200);
    const received = await consumer.collect(1);
    expect(received.map(({ detail }) => detail.data.workflowId)).toEqual(["genuine"]);
    const s3 = new S3Client(localAws(run.addresses.awsUrl));
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({
        Bucket: run.outputs.BodiesBucketName,
        Prefix: `quarantine/${connectionId}/`,
      }),
    );
    expect(Contents).toHaveLength(1);

    const quarantine = openQuarantine({
      aws: localAws(run.addresses.awsUrl),
      outputs: run.outputs,
    });
    expect(await quarantine.release(clientId, connectionId)).toEqual({ released: 0, kept: 1 });
    await admin.rotateSecret(clientId, connectionId, "unknown");
    expect(await quarantine.release(clientId, connectionId)).toEqual({ released: 1, kept: 0 });
    expect(await quarantine.list(connectionId)).toEqual([]);
    const afterRelease = await consumer.collect(2);
    expect(afterRelease.map(({ detail }) => detail.data.workflowId)).toEqual(["genuine", "forged"]);
  });

  test("A quarantined webhook of Linked API is released by the signature in its headers, once its secret is known", async () => {
    const { inboundPath, connectionId } = await admin.createConnection({
      clientId,
      provider: "linked-api",
      webhookSecret: "a wrong one",
      settings: { signature: "quarantine" },
    });
    const consumer = await consumerOf({ connectionId });
    const body = JSON.stringify({
      id: "account.frozen:acc",
      type: "account.frozen",
      createdAt: "2026-06-25T12:00:00.000Z",
      data: { accountId: "acc", status: "frozen" },
    });
    const timestampSeconds = Math.floor(Date.now() / 1_000);
    const headers = signAsLinkedApi({ body, secret: "the right one", timestampSeconds });
    expect((await post(inboundPath, body, headers)).status).toBe(200);
    const quarantine = openQuarantine({
      aws: localAws(run.addresses.awsUrl),
      outputs: run.outputs,
    });
    expect(await quarantine.release(clientId, connectionId)).toEqual({ released: 0, kept: 1 });
    await admin.rotateSecret(clientId, connectionId, "the right one");
    expect(await quarantine.release(clientId, connectionId)).toEqual({ released: 1, kept: 0 });
    const [event] = await consumer.collect(1);
    expect(event?.detail.data).toMatchObject({ accountId: "acc", status: "frozen" });
  });

  test("A forged webhook is rejected as soon as the quarantine is switched off", async () => {
    const made = await admin.createConnection({
      clientId,
      provider: "we-link",
      webhookSecret: "s",
      settings: { signature: "quarantine" },
    });
    expect((await post(made.inboundPath, signed("forged", "unknown"))).status).toBe(200);
    await admin.updateConnection(clientId, made.connectionId, { signature: "enforce" });
    await expect
      .poll(async () => (await post(made.inboundPath, signed("forged", "unknown"))).status)
      .toBe(401);
  });
});

test("verifyByFetch publishes the provider's response, and nothing that only the webhook contains", async () => {
  const { inboundPath, connectionId } = await admin.createConnection({
    clientId,
    provider: "linked-api",
    credentials: { "linked-api-token": "ours" },
    settings: { verifyByFetch: true },
  });
  await admin.addAccount({
    clientId,
    connectionId,
    accountId: "acc",
    identificationToken: "the account's",
  });
  const completed = (workflowId: string, result: object) => ({
    id: `workflow.completed:${workflowId}`,
    type: "workflow.completed",
    createdAt: "2026-06-25T12:00:00.000Z",
    data: { workflowId, accountId: "acc", status: "completed", result },
  });
  // The simulator answers only for webhooks that it has sent itself, on the seeded connection.
  run.simulator.send("linked-api", completed("wf-real", { said: "by the provider" }));
  const consumer = await consumerOf({ connectionId });
  await post(inboundPath, JSON.stringify(completed("wf-real", { said: "by a forger" })));
  await post(inboundPath, JSON.stringify(completed("wf-invented", { said: "by a forger" })));
  const again = { ...completed("wf-real", {}), id: "another", createdAt: "2020-01-01T00:00:00Z" };
  await post(inboundPath, JSON.stringify(again));
  const started = { ...completed("wf-real", { said: "by a forger" }), type: "workflow.started" };
  await post(inboundPath, JSON.stringify(started));
  const received = await consumer.collect(2);
  expect(received).toHaveLength(2);
  expect(received.map(({ detail }) => detail.id).sort()).toEqual([
    `workflow.completed:${connectionId}:wf-real`,
    `workflow.started:${connectionId}:wf-real`,
  ]);
  const text = JSON.stringify(received);
  expect(text).toContain("by the provider");
  expect(text).not.toContain("by a forger");
  expect(text).not.toContain("2020-01-01");
});

test("An event of an unregistered account is published and marked with accountUnknown", async () => {
  const { inboundPath, connectionId } = await admin.createConnection({
    clientId,
    provider: "linked-api",
  });
  const consumer = await consumerOf({ connectionId });
  const body = {
    id: "account.active:stranger",
    type: "account.active",
    createdAt: "2026-06-25T12:00:00.000Z",
    data: { accountId: "stranger", status: "active" },
  };
  await post(inboundPath, JSON.stringify(body));
  const [event] = await consumer.collect(1);
  expect(event?.detail.data).toMatchObject({ accountId: "stranger", accountUnknown: true });
});

describe("Administration", () => {
  test("Every administration call on another client's connection or API key fails with NOT_FOUND", async () => {
    const made = await admin.createConnection({ clientId, provider: "linked-api" });
    const other = (await admin.createClient("other")).clientId;
    const calls = [
      admin.getConnection(other, made.connectionId),
      admin.updateConnection(other, made.connectionId, { status: "paused" }),
      admin.rotateToken(other, made.connectionId),
      admin.rotateSecret(other, made.connectionId, "x"),
      admin.deleteConnection(other, made.connectionId),
      admin.revokeApiKey(other, "key0"),
    ];
    const results = await Promise.allSettled(calls);
    expect(results).toMatchObject(calls.map(() => ({ reason: { code: "NOT_FOUND" } })));
    expect(await admin.listConnections(other)).toEqual([]);
  });

  test("Of two writes based on the same version of a connection, the second is rejected", async () => {
    const { connectionId } = await admin.createConnection({ clientId, provider: "linked-api" });
    const store = makeDynamoConfigStore({
      client: DynamoDBDocumentClient.from(new DynamoDBClient(localAws(run.addresses.awsUrl))),
      tableName: run.outputs.ConfigTableName ?? "",
    });
    const read = await store.connection(connectionId);
    if (!read) throw new Error("no connection");
    const settings = { ...read.settings, status: "paused" as const };
    expect(await store.replaceConnection({ ...read, settings })).toBe(true);
    expect(await store.replaceConnection(read)).toBe(false);
    expect(await admin.getConnection(clientId, connectionId)).toMatchObject({ status: "paused" });
  });
});

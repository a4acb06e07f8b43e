import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeDynamoDeliveryInputs } from "../../../shared/adapters/dynamo/dynamo-delivery-inputs.ts";
import { makeDynamoRequestStore } from "../../../shared/adapters/dynamo/dynamo-request-store.ts";
import { makeS3BlobStore } from "../../../shared/adapters/s3/s3-blob-store.ts";
import { makeDeliveryPorts } from "../../../shared/composition/delivery-ports.ts";
import { limits } from "../../../shared/contracts/limits.ts";
import { settingsSchema } from "../../../shared/contracts/settings.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { openDynamoThroughProxy } from "../../support/fakes/dynamo-through-proxy.ts";
import {
  deliveryJob,
  deliveryRecord,
  endpointHealth,
  webhookRecord,
} from "../../support/payloads/delivery-records.ts";
import { requestRecord } from "../../support/payloads/request-records.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";
import { deliveryClaimsSuite } from "../suites/delivery-claims.suite.ts";
import { deliveryInputsSuite } from "../suites/delivery-inputs.suite.ts";
import { deliveryStoreSuite } from "../suites/delivery-store.suite.ts";

type Clock = ReturnType<typeof makeTestClock>;

let tables: Awaited<ReturnType<typeof openLocalTables>>;
beforeAll(async () => {
  tables = await openLocalTables();
});
afterAll(() => tables.close());

function stores(clock: Clock, client = tables.client) {
  const { outputs, awsClientConfig } = tables;
  const { ConfigTableName = "", DeliveriesTableName = "", RequestsTableName = "" } = outputs;
  const bodies = makeS3BlobStore({
    bucket: outputs.BodiesBucketName ?? "",
    config: awsClientConfig,
  });
  const ports = makeDeliveryPorts(
    { client, awsClientConfig, clock, bodies },
    {
      BUSINESS_CLOCK: { speed: 60 },
      CONFIG_TABLE: ConfigTableName,
      DELIVERIES_TABLE: DeliveriesTableName,
      SETTINGS: settingsSchema.parse({}),
      RETRIES_QUEUE_URL: outputs.SubmitQueueUrl ?? "",
    },
  );
  const inputs = makeDynamoDeliveryInputs({
    client,
    tables: {
      config: ConfigTableName,
      deliveries: DeliveriesTableName,
      requests: RequestsTableName,
    },
  });
  const requests = makeDynamoRequestStore({ client, tableName: RequestsTableName, clock });
  return { ...ports, inputs, requests };
}

deliveryStoreSuite("on DynamoDB", async ({ clock }) => stores(clock));
deliveryClaimsSuite("on DynamoDB", async ({ clock }) => stores(clock));

deliveryInputsSuite("on DynamoDB", async () => {
  const opened = stores(makeTestClock());
  return {
    ...opened,
    keepRequest: async (request) => void (await opened.requests.create(request)),
  };
});

describe("Bodies at the size limit of an item", () => {
  test("A delivery's body that is too large for its item is stored in the bucket and returned as its key", async () => {
    const { deliveries, texts } = stores(makeTestClock());
    const inline = `"${"ü".repeat(limits.maxInlineBytes)}"`;
    const delivery = deliveryRecord({ body: { inline } });
    expect(await deliveries.create(delivery)).toBe("created");
    const found = await deliveries.find(delivery.deliveryId);
    const key = expect.stringMatching(`^deliveries/${delivery.deliveryId}/[0-9a-f]{64}$`);
    expect(found).toEqual({ ...delivery, body: { key } });
    expect(found && (await texts.open(found.body))).toBe(inline);
    // The caller still has the record with the inline body and writes it again.
    const written = await deliveries.replace({ ...delivery, attemptsInCycle: 1 });
    expect(written).toEqual({ ...delivery, attemptsInCycle: 1, body: found?.body, version: 2 });
  });

  test("A body at the inline limit leaves room for a long attempt history in the item", async () => {
    const { deliveries } = stores(makeTestClock());
    const attempt = {
      cycle: 1,
      attemptNumber: 1,
      atMs: 1,
      durationMs: 1,
      bodyStart: "ü".repeat(1_000),
    };
    const delivery = deliveryRecord({
      body: { inline: "x".repeat(limits.maxInlineBytes) },
      attemptHistory: Array.from({ length: 100 }, () => attempt),
    });
    await deliveries.create(delivery);
    expect(await deliveries.find(delivery.deliveryId)).toEqual(delivery);
  });
});

describe("Calls whose response is lost and that the SDK retries", () => {
  const clock = makeTestClock();
  let dynamo: Awaited<ReturnType<typeof openDynamoThroughProxy>>;
  let lossy: ReturnType<typeof stores>;
  beforeAll(async () => {
    dynamo = await openDynamoThroughProxy(tables.awsClientConfig);
    lossy = stores(clock, dynamo.client);
  });
  afterAll(() => dynamo.close());

  test("A delivery is created and replaced once when the response is lost", async () => {
    const delivery = deliveryRecord();
    const create = () => lossy.deliveries.create(delivery);
    expect(await dynamo.withLostResponse("PutItem", create)).toBe("created");
    const next = { ...delivery, attemptsInCycle: 1 };
    const written = await dynamo.withLostResponse("PutItem", () => lossy.deliveries.replace(next));
    expect(written).toEqual({ ...next, version: 2 });
    expect(await lossy.deliveries.find(delivery.deliveryId)).toEqual(written);
  });

  test("A replace whose response is lost is not mistaken for another writer's version", async () => {
    const delivery = deliveryRecord();
    await lossy.deliveries.create(delivery);
    await lossy.deliveries.replace({ ...delivery, attemptsInCycle: 1 });
    const second = () => lossy.deliveries.replace({ ...delivery, attemptsInCycle: 2 });
    expect(await dynamo.withLostResponse("PutItem", second)).toBeUndefined();
  });

  test("A delivery is claimed once when the response is lost", async () => {
    const { deliveryId, ...of } = deliveryRecord();
    await lossy.deliveries.create({ ...of, deliveryId });
    const lease = { owner: "a", untilMs: clock.realMs() + 1_000 };
    const claim = await dynamo.withLostResponse("UpdateItem", () =>
      lossy.deliveries.claim(deliveryId, lease),
    );
    expect(claim).toMatchObject({ kind: "claimed", delivery: { claimsOfAttempt: 1, version: 2 } });
    expect(await lossy.deliveries.find(deliveryId)).toMatchObject({
      claimsOfAttempt: 1,
      version: 2,
    });
  });

  test("A delivery is postponed when the response is lost", async () => {
    const delivery = deliveryRecord({ dueMs: 5 });
    await lossy.deliveries.create(delivery);
    const { deliveryId, clientId, webhookId } = delivery;
    const message = { v: 1, kind: "attempt", deliveryId, clientId, webhookId } as const;
    const postpone = () => lossy.deliveries.setSweepDue({ message, dueMs: 5 }, 6);
    expect(await dynamo.withLostResponse("UpdateItem", postpone)).toBe(true);
  });

  test("Endpoint health, a webhook and a job are written once when the response is lost", async () => {
    const health = endpointHealth();
    const first = await dynamo.withLostResponse("PutItem", () => lossy.health.replace(health));
    expect(first).toEqual({ written: { ...health, version: 1 } });
    const webhook = webhookRecord();
    const registered = await dynamo.withLostResponse("PutItem", () =>
      lossy.webhooks.replace(webhook),
    );
    expect(registered).toEqual({ ...webhook, version: 1 });
    const job = deliveryJob();
    await dynamo.withLostResponse("PutItem", () => lossy.jobs.create(job));
    const done = await dynamo.withLostResponse("PutItem", () =>
      lossy.jobs.replace({ ...job, examined: 1 }),
    );
    expect(done).toEqual({ ...job, examined: 1, version: 2 });
  });

  test("The inputs of many clients and requests are read in one call", async () => {
    const before = dynamo.proxy.calls.length;
    await lossy.inputs.read({
      clientIds: Array.from({ length: 10 }, (_, n) => `cl_${n}`),
      requestIds: Array.from({ length: 10 }, () => requestRecord().requestId),
    });
    const made = dynamo.proxy.calls.slice(before).map(({ operation }) => operation);
    expect(made).toEqual(["BatchGetItem"]);
  });

  test("A claim that fails on every retry throws DEPENDENCY_DOWN", async () => {
    const plan = dynamo.proxy.plan({ operation: "UpdateItem", fault: "internal", times: 99 });
    const claim = lossy.deliveries.claim("dl_1", { owner: "a", untilMs: 1 });
    await expect(claim).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
    plan.end();
  });
});

describe("Items in a form that this version cannot read, as after a rollback (G11)", () => {
  const set = (TableName: string | undefined, Key: object, name: string, value: unknown) =>
    tables.client.send(
      new UpdateCommand({
        TableName,
        Key: { ...Key },
        UpdateExpression: "SET #name = :value",
        ExpressionAttributeNames: { "#name": name },
        ExpressionAttributeValues: { ":value": value },
      }),
    );

  test("A webhook that cannot be read is reported for its client, and the others are read", async () => {
    const { webhooks, inputs } = stores(makeTestClock());
    const [good, bad] = [webhookRecord(), webhookRecord()];
    for (const one of [good, bad]) await webhooks.replace(one);
    await set(tables.outputs.ConfigTableName, { pk: bad.pk }, "format", "cloudevents");
    const clientIds = [good.clientId, bad.clientId];
    const read = await inputs.read({ clientIds, requestIds: [] });
    expect([...read.webhooks.keys()]).toEqual([good.clientId]);
    expect(read.unreadable.get(bad.clientId)).toMatchObject({ code: "DEPENDENCY_DOWN" });
  });

  test("Health that cannot be read is that of an unproven endpoint, and the next write replaces it", async () => {
    const { health, inputs } = stores(makeTestClock());
    const first = endpointHealth({ consecutiveFailures: 4 });
    await health.replace(first);
    const id = `health#${first.clientId}`;
    await set(tables.outputs.DeliveriesTableName, { id }, "slots", "none");
    const read = async () => {
      const found = await inputs.read({ clientIds: [first.clientId], requestIds: [] });
      return found.health.get(first.clientId);
    };
    expect(await read()).toMatchObject({ isFast: false, consecutiveFailures: 0, version: 1 });
    expect(await health.replace(first)).toMatchObject({ stored: { version: 1 } });
    const next = { ...first, version: 1 };
    expect(await health.replace(next)).toEqual({ written: { ...next, version: 2 } });
    expect(await read()).toEqual({ ...next, version: 2 });
  });

  test("A delivery that cannot be read is left out of its client's list", async () => {
    const { deliveries } = stores(makeTestClock());
    const { clientId } = deliveryRecord();
    const [good, bad] = [deliveryRecord({ clientId }), deliveryRecord({ clientId })];
    for (const one of [good, bad]) await deliveries.create({ ...one, version: 0 });
    await set(tables.outputs.DeliveriesTableName, { id: bad.deliveryId }, "cycle", "first");
    const { deliveries: listed } = await deliveries.list({ clientId, limit: 10 });
    expect(listed.map(({ deliveryId }) => deliveryId)).toEqual([good.deliveryId]);
    await expect(deliveries.find(bad.deliveryId)).rejects.toThrow();
  });
});

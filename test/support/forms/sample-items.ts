import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoCorrelations } from "../../../shared/adapters/dynamo/dynamo-correlations.ts";
import { makeDynamoEventClaims } from "../../../shared/adapters/dynamo/dynamo-event-claims.ts";
import { makeDynamoIdempotency } from "../../../shared/adapters/dynamo/dynamo-idempotency.ts";
import { makeDynamoLanes } from "../../../shared/adapters/dynamo/dynamo-lanes.ts";
import { makeDynamoReferences } from "../../../shared/adapters/dynamo/dynamo-references.ts";
import { makeDynamoRequestStore } from "../../../shared/adapters/dynamo/dynamo-request-store.ts";
import { makeS3BlobStore } from "../../../shared/adapters/s3/s3-blob-store.ts";
import { makeDeliveryPorts } from "../../../shared/composition/delivery-ports.ts";
import { settingsSchema } from "../../../shared/contracts/settings.ts";
import type { DeliveryRecord } from "../../../shared/core/deliveries/state/record.ts";
import { laneId, newRequestId } from "../../../shared/core/requests/acceptance/request-id.ts";
import type { LaneAccount } from "../../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../fakes/clocks.ts";
import { makeMemoryBlobStore } from "../memory/memory-blob-store.ts";
import {
  deliveryJob,
  deliveryRecord,
  endpointHealth,
  webhookRecord,
} from "../payloads/delivery-records.ts";
import { readSampleConfig, writeSampleConfig } from "./sample-config.ts";
import { wholeRequest } from "./sample-request.ts";

const DAY_MS = 86_400_000;
const clientId = "cl_form";
const connectionId = "cn_form";
const owner: LaneAccount = { clientId, connectionId, provider: "we-link", accountId: "account" };
const lane = laneId(owner);
const requestId = newRequestId(lane, "00112233445566778899");
const waiting = newRequestId(lane, "00112233445566778800");
const provider = { connectionId, providerRequestId: "req-form" };
const keyed = { clientId, key: "key", requestId, callId: "call" };

export interface FormTables {
  client: DynamoDBDocumentClient;
  awsClientConfig: { endpoint: string; region: string };
  outputs: Readonly<Record<string, string | undefined>>;
}

const configOf = ({ client, outputs }: FormTables) => ({
  client,
  tableName: outputs.ConfigTableName ?? "",
});

/** The stores of this version, with a clock that stands still. */
function storesOf({ client, awsClientConfig, outputs }: FormTables) {
  const clock = makeTestClock();
  const table = { client, clock, tableName: outputs.RequestsTableName ?? "" };
  const retained = { ...table, retentionMs: DAY_MS };
  const ports = makeDeliveryPorts(
    {
      client,
      awsClientConfig,
      clock,
      bodies: makeS3BlobStore({ bucket: outputs.BodiesBucketName ?? "", config: awsClientConfig }),
    },
    {
      BUSINESS_CLOCK: { speed: 1 },
      CONFIG_TABLE: outputs.ConfigTableName ?? "",
      DELIVERIES_TABLE: outputs.DeliveriesTableName ?? "",
      SETTINGS: settingsSchema.parse({}),
      RETRIES_QUEUE_URL: outputs.RetriesQueueUrl ?? "",
    },
  );
  return {
    ...ports,
    clock,
    requests: makeDynamoRequestStore(table),
    lanes: makeDynamoLanes(table),
    references: makeDynamoReferences(retained),
    correlations: makeDynamoCorrelations(retained),
    idempotency: makeDynamoIdempotency(table),
    claims: makeDynamoEventClaims({
      client,
      clock,
      tableName: outputs.EventsTableName ?? "",
      bodies: makeMemoryBlobStore(),
      retentionMs: DAY_MS,
    }),
  };
}

const event = (id: string) => ({
  id,
  type: "workflow.completed" as const,
  clientId,
  envelope: JSON.stringify({ id, text: "text ".repeat(100) }),
});
const published = event("workflow.completed:published");
const claimed = event("workflow.completed:claimed");
const released = event("workflow.completed:released");
const eventKeys = ["person"];
const subQueue = { category: "other", isHigh: true } as const;

const delivery: { [Member in keyof DeliveryRecord]-?: DeliveryRecord[Member] } = {
  ...deliveryRecord(),
  ...{ deliveryId: "dl_form", clientId, webhookId: "wh_form", requestId },
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  reason: "attempts_used",
  attemptHistory: [
    {
      ...{ cycle: 1, attemptNumber: 1, atMs: 1, httpStatus: 500, durationMs: 2 },
      ...{ error: "TIMEOUT", bodyStart: "no", location: "https://example.com" },
    },
  ],
  nextMs: 3,
  owner: "worker",
  leaseUntilRealMs: 4,
  unpublishedFailures: [{ cycle: 1, attemptCount: 8, reason: "gone", atMs: 5 }],
  endedMs: 6,
  dueMs: 7,
  sweepAtRealMs: 8,
};

/** Writes an item of every form that this version writes, into empty tables. */
export async function writeSampleItems(tables: FormTables): Promise<void> {
  const stores = storesOf(tables);
  const { clock, requests, lanes, references, correlations, idempotency, claims } = stores;
  await writeSampleConfig(configOf(tables));
  const nowMs = clock.businessMs();
  const lease = { owner: "worker", untilMs: clock.realMs() + 30_000 };

  await requests.create(wholeRequest(owner, lane, requestId));
  await requests.create({
    ...{ ...owner, lane, requestId: waiting, action: "connect", category: "other" },
    ...{ status: "QUEUED", createdMs: nowMs, joinedMs: nowMs, lanePosition: nowMs },
    ...{ laneState: "waiting", attempts: 0, polls: 0, isStarted: false, prompts: [], outbox: [] },
    ...{ params: { inline: '{"a":1}' }, version: 1 },
  });
  await lanes.join(lane, owner, { nowMs, dueMs: nowMs + 1, subQueues: [subQueue] });
  const seen = await lanes.acquire(lane, lease, nowMs + 2);
  if (!seen) throw new Error("the lane is not to be had");
  await lanes.release(seen, {
    nextSubmissionNotBeforeMs: nowMs + 3,
    dequeuedCount: 0,
    pause: { reason: "RATE_LIMITED", untilMs: nowMs + 4 },
    counters: {
      usage: { takes: {}, nextMs: { other: nowMs }, takeCounts: { other: 1 }, lastTakeMs: nowMs },
      lastTaken: { requestId, atMs: nowMs },
      highInARow: 1,
      blocked: { other: { totalMs: 1, sinceMs: 2, untilMs: 3 } },
    },
    isMigratedToSubQueues: true,
  });
  await idempotency.reserve({
    ...keyed,
    ...{ bodySha256: "digest", reservedRealMs: clock.realMs(), expiresMs: nowMs + DAY_MS },
  });
  await references.bind({ ...provider, requestId });
  await references.recordUnlessBound({
    ...{ connectionId, providerRequestId: "req-unmatched" },
    ...{ eventId: "workflow.completed:unmatched", isFinal: true },
  });
  await references.extendSubmittingUntil(connectionId, lease.untilMs);
  await references.noteForbidden({ connectionId, accountId: "account" });
  await correlations.recordEvent({
    ...{ connectionId, keys: eventKeys, type: "message.reply", eventId: "message.reply:1" },
    ...{ receivedMs: nowMs, accountId: "account" },
  });
  await correlations.watch({ connectionId, keys: eventKeys, requestId, untilMs: nowMs + DAY_MS });

  for (const one of [published, claimed, released]) await claims.claim(one, lease);
  await claims.complete(published.id, lease.owner);
  await claims.release(released.id, lease.owner);

  await stores.deliveries.create(delivery);
  await stores.jobs.create({
    ...deliveryJob({ jobId: "job_form", clientId, webhookId: "wh_form" }),
    ...{ eventTypes: ["workflow.*"], before: "cursor", finishedMs: 1, sweepAtRealMs: 2 },
  });
  await stores.health.replace({
    ...endpointHealth({ clientId, webhookId: "wh_form" }),
    slots: { worker: lease.untilMs },
  });
  await stores.webhooks.replace({
    ...webhookRecord({ clientId, webhookId: "wh_form" }),
    headers: { names: ["x-tenant"], sealed: "v1.k1.sealed" },
    ...{ disabledReason: "gone", disabledAt: "2026-06-25T12:00:00.000Z", signedAs: "we-link" },
    ...{ eventTypes: ["workflow.completed"], description: "ours", recoveryId: "job_form" },
    previousWebhooks: [{ webhookId: "wh_earlier", status: "deleted" }],
  });
}

/** What this version reads of the items: one member for each store. */
export async function readSampleItems(tables: FormTables): Promise<Record<string, unknown>> {
  const stores = storesOf(tables);
  const { requests, lanes, references, correlations, idempotency, claims } = stores;
  const later = { owner: "reader", untilMs: 1 };
  const found: Record<string, unknown> = {
    request: await requests.find(requestId),
    waiting: await requests.find(waiting),
    list: (await requests.list({ clientId, limit: 10 })).requests.map((one) => one.requestId),
    lane: await lanes.find(lane),
    key: await idempotency.find(clientId, keyed.key),
    references: await references.findByProviderIds([
      provider,
      { connectionId, providerRequestId: "req-unmatched" },
    ]),
    isForbiddenForOther: await references.noteForbidden({ connectionId, accountId: "another" }),
    correlated: await correlations.findEvents({
      ...{ connectionId, keys: eventKeys, type: "message.reply", sinceMs: 0 },
    }),
    watchers: await correlations.findWatchers({ connectionId, keys: eventKeys }),
    published: await claims.claim(published, later),
    claimed: await claims.claim(claimed, later),
    released: await claims.claim(released, later),
    delivery: await stores.deliveries.find(delivery.deliveryId),
    job: await stores.jobs.find("job_form"),
    webhook: await stores.webhooks.find(clientId),
    config: await readSampleConfig(configOf(tables)),
  };
  return JSON.parse(JSON.stringify(found)) as Record<string, unknown>;
}

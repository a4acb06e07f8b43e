import { GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeDynamoCorrelations } from "../../../shared/adapters/dynamo/dynamo-correlations.ts";
import { makeDynamoIdempotency } from "../../../shared/adapters/dynamo/dynamo-idempotency.ts";
import { makeDynamoLanes } from "../../../shared/adapters/dynamo/dynamo-lanes.ts";
import { makeDynamoReferences } from "../../../shared/adapters/dynamo/dynamo-references.ts";
import { makeDynamoRequestStore } from "../../../shared/adapters/dynamo/dynamo-request-store.ts";
import { packStoredText } from "../../../shared/adapters/dynamo/packed-text.ts";
import { laneId } from "../../../shared/core/requests/acceptance/request-id.ts";
import type { RequestRecord, StoredText } from "../../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { openDynamoThroughProxy } from "../../support/fakes/dynamo-through-proxy.ts";
import { newOwner, requestRecord } from "../../support/payloads/request-records.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";
import { correlationStoreSuite } from "../suites/correlation-store.suite.ts";
import { laneStoreSuite } from "../suites/lane-store.suite.ts";
import { referenceStoreSuite } from "../suites/reference-store.suite.ts";
import { fullRecord, requestStoreSuite } from "../suites/request-store.suite.ts";

/** The table comes from the template, so its keys and indexes are tested too. */
let tables: Awaited<ReturnType<typeof openLocalTables>>;
beforeAll(async () => {
  tables = await openLocalTables();
});
afterAll(() => tables.close());

type Clock = ReturnType<typeof makeTestClock>;

function stores(of: { clock: Clock; retentionMs?: number }, client = tables.client) {
  const table = { client, tableName: tables.outputs.RequestsTableName ?? "", clock: of.clock };
  return {
    requests: makeDynamoRequestStore(table),
    lanes: makeDynamoLanes(table),
    references: makeDynamoReferences({ ...table, retentionMs: of.retentionMs ?? 1 }),
    correlations: makeDynamoCorrelations({ ...table, retentionMs: of.retentionMs ?? 1 }),
    idempotency: makeDynamoIdempotency(table),
  };
}

requestStoreSuite("on DynamoDB", async (options) => stores(options));
laneStoreSuite("on DynamoDB", async (options) => stores(options));
referenceStoreSuite("on DynamoDB", async (options) => stores(options));
correlationStoreSuite("on DynamoDB", async (options) => stores(options));

test("A stored request of an unknown status fails by itself, and is left out of lists and batches", async () => {
  const { requests } = stores({ clock: makeTestClock() });
  const owner = newOwner();
  const [one, other] = [requestRecord(owner), requestRecord(owner)];
  for (const request of [one, other]) await requests.create(request);
  const { requestId, lane, clientId } = other;
  const update = new UpdateCommand({
    TableName: tables.outputs.RequestsTableName,
    Key: { lane, id: requestId },
    UpdateExpression: "SET #status = :parked",
    ExpressionAttributeNames: { "#status": "status" },
    ExpressionAttributeValues: { ":parked": "PARKED" },
  });
  await tables.client.send(update);
  await expect(requests.find(requestId)).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
  expect((await requests.list({ clientId, limit: 10 })).requests).toEqual([one]);
  const found = await requests.findWithLanes([requestId, one.requestId]);
  expect([...found.keys()]).toEqual([one.requestId]);
});

describe("Requests that earlier versions stored", () => {
  /** Every member an attribute of its own, the texts as they are or each compressed. */
  function earlierItem(request: RequestRecord, text: (of: StoredText) => unknown): object {
    const { requestId, group, lanePosition, dueMs, sweepAtRealMs, expiresMs, ...rest } = request;
    const { params, result, lateResult, earlierLateResults = [] } = request;
    return {
      ...rest,
      ...(params ? { params: text(params) } : {}),
      ...(result ? { result: text(result) } : {}),
      ...(lateResult ? { lateResult: text(lateResult) } : {}),
      earlierLateResults: earlierLateResults.map(text),
      outbox: request.outbox.map((entry) => ({
        ...entry,
        envelope: text(entry.envelope),
        ...(entry.raw ? { raw: text(entry.raw) } : {}),
      })),
      id: requestId,
      writeId: "w",
      listedAs: `${new Date(request.createdMs).toISOString()}#${requestId}`,
      groupedAs: `${request.clientId}#${group}`,
      place: lanePosition,
      laneKey: `held#${String(lanePosition).padStart(16, "0")}`,
      dueShard: "0",
      dueAt: dueMs,
      sweepShard: "0",
      sweepAt: sweepAtRealMs,
      expiresAt: Math.ceil((expiresMs ?? 0) / 1_000),
    };
  }

  test.each([
    ["texts as they are", (of: StoredText) => of],
    ["compressed texts", packStoredText],
  ] as const)(
    "%s: a request is read, listed, and replaced by an item of one packed part",
    async (_, text) => {
      const { requests } = stores({ clock: makeTestClock() });
      const long = { inline: JSON.stringify({ text: "a long text ".repeat(60) }) };
      const earlier: RequestRecord = { ...fullRecord(), params: long, lateResult: long };
      const Item = earlierItem(earlier, text);
      await tables.client.send(
        new PutCommand({ TableName: tables.outputs.RequestsTableName, Item }),
      );
      const { requestId, clientId, group, lane } = earlier;
      expect(await requests.find(requestId)).toEqual(earlier);
      expect((await requests.list({ clientId, group, limit: 10 })).requests).toEqual([earlier]);
      const written = await requests.replace({ ...earlier, polls: 14 });
      expect(written).toEqual({ ...earlier, polls: 14, version: 2 });
      expect(await requests.find(requestId)).toEqual(written);
      const get = new GetCommand({
        TableName: tables.outputs.RequestsTableName,
        Key: { lane, id: requestId },
      });
      const { Item: after = {} } = await tables.client.send(get);
      expect(Object.keys(after)).not.toContain("polls");
    },
  );

  test("A packed part that is not one makes its request unreadable, and no other", async () => {
    const { requests } = stores({ clock: makeTestClock() });
    const owner = newOwner();
    const [one, other] = [requestRecord(owner), requestRecord(owner)];
    for (const request of [one, other]) await requests.create(request);
    const { requestId, lane, clientId } = other;
    const update = new UpdateCommand({
      TableName: tables.outputs.RequestsTableName,
      Key: { lane, id: requestId },
      UpdateExpression: "SET packed = :bytes",
      ExpressionAttributeValues: { ":bytes": Buffer.from("no") },
    });
    await tables.client.send(update);
    await expect(requests.find(requestId)).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
    expect((await requests.list({ clientId, limit: 10 })).requests).toEqual([one]);
  });
});

const subQueue = { category: "other", isHigh: false } as const;
const subQueues = [subQueue];

describe("Writes whose response is lost and that the SDK retries", () => {
  const clock = makeTestClock();
  let dynamo: Awaited<ReturnType<typeof openDynamoThroughProxy>>;
  let lossy: ReturnType<typeof stores>;
  beforeAll(async () => {
    dynamo = await openDynamoThroughProxy(tables.awsClientConfig);
    lossy = stores({ clock, retentionMs: 1_000_000 }, dynamo.client);
  });
  afterAll(() => dynamo.close());

  test("A request is created once when the response is lost", async () => {
    const request = requestRecord();
    expect(await dynamo.withLostResponse("PutItem", () => lossy.requests.create(request))).toBe(
      "created",
    );
    expect(await lossy.requests.find(request.requestId)).toEqual(request);
  });

  test("A request is replaced once when the response is lost", async () => {
    const request = requestRecord();
    await lossy.requests.create(request);
    const next = { ...request, action: "other" };
    const written = await dynamo.withLostResponse("PutItem", () => lossy.requests.replace(next));
    expect(written).toEqual({ ...next, version: 2 });
    expect(await lossy.requests.find(request.requestId)).toEqual(written);
  });

  test("A replace of a request whose response is lost is not mistaken for another writer's version", async () => {
    const request = requestRecord();
    await lossy.requests.create(request);
    await lossy.requests.replace({ ...request, action: "first" });
    const second = { ...request, action: "second" };
    const written = await dynamo.withLostResponse("PutItem", () => lossy.requests.replace(second));
    expect(written).toBeUndefined();
  });

  test("A join whose response is lost gets a position, at worst a second one", async () => {
    const owner = newOwner();
    const lane = laneId(owner);
    const join = () => lossy.lanes.join(lane, owner, { nowMs: 1_000, dueMs: 1_001, subQueues });
    expect(await dynamo.withLostResponse("UpdateItem", join)).toMatchObject({ position: 1_001 });
  });

  test("A lane is acquired and released when the response is lost", async () => {
    const owner = newOwner();
    const lane = laneId(owner);
    await lossy.lanes.join(lane, owner, { nowMs: 1_000, dueMs: 1_001, subQueues });
    const lease = { owner: "a", untilMs: clock.realMs() + 1_000 };
    const seen = await dynamo.withLostResponse("UpdateItem", () =>
      lossy.lanes.acquire(lane, lease, 2_000),
    );
    if (!seen) throw new Error("the lane was not acquired");
    const release = () =>
      lossy.lanes.release(seen, {
        dequeuedCount: 1,
        nextSubmissionNotBeforeMs: 5,
        dueMs: 3_000,
      });
    expect(await dynamo.withLostResponse("UpdateItem", release)).toBe("released");
    expect(await lossy.lanes.find(lane)).toMatchObject({
      waitingCount: 0,
      nextSubmissionNotBeforeMs: 5,
      dueMs: 3_000,
    });
  });

  test("An idempotency key is reserved when the response is lost", async () => {
    const expiresMs = clock.businessMs() + 100_000;
    const hold = { clientId: "cl_1", key: "lost", requestId: "rq_1", callId: "h1" };
    const known = { bodySha256: "b", requestId: "rq_1", reservedRealMs: 7 };
    const reserve = () => lossy.idempotency.reserve({ ...hold, ...known, expiresMs });
    expect(await dynamo.withLostResponse("PutItem", reserve)).toEqual(known);
    const other = { ...hold, callId: "h2" };
    expect(
      await dynamo.withLostResponse("UpdateItem", () => lossy.idempotency.joinReservation(other)),
    ).toBe(true);
    // A release that is made twice leaves the other call's hold.
    await dynamo.withLostResponse("UpdateItem", () => lossy.idempotency.releaseReservation(hold));
    expect(await lossy.idempotency.find("cl_1", "lost")).toEqual(known);
    await dynamo.withLostResponse("UpdateItem", () => lossy.idempotency.releaseReservation(other));
    expect(await lossy.idempotency.find("cl_1", "lost")).toBeUndefined();
  });

  test("A binding whose response is lost still returns the event that was received before it", async () => {
    const id = { connectionId: "cn_1", providerRequestId: "lost" };
    await lossy.references.recordUnlessBound({ ...id, eventId: "e_1", isFinal: true });
    const bind = () => lossy.references.bind({ ...id, requestId: "rq_1" });
    expect(await dynamo.withLostResponse("UpdateItem", bind)).toEqual({ eventId: "e_1" });
  });
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDynamoEventArchive } from "../../../shared/adapters/dynamo/dynamo-event-archive.ts";
import { makeDynamoEventClaims } from "../../../shared/adapters/dynamo/dynamo-event-claims.ts";
import { makeDynamoEventReader } from "../../../shared/adapters/dynamo/dynamo-event-reader.ts";
import type { FinalEvent } from "../../../shared/core/events/envelope.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { makeMemoryBlobStore } from "../../support/memory/memory-blob-store.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

const RETENTION_MS = 3 * 86_400_000;
const clock = makeTestClock();
let tables: Awaited<ReturnType<typeof openLocalTables>>;
let open: {
  archive: ReturnType<typeof makeDynamoEventArchive>;
  reader: ReturnType<typeof makeDynamoEventReader>;
  claims: ReturnType<typeof makeDynamoEventClaims>;
};
beforeAll(async () => {
  tables = await openLocalTables();
  const place = {
    client: tables.client,
    tableName: tables.outputs.EventsTableName ?? "",
    clock,
    bodies: makeMemoryBlobStore(),
    retentionMs: RETENTION_MS,
  };
  open = {
    archive: makeDynamoEventArchive(place),
    reader: makeDynamoEventReader(place),
    claims: makeDynamoEventClaims(place),
  };
});
afterAll(() => tables.close());

let made = 0;
function event(of: Partial<FinalEvent> = {}): FinalEvent {
  const id = `workflow.completed:rq_${++made}`;
  const envelope = JSON.stringify({ id, n: made });
  return { id, type: "workflow.completed", clientId: "cl_1", envelope, ...of };
}

test("A stored event is read as a published event, byte for byte", async () => {
  const raw = new Uint8Array([0, 255]);
  const [small, large] = [event({ raw }), event({ envelope: `"${"ü".repeat(100_000)}"` })];
  await open.archive.store([small, large]);
  const { type: _, ...shown } = small;
  expect(await open.reader.find(small.id)).toMatchObject({
    ...shown,
    publishedAt: new Date(clock.businessMs()).toISOString(),
  });
  expect((await open.reader.find(large.id))?.envelope).toBe(large.envelope);
});

test("More events than one call accepts are stored, and a repeated event is stored once", async () => {
  const clientId = "cl_many";
  const many = Array.from({ length: 60 }, () => event({ clientId }));
  await open.archive.store([...many, ...many.slice(0, 3)]);
  await open.archive.store(many.slice(0, 1));
  const { events } = await open.reader.list({ clientId, limit: 100 });
  expect(events.map(({ id }) => id).sort()).toEqual(many.map(({ id }) => id).sort());
  await open.archive.store([]);
});

test("A claim of a stored event returns done until its retention ends", async () => {
  const one = event();
  await open.archive.store([one]);
  const lease = { owner: "a", untilMs: clock.realMs() + 1_000 };
  expect(await open.claims.claim(one, lease)).toEqual({ kind: "done", envelope: one.envelope });
  clock.passBusiness(RETENTION_MS);
  expect(await open.reader.find(one.id)).toBeUndefined();
  expect(await open.claims.claim(one, lease)).toMatchObject({ kind: "granted" });
});

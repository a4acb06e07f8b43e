import { expect, test } from "vitest";
import { makeBilledUnits } from "../../local/aws/billing/billed-units.ts";
import {
  failedWriteUnits,
  getUnits,
  queryUnits,
  type TableSchema,
  writeUnits,
} from "../../local/aws/billing/dynamodb-units.ts";
import { type Item, itemSize } from "../../local/aws/billing/item-size.ts";
import { callUnits, httpUnits, s3Units } from "../../local/aws/billing/request-units.ts";

const text = (length: number) => ({ S: "x".repeat(length) });

test.each<{ name: string; item: Item; bytes: number }>([
  { name: "the name and the UTF-8 bytes of a string", item: { ab: { S: "é€" } }, bytes: 2 + 5 },
  { name: "the UTF-8 bytes of a name", item: { é: { S: "" } }, bytes: 2 },
  { name: "one byte for two digits, and one more", item: { n: { N: "1234" } }, bytes: 1 + 3 },
  { name: "no leading and trailing zeros", item: { n: { N: "0120000" } }, bytes: 1 + 2 },
  { name: "both pairs that a decimal point splits", item: { n: { N: "1.2" } }, bytes: 1 + 3 },
  { name: "one byte more for a negative number", item: { n: { N: "-12" } }, bytes: 1 + 3 },
  { name: "an exponent", item: { n: { N: "1.2E+3" } }, bytes: 1 + 2 },
  { name: "one byte for zero", item: { n: { N: "0.00" } }, bytes: 1 + 1 },
  { name: "the decoded bytes of a binary", item: { b: { B: "AAECAw==" } }, bytes: 1 + 4 },
  { name: "one byte for a Boolean", item: { b: { BOOL: false } }, bytes: 1 + 1 },
  { name: "one byte for null", item: { b: { NULL: true } }, bytes: 1 + 1 },
  { name: "the elements of a set", item: { s: { SS: ["ab", "c"] } }, bytes: 1 + 3 },
  { name: "three bytes for an empty map", item: { m: { M: {} } }, bytes: 1 + 3 },
  {
    name: "one byte more for each element of a list",
    item: { l: { L: [{ S: "ab" }, { S: "c" }] } },
    bytes: 1 + 3 + (1 + 2) + (1 + 1),
  },
  {
    name: "one byte more for each member of a map",
    item: { m: { M: { ab: { S: "c" } } } },
    bytes: 1 + 3 + (1 + 2 + 1),
  },
])("The size of an item counts $name", ({ item, bytes }) => {
  expect(itemSize(item)).toBe(bytes);
});

const keys = (...names: string[]) => names.map((AttributeName) => ({ AttributeName }));
const schema: TableSchema = {
  KeySchema: keys("id"),
  GlobalSecondaryIndexes: [
    { IndexName: "lean", KeySchema: keys("leanAs"), Projection: { ProjectionType: "KEYS_ONLY" } },
    {
      IndexName: "some",
      KeySchema: keys("someAs", "at"),
      Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["status"] },
    },
    { IndexName: "full", KeySchema: keys("fullAs"), Projection: { ProjectionType: "ALL" } },
  ],
};
const id = { id: { S: "1" } };
const lean = { ...id, leanAs: { S: "a" } };
const some = { ...id, someAs: { S: "a" }, at: { N: "1" } };

// The examples of the Developer Guide: CapacityUnitCalculations and GSI.
test.each<{
  name: string;
  before?: Item;
  after?: Item;
  table: number;
  indexes?: Record<string, number>;
}>([
  { name: "a put of less than 1 KB", after: id, table: 1 },
  { name: "a put of 1.6 KB", after: { ...id, t: text(1_600) }, table: 2 },
  { name: "a put of exactly 1 KB", after: { ...id, t: text(1_024 - 4) }, table: 1 },
  { name: "a put of 1 byte more", after: { ...id, t: text(1_024 - 3) }, table: 2 },
  { name: "the larger item before", before: { ...id, t: text(3_000) }, after: id, table: 3 },
  { name: "the larger item after", before: id, after: { ...id, t: text(3_000) }, table: 3 },
  { name: "a deletion", before: { ...id, t: text(1_600) }, table: 2 },
  { name: "a deletion of nothing", table: 1 },
  { name: "a new entry", after: lean, table: 1, indexes: { lean: 1 } },
  { name: "an entry that appears", before: id, after: lean, table: 1, indexes: { lean: 1 } },
  { name: "an entry that is taken out", before: lean, after: id, table: 1, indexes: { lean: 1 } },
  { name: "an entry of a deleted item", before: lean, table: 1, indexes: { lean: 1 } },
  {
    name: "an entry whose key changes",
    before: lean,
    after: { ...lean, leanAs: { S: "b" } },
    table: 1,
    indexes: { lean: 2 },
  },
  {
    name: "an entry without the changed attribute",
    before: lean,
    after: { ...lean, t: text(1_600) },
    table: 2,
  },
  { name: "an item without all keys of an index", after: { ...id, someAs: { S: "a" } }, table: 1 },
  {
    name: "an entry whose projected attribute changes",
    before: { ...some, status: { S: "a" } },
    after: { ...some, status: { S: "b" } },
    table: 1,
    indexes: { some: 1 },
  },
  {
    name: "an entry whose projected attribute appears",
    before: some,
    after: { ...some, status: { S: "b" } },
    table: 1,
    indexes: { some: 1 },
  },
  {
    name: "a large item with a small and with a whole entry",
    after: { ...lean, fullAs: { S: "f" }, t: text(2_500) },
    table: 3,
    indexes: { lean: 1, full: 3 },
  },
  {
    name: "a whole entry of an item that shrinks",
    before: { ...id, fullAs: { S: "f" }, t: text(2_500) },
    after: { ...id, fullAs: { S: "f" } },
    table: 3,
    indexes: { full: 3 },
  },
  {
    name: "a key change of a large entry: its old and its new size",
    before: { ...id, fullAs: { S: "f" }, t: text(2_500) },
    after: { ...id, fullAs: { S: "g" } },
    table: 3,
    indexes: { full: 3 + 1 },
  },
])("A write is billed for $name", ({ before, after, table, indexes = {} }) => {
  expect(writeUnits(schema, { before, after })).toEqual({ table, indexes });
});

test("A write in a transaction is billed twice, in the table and in its indexes", () => {
  const units = writeUnits(schema, { after: { ...lean, t: text(1_600) }, isTransaction: true });
  expect(units).toEqual({ table: 4, indexes: { lean: 2 } });
});

test("A local index is billed like a global one", () => {
  const index = schema.GlobalSecondaryIndexes?.slice(0, 1) ?? [];
  const local: TableSchema = { KeySchema: schema.KeySchema, LocalSecondaryIndexes: index };
  expect(writeUnits(local, { after: lean })).toEqual({ table: 1, indexes: { lean: 1 } });
});

test("A failed condition is billed for the item that exists, and one unit if there is none", () => {
  expect(failedWriteUnits({ ...id, t: text(1_600) })).toBe(2);
  expect(failedWriteUnits(undefined)).toBe(1);
});

test("A read is billed by 4 KB, half if it is eventually consistent, also of a missing item", () => {
  const of = (bytes: number) => ({ t: text(bytes - 1) });
  const consistent = { isConsistent: true };
  expect(getUnits(of(3_500), consistent)).toBe(1);
  expect(getUnits(of(4_096), consistent)).toBe(1);
  expect(getUnits(of(4_097), consistent)).toBe(2);
  expect(getUnits(of(10_000), { isConsistent: false })).toBe(1.5);
  expect(getUnits(undefined, consistent)).toBe(1);
  expect(getUnits(undefined, { isConsistent: false })).toBe(0.5);
});

test("A query is billed for the sum of what it evaluated, and each fetched item by itself", () => {
  const entry = { t: text(199) };
  const whole = { t: text(299) };
  const four = <T>(value: T) => Array.from({ length: 4 }, () => value);
  // The example of LSI.ThroughputConsiderations.Reads.
  const read = { isConsistent: true, fetched: four(whole) };
  expect(queryUnits(four(entry), read)).toEqual({ queried: 1, fetched: 4 });
  const many = Array.from({ length: 1_500 }, () => ({ t: text(63) }));
  expect(queryUnits(many, { isConsistent: true }).queried).toBe(24);
  expect(queryUnits([], { isConsistent: false })).toEqual({ queried: 0.5, fetched: 0 });
});

const sqs = (operation: string, input: object, output?: object) => {
  const QueueUrl = "http://127.0.0.1:1/000000000000/work";
  return callUnits({ service: "sqs", operation, input: { QueueUrl, ...input }, output })[0];
};

test("SQS is billed by 64 KB of the whole request", () => {
  const body = (bytes: number) => ({ MessageBody: "x".repeat(bytes) });
  const one = { item: "sqs.request", resource: "work" };
  expect(sqs("SendMessage", body(65_536))).toEqual({ ...one, units: 1 });
  expect(sqs("SendMessage", body(65_537))).toEqual({ ...one, units: 2 });
  const attribute = { DataType: "String", StringValue: "x" };
  const attributed = { ...body(65_530), MessageAttributes: { a: attribute } };
  expect(sqs("SendMessage", attributed)).toEqual({ ...one, units: 2 });
  const batch = { Entries: [body(40_000), body(40_000), body(40_000)] };
  expect(sqs("SendMessageBatch", batch)).toEqual({ ...one, units: 2 });
  expect(sqs("DeleteMessageBatch", { Entries: [{}, {}] })).toEqual({ ...one, units: 1 });
  const received = { Messages: [{ Body: "x".repeat(70_000) }, { Body: "" }] };
  expect(sqs("ReceiveMessage", {}, received)).toEqual({ ...one, units: 2 });
  const empty = { item: "sqs.emptyReceive", resource: "work", units: 1 };
  expect(sqs("ReceiveMessage", {}, {})).toEqual(empty);
});

test("EventBridge is billed for each event by 64 KB, and other calls of it are free", () => {
  const entry = (bytes: number) => ({ EventBusName: "b", Detail: "x".repeat(bytes) });
  const events = (operation: string, input: object) =>
    callUnits({ service: "events", operation, input: { ...input } });
  const entries = { Entries: [entry(10), entry(65_536), entry(65_537)] };
  expect(events("PutEvents", entries)).toEqual([
    { item: "events.event", resource: "b", units: 1 + 1 + 2 },
    { item: "events.archivedByte", resource: "b", units: 10 + 65_536 + 65_537 },
  ]);
  expect(events("PutRule", {})).toEqual([]);
});

test("S3, Secrets Manager and the HTTP API are billed by request", () => {
  expect(s3Units("PUT")).toEqual({ item: "s3.put", units: 1 });
  expect(s3Units("GET")).toEqual({ item: "s3.get", units: 1 });
  expect(s3Units("DELETE")).toBeUndefined();
  const secret = callUnits({ service: "secretsmanager", operation: "GetSecretValue", input: {} });
  expect(secret).toEqual([{ item: "secrets.call", units: 1 }]);
  expect(httpUnits({ request: 0, response: 0 })).toBe(1);
  expect(httpUnits({ request: 524_289, response: 10 })).toBe(2);
});

test("Units are summed by caller, operation, item and resource", () => {
  const billed = makeBilledUnits();
  const unit = { caller: "a", operation: "o", item: "dynamodb.write", resource: "t" } as const;
  billed.add({ ...unit, units: 1 });
  billed.add({ ...unit, units: 2.5 });
  billed.add({ ...unit, resource: "t/i", units: 4 });
  expect(billed.list()).toEqual([
    { ...unit, units: 3.5 },
    { ...unit, resource: "t/i", units: 4 },
  ]);
});

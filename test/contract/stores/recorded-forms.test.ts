import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AttributeValue, PutItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { describe, expect, onTestFinished, test } from "vitest";
import { unpackRecord } from "../../../shared/adapters/dynamo/packed-record.ts";
import { deliveryMessage } from "../../../shared/contracts/messages/delivery.ts";
import { inboundMessage } from "../../../shared/contracts/messages/inbound.ts";
import { submitMessage } from "../../../shared/contracts/messages/submit.ts";
import { readSampleItems, writeSampleItems } from "../../support/forms/sample-items.ts";
import { sampleMessages } from "../../support/forms/sample-messages.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

/**
 * The recorded forms: what a version wrote into tables and queues, and what it read of it. Files
 * are never changed; one that is added (`RECORD_FORMS=<name>`) is that of a new form.
 */
const directory = new URL("../../support/forms/recorded/", import.meta.url);
const tableOutputs = [
  "RequestsTableName",
  "EventsTableName",
  "DeliveriesTableName",
  "ConfigTableName",
];

type Item = Record<string, AttributeValue>;
type Messages = Record<keyof typeof sampleMessages, unknown[]>;

interface Recording {
  messages: Messages;
  /** By the output that names the table, in DynamoDB's JSON; bytes are Base64. */
  items: Record<string, Item[]>;
  read: Record<string, unknown>;
}

const names = readdirSync(directory).sort();
const recordings = new Map(
  names.map((name) => [
    name,
    JSON.parse(readFileSync(new URL(name, directory), "utf8")) as Recording,
  ]),
);

async function emptyTables() {
  const tables = await openLocalTables();
  onTestFinished(() => tables.close());
  return tables;
}

/** What this version writes and reads. */
async function recordNow(): Promise<Recording> {
  const tables = await emptyTables();
  await writeSampleItems(tables);
  const items: Record<string, Item[]> = {};
  for (const output of tableOutputs) {
    const scan = new ScanCommand({ TableName: tables.outputs[output] });
    const { Items = [] } = await tables.client.send(scan);
    items[output] = Items.map(encoded).sort((one, other) =>
      JSON.stringify(one) < JSON.stringify(other) ? -1 : 1,
    );
  }
  return { messages: sampleMessages, items, read: await readSampleItems(tables) };
}

/** Bytes as Base64, as in DynamoDB's protocol. */
function encoded(item: Item): Item {
  return JSON.parse(
    JSON.stringify(item, (_, value: unknown) =>
      value !== null && typeof value === "object" && "type" in value && value.type === "Buffer"
        ? Buffer.from((value as unknown as { data: number[] }).data).toString("base64")
        : value instanceof Uint8Array
          ? Buffer.from(value).toString("base64")
          : value,
    ),
  ) as Item;
}

function decoded(item: Item): Item {
  return JSON.parse(JSON.stringify(item), (key, value: unknown) =>
    key === "B" && typeof value === "string" ? new Uint8Array(Buffer.from(value, "base64")) : value,
  ) as Item;
}

/** The names and types of everything in a value, so that two values of one form are equal. */
function formOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Set) return ["set", ...[...value].map(formOf).slice(0, 1)];
  if (Array.isArray(value))
    return [...new Set(value.map((one) => JSON.stringify(formOf(one))))].sort();
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, member]) => [name, formOf(member)]),
  );
}

/** The forms of the items, of what is packed in them too. */
function formsOf({ items, messages }: Recording): Record<string, unknown> {
  const tables = Object.entries(items).map(([output, of]) => [
    output,
    of.map((item) => {
      const plain = unmarshall(decoded(item));
      const { id, accountId, packed } = plain;
      return packed instanceof Uint8Array
        ? formOf({ ...plain, packed: unpackRecord({ id, accountId }, packed) })
        : formOf(plain);
    }),
  ]);
  return { ...Object.fromEntries(tables), messages: formOf(messages) };
}

test.runIf(process.env.RECORD_FORMS)("The forms of this version are recorded", async () => {
  const file = new URL(`${process.env.RECORD_FORMS}.json`, directory);
  expect(names).not.toContain(`${process.env.RECORD_FORMS}.json`);
  writeFileSync(file, `${JSON.stringify(await recordNow(), null, 1)}\n`, { flag: "wx" });
});

describe.each(names)("The forms %s", (name) => {
  const recording = recordings.get(name) as Recording;

  test("are read by this version as they were meant", async () => {
    const tables = await emptyTables();
    for (const [output, items] of Object.entries(recording.items)) {
      for (const item of items) {
        await tables.client.send(
          new PutItemCommand({ TableName: tables.outputs[output], Item: decoded(item) }),
        );
      }
    }
    expect(await readSampleItems(tables)).toEqual(recording.read);
  });

  test("of messages are read by this version, and no member is lost", () => {
    const contracts = { inbound: inboundMessage, submit: submitMessage, delivery: deliveryMessage };
    for (const [queue, messages] of Object.entries(recording.messages)) {
      const contract = contracts[queue as keyof typeof contracts];
      expect(messages.length).toBeGreaterThan(0);
      for (const message of messages) expect(contract.parse(message)).toEqual(message);
    }
  });
});

test("What this version writes has the last recorded form: another needs a recording of its own (RECORD_FORMS=<next number>)", async () => {
  const last = recordings.get(names.at(-1) ?? "");
  if (!last) throw new Error("nothing is recorded");
  const now = await recordNow();
  expect(formsOf(now)).toEqual(formsOf(last));
  expect(now.read).toEqual(last.read);
});

/** The first part of an item's key, or `lane` for a lane. */
function kindOf(item: Item): string | undefined {
  const { lane = "", id = "", pk = "" } = unmarshall(decoded(item)) as Record<string, string>;
  if (id === "#lane") return "lane";
  const [kind] = (pk || (lane.includes("#") ? lane : id)).split(/[#_.]/);
  return kind === "correlation" ? `correlation ${id.split("#")[0]}` : kind;
}

test("Every kind of item is recorded, but for the counters of a second", () => {
  const last = recordings.get(names.at(-1) ?? "");
  const kinds = Object.values(last?.items ?? {})
    .flat()
    .map(kindOf);
  expect([...new Set(kinds)].sort()).toEqual([
    ...["account", "connection", "correlation event", "correlation watch", "dl", "forbidden"],
    ...["health", "idempotency", "job", "key", "lane", "recurring", "ref", "rq", "submitting"],
    ...["webhook", "workflow"],
  ]);
});

import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import type { FaultKind, Faults } from "../engine/faults.ts";
import type { Loop } from "../engine/loop.ts";
import type { Random } from "../engine/random.ts";
import { assertPlaceholders } from "./assert-placeholders.ts";
import { holds, type Item, update } from "./expressions.ts";
import {
  copy,
  type Input,
  type KeysOfTable,
  placeholders,
  projected,
  query,
  type Slot,
  showInIndexes,
  type Table,
  type TableDefinition,
} from "./table.ts";

/** An item as it was written, for the checks. */
export type OnWritten = (table: string, after: Item | undefined, before: Item | undefined) => void;

/** Milliseconds by which a global index is behind: usually, and with the fault `index-lag`. */
const LAG_MS = { usual: [5, 60], long: [1_000, 90_000] } as const;

/** For how long an eventually consistent read may return the version before. */
const STALE_MS = 1_000;

/** In the order in which a refusal of a query names them. */
const QUERY_EXPRESSIONS = [
  "ProjectionExpression",
  "FilterExpression",
  "KeyConditionExpression",
] as const;

/** DynamoDB with the operations of the document client, on plain values. */
export function makeDynamoDb(of: {
  loop: Loop;
  faults: Faults;
  random: Random;
  tables: Readonly<Record<string, TableDefinition>>;
  onWritten: OnWritten;
}) {
  const { loop, faults, random, onWritten } = of;
  const tables = new Map<string, Table>(
    Object.entries(of.tables).map(([name, definition]) => [
      name,
      { definition, partitions: new Map(), entries: new Map(), indexed: new Map() },
    ]),
  );

  function tableOf(name: string): Table {
    const table = tables.get(name);
    if (!table) throw new Error(`there is no table ${name}`);
    return table;
  }

  function find(table: Table, key: Item): Slot | undefined {
    const { partitionKey, sortKey } = table.definition;
    return table.partitions
      .get(String(key[partitionKey]))
      ?.get(sortKey === undefined ? "" : String(key[sortKey]));
  }

  /** @param after absent: the item is deleted */
  function write(name: string, key: Item, after: Item | undefined): void {
    const table = tableOf(name);
    const { partitionKey, sortKey } = table.definition;
    const partition = String(key[partitionKey]);
    const place = sortKey === undefined ? "" : String(key[sortKey]);
    const before = find(table, key)?.item;
    let slots = table.partitions.get(partition);
    if (!slots) {
      slots = new Map();
      table.partitions.set(partition, slots);
    }
    if (after === undefined) slots.delete(place);
    else slots.set(place, { item: after, before, changedMs: loop.nowMs() });
    if (slots.size === 0) table.partitions.delete(partition);
    onWritten(name, after, before);
    project(name, table, `${partition}\n${place}`);
  }

  /** Shows the item, as it is then, in the global indexes; two items may do so in either order. */
  function project(name: string, table: Table, key: string): void {
    const isLong = faults.draw(`${name}.index`, { "index-lag": 1 }) === "index-lag";
    const [least, most] = isLong ? LAG_MS.long : LAG_MS.usual;
    loop.after(random.int(least, most), () => {
      const [partition = "", place = ""] = key.split("\n");
      const item = table.partitions.get(partition)?.get(place)?.item;
      showInIndexes(table, key, item);
    });
  }

  /** @throws ConditionalCheckFailedException */
  function assertCondition(input: Input, item: Item | undefined): void {
    const { ConditionExpression: condition } = input;
    if (condition === undefined || holds(condition, item, placeholders(input))) return;
    const wantsItem = input.ReturnValuesOnConditionCheckFailure === "ALL_OLD";
    throw Object.assign(
      new ConditionalCheckFailedException({
        message: "The conditional request failed",
        $metadata: { httpStatusCode: 400 },
      }),
      wantsItem && item ? { Item: marshall(item) } : {},
    );
  }

  function read(name: string, key: Item, isConsistent: boolean): Item | undefined {
    const slot = find(tableOf(name), key);
    const isYoung = slot !== undefined && slot.changedMs + STALE_MS > loop.nowMs();
    if (isYoung && !isConsistent && faults.draw(`${name}.read`, { "stale-read": 50 })) {
      return slot.before && copy(slot.before);
    }
    return slot && copy(slot.item);
  }

  function put(name: string, given: Item): void {
    const item = copy(given);
    write(name, item, item);
  }

  /** What the operations that take many items did not do. */
  const unprocessed = <T>(point: string, all: readonly T[]): T[] =>
    faults.draw(point, { partial: 5 } satisfies Partial<Record<FaultKind, number>>) &&
    all.length > 1
      ? all.slice(-1)
      : [];

  const operations = {
    GetCommand(input: Input) {
      const { TableName, Key = {}, ConsistentRead = false } = input;
      assertPlaceholders(input, ["ProjectionExpression"]);
      return { Item: read(TableName, Key, ConsistentRead) };
    },

    PutCommand(input: Input) {
      const { TableName, Item: item = {} } = input;
      assertPlaceholders(input, ["ConditionExpression"]);
      const before = find(tableOf(TableName), item)?.item;
      assertCondition(input, before);
      put(TableName, item);
      return {};
    },

    UpdateCommand(input: Input) {
      const { TableName, Key = {}, UpdateExpression = "", ReturnValues } = input;
      assertPlaceholders(input, ["UpdateExpression", "ConditionExpression"]);
      const before = find(tableOf(TableName), Key)?.item;
      assertCondition(input, before);
      const item = copy(before ?? Key);
      update(UpdateExpression, item, placeholders(input));
      put(TableName, item);
      if (ReturnValues === "ALL_NEW") return { Attributes: copy(item) };
      if (ReturnValues === "ALL_OLD" && before) return { Attributes: copy(before) };
      return {};
    },

    DeleteCommand(input: Input) {
      const { TableName, Key = {} } = input;
      assertPlaceholders(input, ["ConditionExpression"]);
      assertCondition(input, find(tableOf(TableName), Key)?.item);
      write(TableName, Key, undefined);
      return {};
    },

    BatchGetCommand({ RequestItems }: { RequestItems: Record<string, KeysOfTable> }) {
      const Responses: Record<string, Item[]> = {};
      const UnprocessedKeys: typeof RequestItems = {};
      for (const [name, request] of Object.entries(RequestItems)) {
        assertPlaceholders(request, ["ProjectionExpression"]);
        const left = unprocessed("BatchGet.partial", request.Keys);
        const keys = request.Keys.slice(0, request.Keys.length - left.length);
        const found = keys
          .map((key) => read(name, key, request.ConsistentRead ?? false))
          .filter((item) => item !== undefined)
          .map((item) => projected(item, request));
        Responses[name] = found;
        if (left.length > 0) UnprocessedKeys[name] = { ...request, Keys: left };
      }
      return { Responses, UnprocessedKeys };
    },

    BatchWriteCommand({
      RequestItems,
    }: {
      RequestItems: Record<string, { PutRequest: { Item: Item } }[]>;
    }) {
      const UnprocessedItems: typeof RequestItems = {};
      for (const [name, puts] of Object.entries(RequestItems)) {
        const left = unprocessed("BatchWrite.partial", puts);
        for (const { PutRequest } of puts.slice(0, puts.length - left.length)) {
          put(name, PutRequest.Item);
        }
        if (left.length > 0) UnprocessedItems[name] = left;
      }
      return { UnprocessedItems };
    },

    QueryCommand(input: Input) {
      assertPlaceholders(input, QUERY_EXPRESSIONS);
      return query(tableOf(input.TableName), input);
    },
  };

  return {
    operations,
    /** Deletes items whose time to live is over, late: each with this probability. */
    expire(probability: number): void {
      for (const [name, table] of tables) {
        const { timeToLive } = table.definition;
        if (timeToLive === undefined) continue;
        for (const slot of allOf(table)) {
          const isOver = Number(slot.item[timeToLive] ?? Infinity) * 1_000 <= loop.nowMs();
          if (isOver && random.chance(probability)) write(name, slot.item, undefined);
        }
      }
    },
    /** Every item of a table, for the checks. */
    all: (name: string): Item[] => [...allOf(tableOf(name))].map(({ item }) => item),
  };
}

function* allOf(table: Table): Generator<Slot> {
  for (const slots of [...table.partitions.values()]) yield* [...slots.values()];
}

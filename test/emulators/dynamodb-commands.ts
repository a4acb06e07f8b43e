import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { attributes, condition, type Expression, invalid, update } from "./dynamodb-expressions.ts";

export const TABLE = "differential";

export interface Command {
  name:
    | "BatchGetItem"
    | "BatchWriteItem"
    | "DeleteItem"
    | "GetItem"
    | "PutItem"
    | "Query"
    | "Scan"
    | "UpdateItem";
  input: Record<string, unknown>;
  /** The attribute by which the items of the answer are sorted. */
  by?: string | undefined;
}

/** In the keys of a command: stands for the run, so that each begins with none of the items before. */
const RUN = "§";

/** Returns the command with the name of the run in its keys. */
export function ofRun(command: Command, run: string): Command {
  const placed = (value: unknown): unknown => {
    if (typeof value === "string") return value.replace(RUN, run);
    if (Array.isArray(value)) return value.map(placed);
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, placed(one)]));
  };
  return placed(command) as Command;
}

const partition = fc.constantFrom(`${RUN}a`, `${RUN}b`);
const sortKey = fc.constantFrom("1", "2", "2x", "ü", "\u{1f600}");
const owner = fc.constantFrom(`${RUN}x`, `${RUN}y`);
const withCondition = ({ expression, names, values }: Expression) => ({
  ConditionExpression: expression,
  ...(names && { ExpressionAttributeNames: names }),
  ...(values && { ExpressionAttributeValues: values }),
});

const onFailure = fc.constantFrom({}, { ReturnValuesOnConditionCheckFailure: "ALL_OLD" });

/** An item's index keys belong to the run too. */
const item = fc
  .tuple(partition, sortKey, attributes, fc.option(owner))
  .map(([pk, sk, more, of]) => ({
    pk: { S: pk },
    sk: { S: sk },
    ...more,
    ...(of !== null && { owner: { S: of } }),
  }));
const key = fc.tuple(partition, sortKey).map(([pk, sk]) => ({
  pk: { S: pk },
  sk: { S: sk },
}));
const projection = fc.constantFrom(
  {},
  {
    ProjectionExpression: "sk, tags, nested.#in, entries[1]",
    ExpressionAttributeNames: { "#in": "in" },
  },
);

const put: fc.Arbitrary<Command> = fc
  .tuple(
    item,
    fc.option(condition),
    onFailure,
    fc.constantFrom({}, { ReturnValues: "ALL_OLD" }, { ReturnValues: "ALL_NEW" }),
  )
  .map(([of, given, failure, returns]) => ({
    name: "PutItem",
    input: {
      ...{ TableName: TABLE, Item: of, ...failure, ...returns },
      ...(given && withCondition(given)),
    },
  }));

const remove: fc.Arbitrary<Command> = fc
  .tuple(key, fc.option(condition), onFailure, fc.constantFrom({}, { ReturnValues: "ALL_OLD" }))
  .map(([of, given, failure, returns]) => ({
    name: "DeleteItem",
    input: {
      ...{ TableName: TABLE, Key: of, ...failure, ...returns },
      ...(given && withCondition(given)),
    },
  }));

const change: fc.Arbitrary<Command> = fc
  .tuple(
    ...([key, update, fc.option(condition), onFailure] as const),
    fc.constantFrom("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"),
  )
  .map(([of, { expression, names, values }, given, failure, ReturnValues]) => {
    // The names of a condition's values must not be those of the update.
    const renamed = (text: string) => text.replaceAll(/:(\w)/g, ":c$1");
    const merged = {
      names: { ...names, ...given?.names },
      values: {
        ...values,
        ...Object.fromEntries(Object.entries(given?.values ?? {}).map(([n, v]) => [renamed(n), v])),
      },
    };
    return {
      name: "UpdateItem",
      input: {
        ...{ TableName: TABLE, Key: of, UpdateExpression: expression, ReturnValues },
        ...failure,
        ...(given && { ConditionExpression: renamed(given.expression) }),
        ...(Object.keys(merged.names).length > 0 && { ExpressionAttributeNames: merged.names }),
        ...(Object.keys(merged.values).length > 0 && { ExpressionAttributeValues: merged.values }),
      },
    };
  });

const refused: fc.Arbitrary<Command> = fc.tuple(key, invalid).map(([of, input]) => ({
  name: "UpdateItem",
  input: { TableName: TABLE, Key: of, ...input },
}));

const get: fc.Arbitrary<Command> = fc
  .tuple(key, projection, fc.constantFrom({}, { ConsistentRead: true }))
  .map(([of, projected, consistency]) => ({
    name: "GetItem",
    input: { TableName: TABLE, Key: of, ...projected, ...consistency },
  }));

const batchGet: fc.Arbitrary<Command> = fc
  .tuple(fc.array(key, { minLength: 0, maxLength: 4 }), projection)
  .map(([keys, projected]) => ({
    name: "BatchGetItem",
    input: { RequestItems: { [TABLE]: { Keys: keys.map((of) => of), ...projected } } },
  }));

const batchWrite: fc.Arbitrary<Command> = fc
  .array(
    fc.oneof(
      item.map((of) => ({ PutRequest: { Item: of } })),
      key.map((of) => ({ DeleteRequest: { Key: of } })),
    ),
    { minLength: 0, maxLength: 4 },
  )
  .map((writes) => ({
    name: "BatchWriteItem",
    input: { RequestItems: { [TABLE]: writes.map((of) => of) } },
  }));

interface Range {
  index?: string;
  expression: string;
  by: string;
  values: Record<string, AttributeValue>;
}
const ranges = fc.constantFrom<Range[]>(
  { expression: "pk = :p", by: "sk", values: {} },
  {
    expression: "pk = :p AND sk BETWEEN :v AND :w",
    by: "sk",
    values: { ":v": { S: "1" }, ":w": { S: "2x" } },
  },
  { expression: "pk = :p AND begins_with(sk, :v)", by: "sk", values: { ":v": { S: "2" } } },
  { expression: "pk = :p AND sk > :v", by: "sk", values: { ":v": { S: "2x" } } },
  { index: "byKind", expression: "pk = :p", by: "kind", values: {} },
  {
    index: "byKind",
    expression: "pk = :p AND begins_with(kind, :v)",
    by: "kind",
    values: { ":v": { S: "k" } },
  },
  { index: "byOwner", expression: "#o = :p", by: "dueAt", values: {} },
  {
    index: "byOwner",
    expression: "#o = :p AND dueAt <= :v",
    by: "dueAt",
    values: { ":v": { N: "2" } },
  },
  {
    index: "byOwner",
    expression: "#o = :p AND dueAt BETWEEN :v AND :w",
    by: "dueAt",
    values: { ":v": { N: "0" }, ":w": { N: "10" } },
  },
);
const filter = fc.constantFrom<Expression[]>(
  { expression: "attribute_exists(#s)", names: { "#s": "status" } },
  {
    expression: "#s IN (:f, :g)",
    names: { "#s": "status" },
    values: { ":f": { S: "s" }, ":g": { S: "" } },
  },
);

const query: fc.Arbitrary<Command> = fc
  .tuple(
    ...([ranges, partition, owner, fc.option(filter)] as const),
    fc.record(
      { ScanIndexForward: fc.boolean(), ConsistentRead: fc.boolean() },
      { requiredKeys: [] },
    ),
    fc.constantFrom(
      {},
      { Select: "COUNT" },
      { Select: "ALL_ATTRIBUTES" },
      { Select: "ALL_PROJECTED_ATTRIBUTES" },
    ),
    fc.constantFrom({}, { Limit: 1 }, { Limit: 2 }),
  )
  .map(([range, pk, of, given, flags, select, limit]) => {
    const isGlobal = range.index === "byOwner";
    const names = { ...(isGlobal && { "#o": "owner" }), ...given?.names };
    return {
      name: "Query",
      by: range.by,
      input: {
        TableName: TABLE,
        ...(range.index !== undefined && { IndexName: range.index }),
        KeyConditionExpression: range.expression,
        ...(given && { FilterExpression: given.expression }),
        ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
        ExpressionAttributeValues: {
          ":p": { S: isGlobal ? of : pk },
          ...range.values,
          ...given?.values,
        },
        ...flags,
        ...select,
        // Which of several entries with one sort key a page of an index ends with is not defined.
        ...(range.index === undefined && limit),
      },
    };
  });

const scan: fc.Arbitrary<Command> = fc
  .constantFrom({}, { IndexName: "byOwner" }, { IndexName: "byKind" })
  .map((index) => ({
    name: "Scan",
    input: {
      ...{ TableName: TABLE, ...index, FilterExpression: "begins_with(pk, :p)" },
      ExpressionAttributeValues: { ":p": { S: RUN } },
    },
  }));

/** Writes are more frequent, so that the others find something. */
export const commands: fc.Arbitrary<Command> = fc.oneof(
  { arbitrary: put, weight: 6 },
  { arbitrary: change, weight: 6 },
  { arbitrary: remove, weight: 1 },
  { arbitrary: batchWrite, weight: 2 },
  { arbitrary: refused, weight: 1 },
  { arbitrary: get, weight: 2 },
  { arbitrary: batchGet, weight: 1 },
  { arbitrary: query, weight: 6 },
  { arbitrary: scan, weight: 1 },
);

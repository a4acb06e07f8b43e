import { compare, holds, type Item, type Placeholders } from "./expressions.ts";

/** A table of `shared/contracts/tables.ts`, and what its global indexes hold besides keys. */
export interface TableDefinition {
  partitionKey: string;
  sortKey?: string;
  timeToLive?: string;
  localIndexes?: Readonly<Record<string, { name: string; sortKey: string }>>;
  indexes: Readonly<Record<string, { name: string; partitionKey: string; sortKey: string }>>;
  /** What a global index holds besides keys; `undefined`: nothing. A local index holds keys only. */
  projections: Readonly<Record<string, readonly string[] | "ALL" | undefined>>;
}

export interface Input extends Record<string, unknown> {
  TableName: string;
  IndexName?: string;
  Key?: Item;
  Item?: Item;
  ConditionExpression?: string;
  UpdateExpression?: string;
  KeyConditionExpression?: string;
  FilterExpression?: string;
  ProjectionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
  ReturnValues?: string;
  ReturnValuesOnConditionCheckFailure?: string;
  ConsistentRead?: boolean;
  ScanIndexForward?: boolean;
  Select?: string;
  Limit?: number;
  ExclusiveStartKey?: Item;
}

/** What BatchGetItem reads of one table. */
export interface KeysOfTable {
  Keys: Item[];
  ConsistentRead?: boolean;
  ProjectionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
}

export interface Slot {
  item: Item;
  /** What it was before its last write, for reads that are not consistent. */
  before: Item | undefined;
  changedMs: number;
}

export interface Table {
  definition: TableDefinition;
  /** By partition, then by sort key. */
  partitions: Map<string, Map<string, Slot>>;
  /** Items as the global indexes show them, which are behind, by the item's key. */
  entries: Map<string, Item>;
  /** The same by index and partition, such as `due/3`. */
  indexed: Map<string, Map<string, Item>>;
}

/** Shows an item in the global indexes of its table; `undefined`: shows it no more. */
export function showInIndexes(table: Table, key: string, item: Item | undefined): void {
  const before = table.entries.get(key);
  if (item) table.entries.set(key, item);
  else table.entries.delete(key);
  for (const { name, partitionKey, sortKey } of Object.values(table.definition.indexes)) {
    const [was, is] = [before, item].map((one) => {
      const isShown = one?.[partitionKey] !== undefined && one[sortKey] !== undefined;
      return isShown ? `${name}/${String(one[partitionKey])}` : undefined;
    });
    if (was !== undefined && was !== is) table.indexed.get(was)?.delete(key);
    if (is === undefined || !item) continue;
    const items = table.indexed.get(is);
    if (items) items.set(key, item);
    else table.indexed.set(is, new Map([[key, item]]));
  }
}

export function query(table: Table, input: Input) {
  const { Limit = Infinity, ScanIndexForward = true, Select, ExclusiveStartKey } = input;
  const { definition } = table;
  const { partitionKey, sortKey = partitionKey } = definition;
  const { items, shown } = rangeOf(table, input);
  if (items.length === 0) return { Count: 0, ...(Select === "COUNT" ? {} : { Items: [] }) };
  const key = sortKeyOf(definition, input.IndexName);
  const of = placeholders(input);
  const isIn = (item: Item) => holds(input.KeyConditionExpression ?? "", item, of);
  const order = (a: Item, b: Item) => {
    // Which of several entries of an index with one sort key comes first is not defined.
    const by =
      compare(a[key], b[key]) ||
      compare(a[sortKey], b[sortKey]) ||
      compare(a[partitionKey], b[partitionKey]);
    return ScanIndexForward ? by : -by;
  };
  const inRange = items.filter(isIn).sort(order);
  const rest = ExclusiveStartKey
    ? inRange.filter((item) => order(item, ExclusiveStartKey) > 0)
    : inRange;
  const page = rest.slice(0, Limit);
  const filter = input.FilterExpression;
  const found = filter === undefined ? page : page.filter((item) => holds(filter, item, of));
  const last = page.at(-1);
  const global = globalIndexOf(definition, input.IndexName);
  const keys = [key, partitionKey, sortKey, global?.partitionKey ?? partitionKey];
  return {
    Count: found.length,
    ...(Select === "COUNT" ? {} : { Items: found.map(shown) }),
    // DynamoDB also returns a key when a page ends exactly at the end of the range.
    ...(page.length === Limit && last ? { LastEvaluatedKey: only(last, keys) } : {}),
  };
}

const globalIndexOf = ({ indexes }: TableDefinition, indexName: string | undefined) =>
  Object.values(indexes).find(({ name }) => name === indexName);

const localIndexOf = ({ localIndexes = {} }: TableDefinition, indexName: string | undefined) =>
  Object.values(localIndexes).find(({ name }) => name === indexName);

/** The attribute by which a table, or one of its indexes, is sorted. */
export function sortKeyOf(definition: TableDefinition, indexName: string | undefined): string {
  const index = globalIndexOf(definition, indexName) ?? localIndexOf(definition, indexName);
  return index?.sortKey ?? definition.sortKey ?? definition.partitionKey;
}

/** The items that a query looks at, and what it shows of each. */
function rangeOf(table: Table, input: Input) {
  const { definition } = table;
  const { partitionKey, sortKey, projections } = definition;
  const keys = [partitionKey, ...(sortKey === undefined ? [] : [sortKey])];
  const global = globalIndexOf(definition, input.IndexName);
  if (global) {
    if (input.ConsistentRead) {
      throw invalid("Consistent reads are not supported on global secondary indexes");
    }
    const held = projections[global.name];
    const names = [
      ...keys,
      global.partitionKey,
      global.sortKey,
      ...(held === "ALL" ? [] : (held ?? [])),
    ];
    const shown = held === "ALL" ? copy<Item> : (item: Item) => only(item, names);
    const items = table.indexed.get(`${global.name}/${partitionOf(input)}`);
    return { items: items ? [...items.values()] : [], shown };
  }
  const local = localIndexOf(definition, input.IndexName);
  if (input.IndexName && !local) {
    throw invalid(`The table does not have the specified index: ${input.IndexName}`);
  }
  const isWhole = !local || input.Select === "ALL_ATTRIBUTES";
  const names = [...keys, local?.sortKey ?? partitionKey];
  const slots = table.partitions.get(partitionOf(input));
  return {
    items: slots ? [...slots.values()].map(({ item }) => item) : [],
    shown: isWhole ? copy<Item> : (item: Item) => only(item, names),
  };
}

/** The partition of a query, whose key condition begins with it. */
function partitionOf(input: Input): string {
  const placeholder = /^\S+ = (:\w+)/.exec(input.KeyConditionExpression ?? "")?.[1];
  if (placeholder === undefined) throw invalid(`no partition in ${input.KeyConditionExpression}`);
  return String(input.ExpressionAttributeValues?.[placeholder]);
}

/** An item with these attributes only. */
function only(item: Item, names: readonly string[]): Item {
  const found = names.filter((name) => item[name] !== undefined);
  return Object.fromEntries(found.map((name) => [name, copy(item[name])]));
}

export function projected(
  item: Item,
  { ProjectionExpression, ExpressionAttributeNames = {} }: KeysOfTable,
): Item {
  if (ProjectionExpression === undefined) return item;
  const names = ProjectionExpression.split(/,\s*/);
  return only(
    item,
    names.map((name) => ExpressionAttributeNames[name] ?? name),
  );
}

export const placeholders = (input: Input): Placeholders => ({
  names: input.ExpressionAttributeNames ?? {},
  values: input.ExpressionAttributeValues ?? {},
});

export const invalid = (message: string) =>
  Object.assign(new Error(message), {
    name: "ValidationException",
    $metadata: { httpStatusCode: 400 },
  });

/** A deep copy, as writing and reading makes one. @throws Error for `undefined`, as the document client does */
export function copy<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array || value instanceof Set) return value;
  if (Array.isArray(value)) return value.map(stored) as T;
  const copied: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) copied[name] = stored(member);
  return copied as T;
}

function stored(value: unknown): unknown {
  if (value === undefined) throw new Error("Pass options.removeUndefinedValues=true");
  return copy(value);
}

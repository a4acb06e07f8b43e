import { type Item, itemSize } from "./item-size.ts";

interface IndexSchema {
  IndexName: string;
  KeySchema: readonly { AttributeName: string }[];
  Projection: { ProjectionType?: string; NonKeyAttributes?: readonly string[] };
}

/** The part of a table's description that determines what a write costs. */
export interface TableSchema {
  KeySchema: readonly { AttributeName: string }[];
  GlobalSecondaryIndexes?: readonly IndexSchema[];
  LocalSecondaryIndexes?: readonly IndexSchema[];
}

/** Units of the table itself, and of each index that the operation touches. */
export interface Units {
  table: number;
  indexes: Record<string, number>;
}

const WRITE_UNIT_BYTES = 1_024;
const READ_UNIT_BYTES = 4_096;
const EVENTUALLY_CONSISTENT = 0.5;

/**
 * Returns the write units of one item's write, from the item before and after it.
 *
 * The table costs the larger of both items. An index costs one write to put or delete its entry,
 * two if the entry's key changes, one if only projected attributes change, and nothing if the
 * entry stays as it is. In a transaction everything costs twice as much.
 *
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
 */
export function writeUnits(
  schema: TableSchema,
  write: { before?: Item | undefined; after?: Item | undefined; isTransaction?: boolean },
): Units {
  const { before, after, isTransaction = false } = write;
  const times = isTransaction ? 2 : 1;
  const indexes: Record<string, number> = {};
  const all = [...(schema.GlobalSecondaryIndexes ?? []), ...(schema.LocalSecondaryIndexes ?? [])];
  for (const index of all) {
    const units = indexWriteUnits(
      index,
      before && entryOf(schema, index, before),
      after && entryOf(schema, index, after),
    );
    if (units > 0) indexes[index.IndexName] = units * times;
  }
  return { table: Math.max(sizeUnits(before), sizeUnits(after)) * times, indexes };
}

/**
 * Returns the write units of a write whose condition failed: those of the item on which it was
 * evaluated, and one if there was none.
 */
export function failedWriteUnits(existing: Item | undefined): number {
  return sizeUnits(existing);
}

/** Returns the read units of one item that a key names. Absent items cost the least. */
export function getUnits(item: Item | undefined, read: { isConsistent: boolean }): number {
  return readUnits(item ? itemSize(item) : 0, read);
}

/**
 * Returns the read units of a query or a scan: those of the sum of the items that were
 * evaluated, before any filter and projection.
 *
 * @param fetched whole items that a query of a local index read from the table, each of which is
 *   rounded up by itself. Absent: everything came from where the query ran.
 */
export function queryUnits(
  evaluated: readonly Item[],
  read: { isConsistent: boolean; fetched?: readonly Item[] },
): { queried: number; fetched: number } {
  const bytes = evaluated.reduce((sum, item) => sum + itemSize(item), 0);
  const fetched = (read.fetched ?? []).reduce((sum, item) => sum + getUnits(item, read), 0);
  return { queried: readUnits(bytes, read), fetched };
}

/** The entry of an item in an index. Absent: the item does not have all keys of the index. */
function entryOf(schema: TableSchema, index: IndexSchema, item: Item): Item | undefined {
  const keys = index.KeySchema.map(({ AttributeName }) => AttributeName);
  if (keys.some((name) => item[name] === undefined)) return undefined;
  const { ProjectionType, NonKeyAttributes = [] } = index.Projection;
  if (ProjectionType === "ALL") return item;
  const tableKeys = schema.KeySchema.map(({ AttributeName }) => AttributeName);
  const names = new Set([...keys, ...tableKeys, ...NonKeyAttributes]);
  return Object.fromEntries([...names].map((name) => [name, item[name]]));
}

function indexWriteUnits(
  index: IndexSchema,
  before: Item | undefined,
  after: Item | undefined,
): number {
  if (!before && !after) return 0;
  if (!before || !after) return sizeUnits(before ?? after);
  const isSameKey = index.KeySchema.every(({ AttributeName: name }) =>
    isSame(before[name], after[name]),
  );
  if (!isSameKey) return sizeUnits(before) + sizeUnits(after);
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const isChanged = [...names].some((name) => !isSame(before[name], after[name]));
  return isChanged ? Math.max(sizeUnits(before), sizeUnits(after)) : 0;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function sizeUnits(item: Item | undefined): number {
  return item ? Math.max(1, Math.ceil(itemSize(item) / WRITE_UNIT_BYTES)) : 1;
}

function readUnits(bytes: number, { isConsistent }: { isConsistent: boolean }): number {
  const units = Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES));
  return isConsistent ? units : units * EVENTUALLY_CONSISTENT;
}

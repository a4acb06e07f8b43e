import type { TimeToLiveSpecification } from "@aws-sdk/client-dynamodb";
import type { Collection, DurableStore } from "../../durable-store.ts";
import { physicalName } from "../../physical-name.ts";
import type { Resource } from "../../template/resource.ts";
import type { CallUnits } from "../billing/billed-units.ts";
import type { TableSchema } from "../billing/dynamodb-units.ts";
import { AwsError, type Operation, type Operations } from "../protocol.ts";
import {
  callDynalite,
  type DynaliteError,
  type DynaliteStore,
  openDynalite,
  operationNames,
  readView,
  type Write,
  type Written,
  writeView,
} from "./dynalite.ts";
import { type ItemBill, makeItemBill } from "./item-bill.ts";

const CONDITION_FAILED = "ConditionalCheckFailedException";
const writeOperations = new Set(["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"]);

export interface DynamoDb {
  operations: Operations;
  createTable(resource: Resource): Promise<void>;
  /** Whether a table of the template has a local index of this name. */
  isLocalIndex(tableName: string, indexName: string): boolean;
  close(): Promise<void>;
}

/**
 * DynamoDB on dynalite, plus what dynalite lacks: atomic index writes, `ALL_OLD`
 * on a failed condition, TTL.
 */
export function openDynamoDb(options: {
  path: string | undefined;
  store: DurableStore;
  /** Real milliseconds by which global indexes are behind their table. Absent: not at all. */
  indexLagMs?: number;
  /** Receives each item that was written, those of one item in their order. */
  onWritten?: ((written: Written) => void) | undefined;
}): DynamoDb {
  const tables = openDynalite(options.path);
  const lag = options.indexLagMs ? makeIndexLag(tables, options.indexLagMs) : undefined;
  const localIndexes = new Set<string>();
  const timeToLive = options.store.collection<TimeToLiveSpecification>("dynamodb.timeToLive");
  const items = makeItemBill((table) => describe(tables, table));
  const operations: Operations = Object.fromEntries(
    operationNames.map((name): [string, Operation] => [
      name,
      (input: Record<string, unknown>, _request, add) =>
        call(tables, name, input, {
          laterIndexWrites: lag?.hold,
          bill: { items, add },
          onWritten: options.onWritten,
        }),
    ]),
  );
  return {
    operations: { ...operations, ...timeToLiveOperations(tables, timeToLive) },
    createTable: async (resource) => {
      await createTable(tables, timeToLive, resource);
      const { type, logicalId, properties } = resource;
      for (const index of indexNames(properties.LocalSecondaryIndexes)) {
        localIndexes.add(`${physicalName(type, logicalId, properties)}/${index}`);
      }
    },
    isLocalIndex: (tableName, indexName) => localIndexes.has(`${tableName}/${indexName}`),
    close: async () => {
      await lag?.close();
      await new Promise<void>((resolve, reject) =>
        tables.db.close((error) => (error ? reject(error) : resolve())),
      );
    },
  };
}

/**
 * Applies the writes of global indexes later, in their order. A run that is killed
 * in between loses them, so that the index stays wrong; a run that is closed does not.
 */
function makeIndexLag(store: DynaliteStore, lagMs: number) {
  const pending = new Map<NodeJS.Timeout, Write[]>();
  const apply = (writes: Write[]) =>
    new Promise<void>((resolve, reject) =>
      store.db.batch(writes, (error) => (error ? reject(error) : resolve())),
    );
  return {
    hold(writes: Write[]): void {
      const timer = setTimeout(() => {
        pending.delete(timer);
        void apply(writes);
      }, lagMs);
      pending.set(timer, writes);
    },
    async close(): Promise<void> {
      for (const timer of pending.keys()) clearTimeout(timer);
      await apply([...pending.values()].flat());
    },
  };
}

async function call(
  store: DynaliteStore,
  name: string,
  input: Record<string, unknown>,
  options: {
    laterIndexWrites?: ((writes: Write[]) => void) | undefined;
    bill?: { items: ItemBill; add(units: CallUnits): void };
    onWritten?: ((written: Written) => void) | undefined;
  } = {},
): Promise<unknown> {
  const { laterIndexWrites, bill, onWritten } = options;
  if (name === "DeleteTable") bill?.items.forget(String(input.TableName));
  if (!writeOperations.has(name)) {
    assertSelect(input);
    const { view, read } = readView(store);
    const output = await callDynalite(view, name, input).catch((error) => fail(error, {}));
    bill?.items.reads(input, { read, output }, bill.add);
    return output;
  }
  const wantsItem = input.ReturnValuesOnConditionCheckFailure === "ALL_OLD";
  const { view, seen, written } = writeView(store, laterIndexWrites);
  const output = await callDynalite(view, name, input).catch((error) => {
    if (!isConditionFailure(error)) return fail(error, {});
    bill?.items.failedCondition(String(input.TableName), seen(), bill.add);
    return fail(error, wantsItem && seen() ? { Item: seen() } : {});
  });
  for (const one of written()) onWritten?.(one);
  await bill?.items.writes(written(), bill.add);
  return output;
}

/**
 * dynalite accepts this of a table, where DynamoDB does not:
 * <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html>
 */
function assertSelect({ Select, IndexName }: Record<string, unknown>): void {
  if (Select === "ALL_PROJECTED_ATTRIBUTES" && IndexName === undefined) {
    throw new AwsError(
      "com.amazon.coral.validate#ValidationException",
      "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
    );
  }
}

function isConditionFailure(error: DynaliteError): boolean {
  return String(error.body?.__type).endsWith(CONDITION_FAILED);
}

function fail(error: DynaliteError, members: Record<string, unknown>): never {
  if (!error.statusCode || !error.body) throw error;
  const { __type, message, Message, ...rest } = error.body;
  throw new AwsError(String(__type), String(message ?? Message ?? ""), {
    status: error.statusCode,
    members: { ...rest, ...members },
  });
}

function timeToLiveOperations(
  store: DynaliteStore,
  specifications: Collection<TimeToLiveSpecification>,
): Operations {
  const assertTable = (TableName: string) => call(store, "DescribeTable", { TableName });
  return {
    // Expired items are not deleted: AWS may take days to delete them, and readers must not rely on
    // it.
    UpdateTimeToLive: async (input: {
      TableName: string;
      TimeToLiveSpecification: TimeToLiveSpecification;
    }) => {
      await assertTable(input.TableName);
      specifications.put(input.TableName, input.TimeToLiveSpecification);
      return { TimeToLiveSpecification: input.TimeToLiveSpecification };
    },
    DescribeTimeToLive: async (input: { TableName: string }) => {
      await assertTable(input.TableName);
      const found = specifications.get(input.TableName);
      return {
        TimeToLiveDescription: found?.Enabled
          ? { TimeToLiveStatus: "ENABLED", AttributeName: found.AttributeName }
          : { TimeToLiveStatus: "DISABLED" },
      };
    },
  };
}

interface KeyElement {
  AttributeName: string;
  KeyType: string;
}

interface TableDescription extends TableSchema {
  TableStatus: string;
  GlobalSecondaryIndexes?: (NonNullable<TableSchema["GlobalSecondaryIndexes"]>[number] & {
    IndexStatus: string;
  })[];
}

async function createTable(
  store: DynaliteStore,
  timeToLive: Collection<TimeToLiveSpecification>,
  { type, logicalId, properties }: Resource,
): Promise<void> {
  const TableName = physicalName(type, logicalId, properties);
  if (properties.StreamSpecification) {
    throw new Error(`${logicalId} (${type}): the local run has no DynamoDB streams`);
  }
  const existing = await describe(store, TableName);
  if (existing) assertSameKeys(logicalId, existing, properties);
  else await call(store, "CreateTable", createTableInput(TableName, properties));
  await activate(store, TableName);
  const specification = properties.TimeToLiveSpecification as TimeToLiveSpecification | undefined;
  if (specification) timeToLive.put(TableName, specification);
}

/** Converts a table of the template to the input of CreateTable. */
export function createTableInput(TableName: string, properties: Record<string, unknown>) {
  // A template without a billing mode has provisioned throughput, which the local run ignores.
  const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, LocalSecondaryIndexes } =
    properties;
  const indexes = (value: unknown) =>
    (value as Record<string, unknown>[] | undefined)?.map(
      ({ IndexName, KeySchema, Projection }) => ({
        IndexName,
        KeySchema,
        Projection,
      }),
    );
  return {
    TableName,
    AttributeDefinitions,
    KeySchema,
    BillingMode: "PAY_PER_REQUEST",
    GlobalSecondaryIndexes: indexes(GlobalSecondaryIndexes),
    LocalSecondaryIndexes: indexes(LocalSecondaryIndexes),
  };
}

async function describe(
  store: DynaliteStore,
  TableName: string,
): Promise<TableDescription | undefined> {
  return new Promise((resolve, reject) => {
    store.tableDb.get(TableName, (error, table) => {
      if (error && error.name !== "NotFoundError") return reject(unreadable(error));
      resolve(table as TableDescription | undefined);
    });
  });
}

function unreadable(cause: Error): Error {
  return new Error("the tables cannot be read; is the data directory in use by another run?", {
    cause,
  });
}

/**
 * dynalite activates a table asynchronously; a process that was killed in between
 * left the table `CREATING`.
 */
async function activate(store: DynaliteStore, TableName: string): Promise<void> {
  const table = await describe(store, TableName);
  if (!table) throw new Error(`table ${TableName} was not created`);
  table.TableStatus = "ACTIVE";
  for (const index of table.GlobalSecondaryIndexes ?? []) index.IndexStatus = "ACTIVE";
  await new Promise<void>((resolve, reject) =>
    store.tableDb.put(TableName, table, (error) => (error ? reject(error) : resolve())),
  );
}

function assertSameKeys(
  logicalId: string,
  existing: TableDescription,
  properties: Record<string, unknown>,
): void {
  const keysOf = (table: {
    KeySchema?: unknown;
    GlobalSecondaryIndexes?: unknown;
    LocalSecondaryIndexes?: unknown;
  }) =>
    JSON.stringify([
      ((table.KeySchema ?? []) as KeyElement[]).map((key) => `${key.KeyType} ${key.AttributeName}`),
      indexNames(table.GlobalSecondaryIndexes),
      indexNames(table.LocalSecondaryIndexes),
    ]);
  if (keysOf(existing) !== keysOf(properties)) {
    throw new Error(
      `${logicalId}: the table in the data directory has other keys or indexes than the template; start with an empty data directory`,
    );
  }
}

function indexNames(indexes: unknown): string[] {
  return ((indexes ?? []) as { IndexName: string }[]).map((index) => index.IndexName).sort();
}

import type { Readable } from "node:stream";
import { asEvaluatedByDynamoDb, type Expression } from "./conditions.ts";
import { dynaliteModule } from "./dynalite-modules.ts";

/**
 * The parts of `dynalite` (pinned version) that we use: its operations without
 * its HTTP server. It is CommonJS with callbacks and without types.
 */
export interface DynaliteError extends Error {
  statusCode?: number;
  body?: Record<string, unknown>;
}
type Callback<T = unknown> = (error: DynaliteError | null | undefined, value?: T) => void;
export type Item = Record<string, Record<string, unknown>>;

interface SubStore {
  lock: unknown;
  get(key: string, callback: Callback<Item>): void;
  put(key: string, value: unknown, callback: Callback): void;
  del(key: string, callback: Callback): void;
  createValueStream(options: unknown): Readable;
}

/** An item that an operation wrote. */
export interface Written {
  table: string;
  before: Item | undefined;
  /** Absent for an item that was deleted. */
  after: Item | undefined;
}

/** What an operation read. */
export interface ReadItems {
  /** Items that were read by their key, in order. `undefined` for each that does not exist. */
  gets: { table: string; item: Item | undefined }[];
  /** Items and index entries in the range of a query or a scan; it may have used only the first of them. */
  range: Item[];
}

export type Write = { type: "put"; key: string; value: unknown } | { type: "del"; key: string };

export interface DynaliteStore {
  db: { batch(writes: Write[], callback: Callback): void; close(callback: Callback): void };
  tableDb: SubStore & { awsAccountId: string; awsRegion: string };
  getItemDb(table: string): SubStore;
  getIndexDb(type: string, table: string, index: string): SubStore;
}

type Action = (store: DynaliteStore, data: Record<string, unknown>, callback: Callback) => void;
interface ActionValidation {
  types: unknown;
  custom: unknown;
}

const validations = dynaliteModule("validations/index") as {
  checkTypes(data: unknown, types: unknown): Record<string, unknown>;
  checkValidations(data: unknown, types: unknown, custom: unknown, store: DynaliteStore): void;
};

const db = dynaliteModule("db/index") as {
  create(options: unknown): DynaliteStore;
  itemSize(item: unknown): number;
  validationError(message: string): DynaliteError;
};

/** Maximum size of an item together with its entry in one local index, in bytes. */
const MAX_ITEM_SIZE = 409_600;

export function openDynalite(path: string | undefined): DynaliteStore {
  const store = db.create({
    ...(path === undefined ? {} : { path }),
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
  });
  Object.assign(store.tableDb, { awsAccountId: "000000000000", awsRegion: "us-east-1" });
  return store;
}

export const operationNames = [
  "BatchGetItem",
  "BatchWriteItem",
  "CreateTable",
  "DeleteItem",
  "DeleteTable",
  "DescribeTable",
  "GetItem",
  "ListTables",
  "ListTagsOfResource",
  "PutItem",
  "Query",
  "Scan",
  "TagResource",
  "UntagResource",
  "UpdateItem",
  "UpdateTable",
];

const operations = new Map(
  operationNames.map((name) => {
    const file = name[0]?.toLowerCase() + name.slice(1);
    const action = dynaliteModule(`actions/${file}`) as Action;
    return [
      name,
      { action, validation: dynaliteModule(`validations/${file}`) as ActionValidation },
    ];
  }),
);

/** @throws DynaliteError with `statusCode` and `body` for an error that DynamoDB would return */
export async function callDynalite(
  store: DynaliteStore,
  name: string,
  input: unknown,
): Promise<unknown> {
  const operation = operations.get(name);
  if (!operation) throw new Error(`dynalite has no ${name}`);
  const { types, custom } = operation.validation;
  const data = validations.checkTypes(input, types);
  validations.checkValidations(data, types, custom, store);
  for (const parsed of [data._condition, data._filter] as (
    | { expression: Expression }
    | undefined
  )[]) {
    if (parsed) parsed.expression = asEvaluatedByDynamoDb(parsed.expression);
  }
  return new Promise((resolve, reject) => {
    operation.action(store, data, (error, value) => (error ? reject(error) : resolve(value)));
  });
}

/**
 * Returns a view of the store for one write operation.
 *
 * dynalite writes an item's index entries before the item, each separately: a
 * process that is killed in between leaves a wrong index. The view delays the
 * index writes until the item is written and then writes all of them as one
 * batch. It relies on dynalite making these writes in one synchronous run, which
 * it does when each write calls back at once.
 *
 * Entries of global indexes go to `laterIndexWrites`, if it is given, once the item is
 * written: on AWS such an index is behind its table.
 *
 * The view also records what it wrote, and the item that the operation read under its lock,
 * which is the item that a failed condition was evaluated on. And it rejects an item that
 * is too large together with its entry in a local index, as DynamoDB does:
 * <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
 */
export function writeView(
  store: DynaliteStore,
  laterIndexWrites?: (writes: Write[]) => void,
): { view: DynaliteStore; seen(): Item | undefined; written(): readonly Written[] } {
  let indexWrites: Write[] = [];
  let laterWrites: Write[] = [];
  let largestLocalEntry = 0;
  let seenItem: Item | undefined;
  const seenItems = new Map<string, Item | undefined>();
  const written: Written[] = [];
  const keepBack = (type: string, write: Write, callback: Callback) => {
    const isLater = type === "Global" && laterIndexWrites !== undefined;
    (isLater ? laterWrites : indexWrites).push(write);
    callback(null);
  };
  const flush = (table: string, write: Write, callback: Callback) => {
    const writes = [...indexWrites, write];
    const size = write.type === "put" ? db.itemSize(write.value) + largestLocalEntry : 0;
    const later = laterWrites;
    indexWrites = [];
    laterWrites = [];
    largestLocalEntry = 0;
    if (size > MAX_ITEM_SIZE) {
      callback(db.validationError("Item size has exceeded the maximum allowed size"));
      return;
    }
    store.db.batch(writes, (error) => {
      if (!error && later.length > 0) laterIndexWrites?.(later);
      if (!error) {
        const after = write.type === "put" ? (write.value as Item) : undefined;
        written.push({ table, before: seenItems.get(write.key), after });
      }
      callback(error);
    });
  };
  const view: DynaliteStore = {
    ...store,
    getItemDb: (table) => ({
      ...store.getItemDb(table),
      get: (key, callback) =>
        store.getItemDb(table).get(key, (error, item) => {
          seenItem = item;
          seenItems.set(`item-${table}~${key}`, item);
          callback(error, item);
        }),
      put: (key, value, callback) =>
        flush(table, { type: "put", key: `item-${table}~${key}`, value }, callback),
      del: (key, callback) => flush(table, { type: "del", key: `item-${table}~${key}` }, callback),
    }),
    getIndexDb: (type, table, index) => {
      const prefix = `index-${type.toLowerCase()}~${table}~${index}~`;
      return {
        ...store.getIndexDb(type, table, index),
        put: (key, value, callback) => {
          if (type === "Local") {
            largestLocalEntry = Math.max(largestLocalEntry, db.itemSize(present(value)));
          }
          keepBack(type, { type: "put", key: prefix + key, value }, callback);
        },
        del: (key, callback) => keepBack(type, { type: "del", key: prefix + key }, callback),
      };
    },
  };
  return { view, seen: () => seenItem, written: () => written };
}

/** Returns a view of the store for one operation that reads, which records what it reads. */
export function readView(store: DynaliteStore): { view: DynaliteStore; read: ReadItems } {
  const read: ReadItems = { gets: [], range: [] };
  const recorded = (db: SubStore, table: string): SubStore => ({
    ...db,
    get: (key, callback) =>
      db.get(key, (error, item) => {
        read.gets.push({ table, item });
        callback(error, item);
      }),
    createValueStream: (options) =>
      db.createValueStream(options).on("data", (item: Item) => read.range.push(item)),
  });
  const view: DynaliteStore = {
    ...store,
    getItemDb: (table) => recorded(store.getItemDb(table), table),
    getIndexDb: (type, table, index) => recorded(store.getIndexDb(type, table, index), table),
  };
  return { view, read };
}

/** Returns an index entry without the projected attributes that its item does not have. */
function present(entry: unknown): Item {
  const attributes = Object.entries(entry as Item).filter(([, value]) => value !== undefined);
  return Object.fromEntries(attributes);
}

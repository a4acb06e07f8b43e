import type { CallUnits } from "../billing/billed-units.ts";
import {
  failedWriteUnits,
  getUnits,
  queryUnits,
  type TableSchema,
  writeUnits,
} from "../billing/dynamodb-units.ts";
import type { Item, ReadItems, Written } from "./dynalite.ts";

type AddUnits = (units: CallUnits) => void;

interface ReadInput {
  TableName?: string;
  IndexName?: string;
  ConsistentRead?: boolean;
  RequestItems?: Record<string, { ConsistentRead?: boolean }>;
}

export type ItemBill = ReturnType<typeof makeItemBill>;

/**
 * Bills what operations wrote and read, per table and per index.
 *
 * @param describe the keys and indexes of a table, which are asked for once
 */
export function makeItemBill(describe: (table: string) => Promise<TableSchema | undefined>) {
  const schemas = new Map<string, TableSchema>();

  async function schemaOf(table: string): Promise<TableSchema> {
    const known = schemas.get(table);
    if (known) return known;
    const schema = (await describe(table)) ?? { KeySchema: [] };
    schemas.set(table, schema);
    return schema;
  }

  return {
    async writes(written: readonly Written[], add: AddUnits): Promise<void> {
      for (const { table, ...write } of written) {
        const units = writeUnits(await schemaOf(table), write);
        add({ item: "dynamodb.write", resource: table, units: units.table });
        for (const [index, indexUnits] of Object.entries(units.indexes)) {
          add({ item: "dynamodb.write", resource: `${table}/${index}`, units: indexUnits });
        }
      }
    },
    /** @param existing the item on which the condition was evaluated */
    failedCondition(table: string, existing: Item | undefined, add: AddUnits): void {
      add({ item: "dynamodb.write", resource: table, units: failedWriteUnits(existing) });
    },
    /** @param output of the operation; only a query and a scan have a `ScannedCount` */
    reads(input: ReadInput, of: { read: ReadItems; output: unknown }, add: AddUnits): void {
      const { TableName = "", IndexName, ConsistentRead: isConsistent = false } = input;
      const { ScannedCount } = Object(of.output) as { ScannedCount?: number };
      if (ScannedCount === undefined) {
        for (const { table, item } of of.read.gets) {
          const { ConsistentRead = isConsistent } = input.RequestItems?.[table] ?? {};
          const units = getUnits(item, { isConsistent: ConsistentRead });
          add({ item: "dynamodb.read", resource: table, units });
        }
        return;
      }
      const got = of.read.gets.slice(0, ScannedCount).map(({ item }) => item);
      const fetched = got.filter((item) => item !== undefined);
      const units = queryUnits(of.read.range.slice(0, ScannedCount), { isConsistent, fetched });
      const resource = IndexName === undefined ? TableName : `${TableName}/${IndexName}`;
      add({ item: "dynamodb.read", resource, units: units.queried });
      if (units.fetched > 0) {
        add({ item: "dynamodb.read", resource: TableName, units: units.fetched });
      }
    },
    /** A table that is created again may have other keys. */
    forget: (table: string) => void schemas.delete(table),
  };
}

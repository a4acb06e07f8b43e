import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, promisify } from "node:util";
import { deserialize } from "node:v8";
import { openDynamoDb } from "../../local/aws/dynamodb/dynamodb.ts";
import { openDurableStore } from "../../local/durable-store.ts";
import { answerOf, type Call } from "./conformance-answers.ts";
import { type Plain, plainOutput, wireInput } from "./conformance-wire.ts";
import type { Recorded } from "./record-commands.ts";
import { makeDynamoDb } from "./services/dynamodb.ts";
import type { TableDefinition } from "./services/table.ts";
import { compareServices } from "./services-conformance.ts";
import { tables } from "./stack.ts";

/**
 * The commands that the product sends to DynamoDB in simulated runs, with their faults, are carried
 * out twice in their order: by the simulated DynamoDB without a lag, and by the one of a local run,
 * which is itself compared with others (docs/emulators.md). Each answer must be the same.
 */
export interface ConformanceOptions {
  first: number;
  count: number;
  workers: number;
}

/** Seeds of one process that records. */
const SEEDS_AT_ONCE = 10;

const program = new URL("run.ts", import.meta.url).pathname;

/** @returns the exit code */
export async function runConformance({ first, count, workers }: ConformanceOptions) {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-conformance-"));
  const starts = Array.from(
    { length: Math.ceil(count / SEEDS_AT_ONCE) },
    (_, n) => first + n * SEEDS_AT_ONCE,
  );
  const counts = new Map<string, number>();
  let sequences = 0;
  let differences = 0;
  const work = async () => {
    for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
      const seeds = Math.min(SEEDS_AT_ONCE, first + count - start);
      for (const one of await recorded(directory, start, seeds)) {
        sequences++;
        for (const [name] of one.commands) counts.set(name, (counts.get(name) ?? 0) + 1);
        const found = await differencesIn(one.commands);
        differences += found.length;
        for (const difference of found.slice(0, 3)) console.log(`seed ${one.seed}: ${difference}`);
      }
      console.log(`${sequences} of ${count} sequences, ${differences} differences`);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  rmSync(directory, { recursive: true });
  const { commands, schedules, ...others } = await compareServices(first, count);
  differences += others.differences;
  const kinds = [...counts].map(([name, times]) => `${times} ${name}`).sort();
  console.log(
    `R6: ${sequences} sequences (${kinds.join(", ")}), and as many of ${commands} commands ` +
      `and ${schedules} schedules for the other services: ${differences} differences`,
  );
  return differences === 0 && sequences === count ? 0 : 1;
}

/** Simulates seeds in a process of its own, whose time is virtual. */
async function recorded(directory: string, seed: number, seeds: number): Promise<Recorded[]> {
  const file = join(directory, String(seed));
  const options = ["--commands", file, "--seed", String(seed), "--seeds", String(seeds)];
  await promisify(execFile)(process.execPath, [program, ...options]);
  const found = deserialize(readFileSync(file)) as Recorded[];
  rmSync(file);
  return found;
}

/**
 * Carries commands out twice.
 *
 * @param plant changes how the simulated DynamoDB answers, so that there must be a difference
 * @returns what differs, each beginning with the name of its command
 */
export async function differencesIn(
  commands: Recorded["commands"],
  plant: (simulated: Call) => Call = (simulated) => simulated,
): Promise<string[]> {
  const simulated = plant(openSimulated());
  const local = await openLocal();
  const found: string[] = [];
  for (const [name, input] of commands) {
    const [one, other] = [
      await answerOf(simulated, name, input),
      await answerOf(local.call, name, input),
    ];
    if (isDeepStrictEqual(one, other)) continue;
    const told = [
      ["input", input],
      ["simulated", one],
      ["local", other],
    ].map(([what, value]) => `${what} ${JSON.stringify(value)?.slice(0, 1_500)}`);
    found.push(`${name}\n  ${told.join("\n  ")}`);
  }
  await local.close();
  return found;
}

/** Without faults, and with indexes that are not behind. */
function openSimulated(): Call {
  const { operations } = makeDynamoDb({
    loop: { nowMs: () => 0, after: (_: number, then: () => void) => then() } as never,
    faults: { draw: () => undefined } as never,
    random: { int: () => 0, chance: () => false } as never,
    tables,
    onWritten: () => undefined,
  });
  return (name, input) =>
    (operations as Record<string, (of: never) => unknown>)[name]?.(input as never);
}

async function openLocal(): Promise<{ call: Call; close(): Promise<void> }> {
  const dynamodb = openDynamoDb({ path: undefined, store: openDurableStore() });
  const send = async (operation: string, input: unknown) =>
    dynamodb.operations[operation]?.(input as never, undefined as never, () => undefined);
  for (const [name, definition] of Object.entries(tables)) {
    await send("CreateTable", createTableOf(name, definition));
    const isActive = async () => {
      const found = (await send("DescribeTable", { TableName: name })) as {
        Table: { TableStatus: string };
      };
      return found.Table.TableStatus === "ACTIVE";
    };
    while (!(await isActive())) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return {
    async call(name, input) {
      const operation = operationOf[name];
      if (!operation) throw new Error(`${name} is not compared`);
      return plainOutput((await send(operation, wireInput(input))) as Plain);
    },
    close: () => dynamodb.close(),
  };
}

const operationOf: Readonly<Record<string, string>> = {
  GetCommand: "GetItem",
  PutCommand: "PutItem",
  UpdateCommand: "UpdateItem",
  DeleteCommand: "DeleteItem",
  BatchGetCommand: "BatchGetItem",
  BatchWriteCommand: "BatchWriteItem",
  QueryCommand: "Query",
};

/** An index of `shared/contracts/tables.ts`. */
interface SortedIndex {
  sortKey: string;
  sortType?: "N" | "S";
}

function createTableOf(TableName: string, of: TableDefinition) {
  const { partitionKey, sortKey, localIndexes = {}, indexes, projections } = of;
  const schema = (hash: string, range?: string) => [
    { AttributeName: hash, KeyType: "HASH" },
    ...(range === undefined ? [] : [{ AttributeName: range, KeyType: "RANGE" }]),
  ];
  const numbers = new Set(
    Object.values({ ...indexes, ...localIndexes } as Record<string, SortedIndex>)
      .filter(({ sortType }) => sortType === "N")
      .map((one) => one.sortKey),
  );
  const globals = Object.values(indexes).map((one) => {
    const held = projections[one.name];
    return {
      IndexName: one.name,
      KeySchema: schema(one.partitionKey, one.sortKey),
      Projection:
        held === "ALL"
          ? { ProjectionType: "ALL" }
          : held === undefined
            ? { ProjectionType: "KEYS_ONLY" }
            : { ProjectionType: "INCLUDE", NonKeyAttributes: held },
    };
  });
  const locals = Object.values(localIndexes).map((one) => ({
    IndexName: one.name,
    KeySchema: schema(partitionKey, one.sortKey),
    Projection: { ProjectionType: "KEYS_ONLY" },
  }));
  const names = new Set(
    [{ KeySchema: schema(partitionKey, sortKey) }, ...globals, ...locals].flatMap(({ KeySchema }) =>
      KeySchema.map(({ AttributeName }) => AttributeName),
    ),
  );
  return {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: schema(partitionKey, sortKey),
    AttributeDefinitions: [...names].map((AttributeName) => ({
      AttributeName,
      AttributeType: numbers.has(AttributeName) ? "N" : "S",
    })),
    ...(globals.length > 0 && { GlobalSecondaryIndexes: globals }),
    ...(locals.length > 0 && { LocalSecondaryIndexes: locals }),
  };
}

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  paginateScan,
} from "@aws-sdk/lib-dynamodb";
import { expect, onTestFinished, test } from "vitest";
import { holdRestored } from "../../cli/restored.ts";
import { localAws } from "../../local/aws/local-aws.ts";
import { startRequestsRun } from "../support/runs/requests-run.ts";
import { callWaitOptions } from "../support/wait-timeout.ts";

const keys = {
  RequestsTableName: ["lane", "id"],
  EventsTableName: ["id"],
  DeliveriesTableName: ["id"],
} as const;
type TableOutput = keyof typeof keys;
type Item = Record<string, unknown>;

/**
 * The procedure of docs/restoring.md on a local run: the tables are copied while requests go on,
 * and are then lost and replaced by the copy. Loss and copy are made here; the rest is the commands.
 */
test("After a restore no request is submitted a second time, and each one is settled", async () => {
  const run = await startRequestsRun({
    speed: 60,
    settings: { paceMinSeconds: "30", paceMaxSeconds: "30", unknownTimeoutSeconds: "31536000" },
  });
  onTestFinished(() => run.close());
  const { outputs, addresses, seed } = run.run;
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(localAws(addresses.awsUrl)));
  const nameOf = (table: TableOutput) => outputs[table] ?? "";
  const scan = async (table: TableOutput) => {
    const items: Item[] = [];
    const of = { TableName: nameOf(table), ConsistentRead: true };
    for await (const { Items = [] } of paginateScan({ client }, of)) items.push(...Items);
    return items;
  };
  const tables = Object.keys(keys) as TableOutput[];

  // One request is at the provider, and two wait behind it.
  await run.behave({ delayMs: [365 * 86_400_000, 365 * 86_400_000] });
  const ids: string[] = [];
  for (const n of [1, 2, 3]) {
    const { body } = await run.request({ accountId: "restored", action: "connect", params: { n } });
    ids.push(body.requestId);
  }
  const [first = "", ...waiting] = ids;
  const { providerRequestId = "" } = await run.reaches(first, "RUNNING");

  const copy = new Map<TableOutput, Item[]>();
  for (const table of tables) copy.set(table, await scan(table));

  // After the copy, the provider ends the first one and takes the second one.
  await run.behave({ delayMs: [0, 0], scripts: [] });
  const submitted = async () => (await run.submissions("restored")).length;
  run.run.simulator.send("we-link", {
    status: "SUCCESS",
    request_id: providerRequestId,
    result: {},
  });
  await expect.poll(submitted, callWaitOptions).toBeGreaterThanOrEqual(2);
  const pause = (status: string) =>
    run.native("PATCH", `/v1/connections/${connectionId}`, { status });
  const { connectionId } = seed.connections.find(({ provider }) => provider === "we-link") ?? {};
  expect((await pause("paused")).status).toBe(200);
  const before = await submitted();

  // The tables are lost, and come back as they were.
  for (const table of tables) {
    for (const item of await scan(table)) {
      const Key = Object.fromEntries(keys[table].map((key) => [key, item[key]]));
      await client.send(new DeleteCommand({ TableName: nameOf(table), Key }));
    }
    for (const Item of copy.get(table) ?? []) {
      await client.send(new PutCommand({ TableName: nameOf(table), Item }));
    }
  }
  const place = { outputs, aws: localAws(addresses.awsUrl), nowMs: run.businessMs };
  const listed = await holdRestored(place, { isHeld: false });
  expect(listed.held.map(({ requestId }) => requestId).sort()).toEqual([...waiting].sort());
  expect((await run.get(waiting[0] ?? "")).status).toBe("QUEUED");
  await holdRestored(place, { isHeld: true });
  expect((await holdRestored(place, { isHeld: true })).held).toEqual([]);
  for (const id of waiting) expect((await run.get(id)).status).toBe("UNKNOWN");

  // Work goes on: what is held is not sent, what is new is.
  expect((await pause("active")).status).toBe(200);
  const { body: other } = await run.request({ accountId: "other", action: "connect", params: {} });
  await run.reaches(other.requestId, "SUCCEEDED");
  expect(await submitted()).toBe(before);

  // Each is settled by what the provider shows.
  const taken = await run.submissions("restored");
  for (const [index, id] of waiting.entries()) {
    const call = taken.find(({ body }) => JSON.stringify(body).includes(`"n":${index + 2}`));
    const as =
      call === undefined
        ? { as: "not-submitted" }
        : { as: "submitted", providerRequestId: call.providerRequestId };
    expect((await run.native("POST", `/v1/requests/${id}/resolve`, as)).status).toBe(200);
  }
  for (const id of waiting) await run.reaches(id, "SUCCEEDED");
  const calls = await run.submissions("restored");
  for (const n of [1, 2, 3]) {
    const ofOne = calls.filter(({ body }) => JSON.stringify(body).includes(`"n":${n}`));
    expect(ofOne).toHaveLength(1);
  }
});

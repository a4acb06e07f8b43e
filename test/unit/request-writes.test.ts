import { expect, test } from "vitest";
import { writeUnits } from "../../local/aws/billing/dynamodb-units.ts";
import type { Item } from "../../local/aws/billing/item-size.ts";
import { requestItem } from "../../shared/adapters/dynamo/request-item.ts";
import { requestsTable } from "../../shared/contracts/tables.ts";
import type { CallResult } from "../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { asSent, index, keys } from "../support/billed-table.ts";
import { makeRequestSimulation } from "../support/simulations/request-simulation.ts";

/** The table as `infra/constructs/stores.ts` creates it. */
const schema = (() => {
  const { partitionKey, sortKey, indexes, localIndexes } = requestsTable;
  return {
    KeySchema: keys(partitionKey, sortKey),
    GlobalSecondaryIndexes: [
      index(indexes.byClient, ["accountId", "status"]),
      index(indexes.byGroup, ["accountId", "status", "submittedMs", "finishedMs"]),
      index(indexes.due),
      index(indexes.sweep),
    ],
    LocalSecondaryIndexes: [index({ partitionKey, ...localIndexes.queue })],
  };
})();

/** An item as it is sent to DynamoDB. */
const sent = (request: RequestRecord): Item =>
  asSent(requestItem(request, "0123456789abcdef0123456789abcdef0123"));

const answer = (body: object): CallResult => ({
  kind: "answered",
  answer: { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) },
});

const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test.each([
  ["no trace", {}],
  ["its caller's trace", { traceparent: given }],
  ["a trace of its own, which is recorded", { isTracing: true }],
  ["a span in its caller's trace", { traceparent: given, isTracing: true }],
])(
  "A request with %s whose lane is free is written six times, and each write of its item is one unit",
  async (_, trace: { traceparent?: string; isTracing?: boolean }) => {
    const { isTracing = false, ...named } = trace;
    const writes: [after: RequestRecord, before: RequestRecord | undefined][] = [];
    const simulation = makeRequestSimulation({
      provider: "we-link",
      isTracing,
      onWrite: (after, before) => writes.push([after, before]),
      exchange: async () => {
        pass(700);
        return answer({ requestId: "req-67890" });
      },
      onLook: async () => undefined,
      publish: async () => true,
    });
    const pass = (ms: number) => {
      simulation.clock.passReal(ms);
      simulation.clock.passBusiness(ms);
    };
    const note = "Hello Ada, I read your article about engines and would like to connect with you.";
    await simulation.accept(
      { action: "connect", params: { profile_id: "ada-lovelace", note }, ...named },
      1,
    );
    pass(90);
    await simulation.work();
    pass(5_000);
    const result = { profile_id: "ada-lovelace", status: "connection_sent" };
    await simulation.webhook({ status: "SUCCESS", request_id: "req-67890", result });
    const units = writes.map(([after, before]) => {
      const { table, indexes } = writeUnits(schema, {
        before: before && sent(before),
        after: sent(after),
      });
      return [after.status, after.outbox.map(({ type }) => type), { table, ...indexes }];
    });
    expect(units).toEqual([
      ["QUEUED", ["workflow.created"], { table: 1, byClient: 1, due: 1, sweep: 1, queue: 1 }],
      ["SUBMITTING", [], { table: 1, due: 1, queue: 2 }],
      ["RUNNING", ["workflow.started"], { table: 1, due: 1 }],
      ["RUNNING", [], { table: 1, sweep: 1 }],
      ["SUCCEEDED", ["workflow.completed"], { table: 1, byClient: 1, due: 1, sweep: 1, queue: 2 }],
      ["SUCCEEDED", [], { table: 1, sweep: 1 }],
    ]);
  },
);

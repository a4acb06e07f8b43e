import { expect, test } from "vitest";
import { writeUnits } from "../../local/aws/billing/dynamodb-units.ts";
import type { Item } from "../../local/aws/billing/item-size.ts";
import { deliveryItem } from "../../shared/adapters/dynamo/delivery-item.ts";
import { deliveriesTable } from "../../shared/contracts/tables.ts";
import type { DeliveryStore } from "../../shared/core/deliveries/state/ports.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { asSent, index, keys } from "../support/billed-table.ts";
import {
  Crash,
  MINUTE_MS,
  simulationWithWebhook,
} from "../support/simulations/delivery-simulation.ts";

/** The table as `infra/constructs/stores.ts` creates it. */
const schema = (() => {
  const { partitionKey, indexes } = deliveriesTable;
  return {
    KeySchema: keys(partitionKey),
    GlobalSecondaryIndexes: [
      index(indexes.byClient, ["status", "eventType", "eventId", "webhookId"]),
      index(indexes.due, ["clientId", "webhookId", "requestId", "nextMs"]),
      index(indexes.sweep),
    ],
  };
})();

/** An item as it is sent to DynamoDB. */
const sent = (delivery: DeliveryRecord): Item => asSent(deliveryItem(delivery));

/** Decorates a store: calls `onWrite` with the delivery before and after each write. */
function watched(
  store: DeliveryStore,
  onWrite: (after: DeliveryRecord, before: DeliveryRecord | undefined) => void,
): DeliveryStore {
  const watch = async <Result>(deliveryId: string, write: () => Promise<Result>) => {
    const before = await store.find(deliveryId);
    const result = await write();
    const after = await store.find(deliveryId);
    if (after && after.version !== before?.version) onWrite(after, before);
    return result;
  };
  return {
    ...store,
    create: (delivery) => watch(delivery.deliveryId, () => store.create(delivery)),
    claim: (deliveryId, lease) => watch(deliveryId, () => store.claim(deliveryId, lease)),
    replace: (delivery) => watch(delivery.deliveryId, () => store.replace(delivery)),
  };
}

type Simulated = NonNullable<Parameters<typeof simulationWithWebhook>[0]>;

/** Returns the status and the units of each write of one delivery's item. */
async function writesOf(options: Pick<Simulated, "answer">, known: { isFast: boolean }) {
  const writes: [status: string, units: Record<string, number>][] = [];
  const simulation = await simulationWithWebhook(
    {
      ...options,
      deliveries: (store) =>
        watched(store, (after, before) => {
          const { table, indexes } = writeUnits(schema, {
            before: before && sent(before),
            after: sent(after),
          });
          writes.push([after.status, { table, ...indexes }]);
        }),
    },
    known,
  );
  simulation.publish();
  await simulation.pass(10 * MINUTE_MS);
  return writes;
}

test("A delivery that a fast endpoint accepts at once is written twice, with four units", async () => {
  expect(await writesOf({}, { isFast: true })).toEqual([
    ["delivering", { table: 1, byClient: 1 }],
    ["delivered", { table: 1, byClient: 1 }],
  ]);
});

test("A claim of a delivery that waits leaves its entry in the index due, which the outcome takes out", async () => {
  expect(await writesOf({}, { isFast: false })).toEqual([
    ["waiting", { table: 1, byClient: 1, due: 1 }],
    ["delivering", { table: 1, byClient: 1 }],
    ["delivered", { table: 1, byClient: 1, due: 1 }],
  ]);
});

test("A worker that stops costs one more claim", async () => {
  let isStopped = false;
  const answer = () => {
    if (isStopped) return { httpStatus: 200 };
    isStopped = true;
    throw new Crash();
  };
  expect(await writesOf({ answer }, { isFast: true })).toEqual([
    ["delivering", { table: 1, byClient: 1 }],
    ["delivering", { table: 1 }],
    ["delivered", { table: 1, byClient: 1 }],
  ]);
});

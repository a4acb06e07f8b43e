import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { isChosen } from "../../contracts/event-type-filter.ts";
import { deliverableTypes } from "../../contracts/events.ts";
import { Failure } from "../../contracts/failures.ts";
import { deliveriesTable } from "../../contracts/tables.ts";
import type { Clock } from "../../core/clock.ts";
import type { DeliveryFilter, DeliveryStore } from "../../core/deliveries/state/ports.ts";
import type { DeliveryRecord } from "../../core/deliveries/state/record.ts";
import type { TextStore } from "../../core/requests/state/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { deliveryItem, readDeliveryItem } from "./delivery-item.ts";
import { batchGet } from "./dynamo-batch-get.ts";
import { makeReadClientPage, timeRange } from "./dynamo-client-page.ts";
import { makeDynamoDeliveryClaim } from "./dynamo-delivery-claim.ts";
import { makeDynamoDeliverySweeps } from "./dynamo-delivery-sweeps.ts";
import { makeVersionedPut } from "./dynamo-versioned-put.ts";
import { readable } from "./readable.ts";

/**
 * Stores deliveries in DynamoDB. Each write is one conditional call. A body that is too
 * large for the item is stored in the bucket before the item is written, and is returned as its key.
 */
export function makeDynamoDeliveryStore(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
  texts: Pick<TextStore, "store">;
}): DeliveryStore {
  const { client, tableName: TableName, clock, texts } = options;
  const { partitionKey, indexes } = deliveriesTable;
  const put = makeVersionedPut({ ...options, partitionKey });
  const keyOf = (id: string) => ({ id });
  const readPage = makeReadClientPage({
    client,
    tableName: TableName,
    index: indexes.byClient,
    keyOf,
    filtered: { maxQueries: 5, keysPerQuery: 200 },
  });
  /** TTL deletes late: an expired item counts as deleted. */
  const isAlive = ({ expiresMs }: DeliveryRecord) => expiresMs > clock.businessMs();

  async function withStoredBody(delivery: DeliveryRecord): Promise<DeliveryRecord> {
    if ("key" in delivery.body) return delivery;
    return { ...delivery, body: await texts.store(delivery.deliveryId, delivery.body.inline) };
  }

  return {
    async find(deliveryId) {
      // DynamoDB refuses an empty key.
      if (deliveryId === "") return undefined;
      const get = new GetCommand({ TableName, Key: keyOf(deliveryId), ConsistentRead: true });
      const { Item } = await callDependency("DynamoDB GetItem", () => client.send(get));
      const delivery = readDeliveryItem(Item);
      return delivery && isAlive(delivery) ? delivery : undefined;
    },

    async create(delivery) {
      const result = await put(deliveryItem(await withStoredBody(delivery)), {});
      if ("version" in result) return "created";
      const existing = readDeliveryItem(result.existing);
      if (existing) return existing;
      throw new Failure("DEPENDENCY_DOWN", "the delivery existed but could not be read back");
    },

    async replace(delivery) {
      const next = await withStoredBody(delivery);
      const result = await put(deliveryItem(next), { version: delivery.version });
      return "version" in result ? { ...next, version: result.version } : undefined;
    },

    async list({ clientId, limit, before: place, ...filter }) {
      const { entries, before } = await readPage({
        clientId,
        limit,
        before: place,
        filter: filterOf(filter),
        range: timeRange(filter),
      });
      const keys = entries.map(({ id }) => keyOf(id));
      const found = await batchGet(client, [{ tableName: TableName, keys }]);
      const byId = new Map((found.get(TableName) ?? []).map((item) => [item.id, item]));
      const deliveries = entries
        // One that this version cannot read is left out, and does not hide the others of its page.
        .flatMap(({ id }) => readable(() => readDeliveryItem(byId.get(id))) ?? [])
        // The index is eventually consistent: the status may have changed.
        .filter(({ status }) => filter.statuses?.includes(status) ?? true)
        .filter(isAlive);
      return { deliveries, before };
    },

    claim: makeDynamoDeliveryClaim(options),
    ...makeDynamoDeliverySweeps(options),
  };
}

/** The filter on attributes that the index holds. */
function filterOf({ statuses, eventTypes, eventId, webhookId }: DeliveryFilter) {
  const wanted: Record<string, readonly string[] | undefined> = {
    status: statuses,
    eventType: eventTypes && deliverableTypes.filter((type) => isChosen(eventTypes, type)),
    eventId: eventId === undefined ? undefined : [eventId],
    webhookId: webhookId === undefined ? undefined : [webhookId],
  };
  const given = Object.entries(wanted).flatMap(([name, values]) =>
    values ? [{ name, values }] : [],
  );
  if (given.length === 0) return undefined;
  const placeholders = ({ name, values }: (typeof given)[number]) =>
    values.map((value, n) => [`:${name}${n}`, value] as const);
  return {
    expression: given
      .map(
        (one) =>
          `#${one.name} IN (${placeholders(one)
            .map(([key]) => key)
            .join(", ")})`,
      )
      .join(" AND "),
    names: Object.fromEntries(given.map(({ name }) => [`#${name}`, name])),
    values: Object.fromEntries(given.flatMap(placeholders)),
  };
}

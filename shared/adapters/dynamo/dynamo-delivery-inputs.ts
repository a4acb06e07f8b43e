import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { configKey, webhookItem } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import type { RequestStatus } from "../../contracts/statuses.ts";
import type { DeliveryInputsReader } from "../../core/deliveries/state/ports.ts";
import { laneOf } from "../../core/requests/acceptance/request-id.ts";
import { batchGet } from "./dynamo-batch-get.ts";
import { healthKey, readHealthItem } from "./dynamo-endpoint-health.ts";

const CANCELLED: RequestStatus = "CANCELLED";

/** Reads webhooks, endpoint health and cancelled requests with one BatchGetItem over three tables. */
export function makeDynamoDeliveryInputs(options: {
  client: DynamoDBDocumentClient;
  tables: { config: string; deliveries: string; requests: string };
}): DeliveryInputsReader {
  const { client, tables } = options;

  return {
    async read({ clientIds, requestIds }) {
      const found = await batchGet(client, [
        {
          tableName: tables.config,
          keys: clientIds.map((clientId) => ({ pk: configKey.webhook(clientId) })),
        },
        { tableName: tables.deliveries, keys: clientIds.map(healthKey) },
        {
          tableName: tables.requests,
          keys: requestIds.flatMap(requestKey),
          // Reduces the size of the response, not the price: DynamoDB charges for the whole item.
          projection: ["id", "status"],
        },
      ]);
      const itemsOf = (tableName: string) => found.get(tableName) ?? [];
      const webhooks = itemsOf(tables.config).map(readWebhook);
      const health = itemsOf(tables.deliveries).map(readHealthItem);
      const cancelled = itemsOf(tables.requests).filter(({ status }) => status === CANCELLED);
      return {
        webhooks: new Map(
          webhooks.flatMap((one) => ("webhook" in one ? [[one.clientId, one.webhook]] : [])),
        ),
        unreadable: new Map(
          webhooks.flatMap((one) => ("failure" in one ? [[one.clientId, one.failure]] : [])),
        ),
        health: new Map(health.map((one) => [one.clientId, one])),
        cancelledRequests: new Set(cancelled.map(({ id }) => String(id))),
      };
    },
  };
}

/** Reads each webhook by itself: one that cannot be read must fail the messages of its client only. */
function readWebhook(item: Record<string, unknown>) {
  const clientId = String(item.pk).slice(configKey.webhook("").length);
  const { data: webhook, error: cause } = webhookItem.safeParse(item);
  if (webhook) return { clientId, webhook };
  const detail = "the stored webhook cannot be read by this version";
  return { clientId, failure: new Failure("DEPENDENCY_DOWN", detail, { cause }) };
}

/** Returns the request's key; no key if the text is not a request id. */
function requestKey(requestId: string): { lane: string; id: string }[] {
  const lane = laneOf(requestId);
  return lane === undefined ? [] : [{ lane, id: requestId }];
}

import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { Failure } from "../../contracts/failures.ts";
import { deliveriesTable } from "../../contracts/tables.ts";
import type { HealthStore } from "../../core/deliveries/state/ports.ts";
import type { EndpointHealth } from "../../core/deliveries/state/record.ts";
import { makeVersionedPut } from "./dynamo-versioned-put.ts";

const item = z.object({
  clientId: z.string(),
  webhookId: z.string(),
  endpointNumber: z._default(z.number(), 0),
  isFast: z.boolean(),
  fastSuccessesNeeded: z.number(),
  consecutiveFailures: z.number(),
  slots: z.record(z.string(), z.number()),
  version: z.number(),
} satisfies Record<keyof EndpointHealth, z.ZodMiniType>);

/** The key of the health of a client's endpoint in the deliveries table. */
export function healthKey(clientId: string): { id: string } {
  return { id: `health#${clientId}` };
}

/**
 * Reads a health item. One that this version cannot read counts as that of an earlier endpoint,
 * so that the next write replaces it: health is learned again within some attempts.
 */
export function readHealthItem(found: Record<string, unknown>): EndpointHealth {
  const { data } = item.safeParse(found);
  if (data) return data;
  return {
    clientId: String(found.clientId),
    webhookId: "",
    endpointNumber: -1,
    isFast: false,
    fastSuccessesNeeded: 1,
    consecutiveFailures: 0,
    slots: {},
    version: Number(found.version),
  };
}

/** Writes the health of endpoints: one item for each client. `makeDynamoDeliveryInputs` reads it. */
export function makeDynamoEndpointHealth(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
}): HealthStore {
  const put = makeVersionedPut({ ...options, partitionKey: deliveriesTable.partitionKey });

  return {
    async replace(health) {
      const written = { ...health, ...healthKey(health.clientId), entity: "health" };
      const result = await put(written, { version: health.version || undefined });
      if ("version" in result) return { written: { ...health, version: result.version } };
      if (result.existing) return { stored: readHealthItem(result.existing) };
      throw new Failure(
        "DEPENDENCY_DOWN",
        "the endpoint's health existed but could not be read back",
      );
    },
  };
}

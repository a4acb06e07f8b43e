import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Clock } from "../../core/clock.ts";
import type { FinalEvent } from "../../core/events/envelope.ts";
import type { BlobStore } from "../../core/inbound/ports.ts";
import type { EventArchive } from "../../core/requests/state/ports.ts";
import { batchPut } from "./dynamo-batch-write.ts";
import { storeLargeEnvelope } from "./store-large-envelope.ts";

/** Published events in the table of events, as those are that were claimed there. */
export function makeDynamoEventArchive(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
  /** For envelopes that are too large for the item. */
  bodies: BlobStore;
  /** How long a published event is readable (business). */
  retentionMs: number;
}): EventArchive {
  const { client, tableName, clock, bodies } = options;

  async function itemOf(event: FinalEvent) {
    const { id, clientId, type, raw } = event;
    const nowMs = clock.businessMs();
    const at = new Date(nowMs).toISOString();
    return {
      id,
      clientId,
      type,
      ...(await storeLargeEnvelope(bodies, event)),
      ...(raw ? { raw } : {}),
      listedAs: `${at}#${id}`,
      status: "PUBLISHED",
      publishedAt: at,
      expiresAt: Math.ceil((nowMs + options.retentionMs) / 1000),
    };
  }

  return {
    async store(events) {
      // An id that is named twice fails the whole call.
      const unique = new Map(events.map((event) => [event.id, event]));
      const items = await Promise.all([...unique.values()].map(itemOf));
      await batchPut(client, { tableName, items });
    },
  };
}

import { setTimeout as sleep } from "node:timers/promises";
import { BatchWriteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Failure } from "../../contracts/failures.ts";
import type { Clock } from "../../core/clock.ts";
import type { FinalEvent } from "../../core/events/envelope.ts";
import type { BlobStore } from "../../core/inbound/ports.ts";
import type { EventArchive } from "../../core/requests/state/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { storeLargeEnvelope } from "./store-large-envelope.ts";

/** Maximum number of items in one BatchWriteItem call. */
const MAX_BATCH = 25;
/** Maximum number of calls for one batch: unprocessed items are written again. */
const MAX_ROUNDS = 5;
const FIRST_PAUSE_MS = 25;

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
      for (let at = 0; at < items.length; at += MAX_BATCH) {
        let waiting = items.slice(at, at + MAX_BATCH).map((Item) => ({ PutRequest: { Item } }));
        for (let round = 0; waiting.length > 0 && round < MAX_ROUNDS; round++) {
          if (round > 0) await sleep(FIRST_PAUSE_MS * 2 ** round);
          const write = new BatchWriteCommand({ RequestItems: { [tableName]: waiting } });
          const page = await callDependency("DynamoDB BatchWriteItem", () => client.send(write));
          waiting = (page.UnprocessedItems?.[tableName] ?? []) as typeof waiting;
        }
        if (waiting.length > 0) {
          throw new Failure("DEPENDENCY_DOWN", `${waiting.length} events were not stored in time`);
        }
      }
    },
  };
}

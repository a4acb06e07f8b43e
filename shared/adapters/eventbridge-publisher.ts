import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsResultEntry,
} from "@aws-sdk/client-eventbridge";
import { EVENT_SOURCE } from "../contracts/events.ts";
import { limits } from "../contracts/limits.ts";
import { type FinalEvent, toEventBridgeDetail } from "../core/events/envelope.ts";
import type { EventPublisher, PublishResult } from "../core/events/ports.ts";
import { batches } from "./batches.ts";

/** Publishes on EventBridge. A call that was answered may still have failed for single entries. */
export function makeEventBridgePublisher(options: {
  client: EventBridgeClient;
  busName: string;
}): EventPublisher {
  return {
    async publish(events) {
      const results: PublishResult[] = [];
      const entries = events.map((event) => ({ event, detail: toEventBridgeDetail(event) }));
      for (const batch of batches(entries, putEventsLimits)) {
        results.push(...(await putEvents(options, batch)));
      }
      return results;
    },
  };
}

interface Entry {
  event: FinalEvent;
  detail: string;
}

const putEventsLimits = {
  maxEntries: limits.maxPutEventsEntries,
  maxBytes: limits.maxPutEventsBytes,
  /** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
  bytesOf: ({ event, detail }: Entry) =>
    Buffer.byteLength(detail) + event.type.length + EVENT_SOURCE.length,
};

/**
 * Puts one batch. EventBridge rejects a whole call for the size of its entries together or for one
 * invalid entry. Such a batch is put again by halves, so that every other entry is published.
 */
async function putEvents(
  options: { client: EventBridgeClient; busName: string },
  batch: Entry[],
): Promise<PublishResult[]> {
  const { client, busName } = options;
  const command = new PutEventsCommand({
    Entries: batch.map(({ event, detail }) => ({
      EventBusName: busName,
      Source: EVENT_SOURCE,
      DetailType: event.type,
      Detail: detail,
    })),
  });
  try {
    const { Entries = [] } = await client.send(command);
    return batch.map((_, index) => resultOf(Entries[index]));
  } catch (error) {
    const isFinal = isRejected(error);
    if (isFinal && batch.length > 1) {
      const middle = Math.ceil(batch.length / 2);
      const halves = [batch.slice(0, middle), batch.slice(middle)];
      return (await Promise.all(halves.map((half) => putEvents(options, half)))).flat();
    }
    const reason = error instanceof Error ? error.name : "unknown error";
    return batch.map(() => ({ ok: false, reason, isFinal }));
  }
}

/** Whether the same call can never succeed: its entries are too large, too many or invalid. */
function isRejected(error: unknown): boolean {
  const { name, $metadata } = error as {
    name?: string;
    $metadata?: { httpStatusCode?: number };
  };
  return name === "ValidationException" || $metadata?.httpStatusCode === 413;
}

function resultOf(entry: PutEventsResultEntry | undefined): PublishResult {
  if (entry?.EventId !== undefined && entry.ErrorCode === undefined) return { ok: true };
  const reason = entry?.ErrorCode ?? "no answer for the entry";
  return { ok: false, reason, isFinal: finalErrors.includes(reason) };
}

/** Errors in the entry itself. All others (throttling, internal failures, missing rights) can end. */
const finalErrors = ["MalformedDetail", "InvalidArgument"];

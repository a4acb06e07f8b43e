import { randomUUID } from "node:crypto";
import type { PutEventsRequestEntry, PutEventsResultEntry } from "@aws-sdk/client-eventbridge";
import { ACCOUNT_ID, REGION } from "../../physical-name.ts";
import { validationError } from "../protocol.ts";
import type { EventText } from "./event-input.ts";

const MAX_ENTRIES = 10;
/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size */
const MAX_TOTAL_BYTES = 1_048_576;
const TIME_BYTES = 14;

/** An entry in its wire format: the time is a number of seconds. */
export type Entry = Omit<PutEventsRequestEntry, "Time"> & { Time?: number };

export interface BusEvent extends EventText {
  id: string;
}

/** @throws ValidationException when the whole request is invalid */
export function assertEntries(entries: Entry[] | undefined): Entry[] {
  if (!entries || entries.length < 1 || entries.length > MAX_ENTRIES) {
    throw validationError(
      `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and ${MAX_ENTRIES}`,
    );
  }
  if (entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > MAX_TOTAL_BYTES) {
    throw validationError("Total size of the entries in the request is over the limit.");
  }
  return entries;
}

function sizeOf(entry: Entry): number {
  const texts = [entry.Source, entry.DetailType, entry.Detail, ...(entry.Resources ?? [])];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ""), 0);
  return bytes + (entry.Time === undefined ? 0 : TIME_BYTES);
}

/** Returns the event of an entry, or the entry's error. */
export function eventOf(entry: Entry, now: number): BusEvent | PutEventsResultEntry {
  for (const member of ["Source", "DetailType", "Detail"] as const) {
    if (!entry[member]) {
      return failure(
        "InvalidArgument",
        `Parameter ${member} is not valid. Reason: ${member} is a required argument.`,
      );
    }
  }
  const { Source = "", DetailType = "", Detail = "" } = entry;
  if (Source.startsWith("aws.")) {
    return failure("NotAuthorizedForSourceException", "Not authorized for the source.");
  }
  const detail = parseObject(Detail);
  if (!detail) return failure("MalformedDetail", "Detail is malformed.");
  return makeEvent({
    source: Source,
    detailType: DetailType,
    time: entry.Time === undefined ? now : entry.Time * 1_000,
    resources: entry.Resources ?? [],
    detailJson: Detail,
    detail,
    receivedMs: now,
  });
}

/**
 * Builds AWS's envelope. The bytes of the detail are copied unchanged, so numbers
 * beyond 2^53 keep their digits.
 */
export function makeEvent(parts: {
  source: string;
  detailType: string;
  time: number;
  resources: string[];
  detailJson: string;
  detail: Record<string, unknown>;
  receivedMs: number;
}): BusEvent {
  const id = randomUUID();
  const envelope = {
    version: "0",
    id,
    "detail-type": parts.detailType,
    source: parts.source,
    account: ACCOUNT_ID,
    time: `${new Date(parts.time).toISOString().slice(0, 19)}Z`,
    region: REGION,
    resources: parts.resources,
  };
  return {
    id,
    json: `${JSON.stringify(envelope).slice(0, -1)},"detail":${parts.detailJson}}`,
    detailJson: parts.detailJson,
    receivedMs: parts.receivedMs,
    parsed: { ...envelope, detail: parts.detail },
  };
}

export function failure(ErrorCode: string, ErrorMessage: string): PutEventsResultEntry {
  return { ErrorCode, ErrorMessage };
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

import type { IncomingMessage } from "node:http";
import { AwsError, type Operations } from "../protocol.ts";
import type { Input } from "./calls.ts";
import type { Fauxqs } from "./fauxqs.ts";
import { sqsError } from "./sqs-errors.ts";

const MAX_ENTRIES = 10;
const MAX_BATCH_BYTES = 1_048_576;

/** The operation on one entry, with the request that carries it. */
type SingleOperation = (input: Input, request?: IncomingMessage) => unknown;

interface Batch {
  QueueUrl: string;
  Entries?: ({ Id: string; MessageBody?: string; MessageAttributes?: Attributes } & Input)[];
}
type Attributes = Record<string, { DataType: string; StringValue?: string; BinaryValue?: string }>;

/**
 * Returns the batch forms of single operations: one disk write for all entries; a
 * failed entry does not affect the others.
 */
export function batchOperations(
  fauxqs: Fauxqs,
  single: Record<string, SingleOperation>,
): Operations {
  const batch = (run: SingleOperation) => (input: Batch, request: IncomingMessage) => {
    if (!fauxqs.sqs.getQueue(String(input.QueueUrl))) {
      throw sqsError("QueueDoesNotExist", "The specified queue does not exist.");
    }
    const entries = input.Entries ?? [];
    assertBatch(entries);
    const Successful: unknown[] = [];
    const Failed: unknown[] = [];
    fauxqs.atomically(() => {
      for (const { Id, ...entry } of entries) {
        try {
          Successful.push({
            Id,
            ...(run({ ...entry, QueueUrl: input.QueueUrl }, request) as object),
          });
        } catch (error) {
          if (!(error instanceof AwsError)) throw error;
          Failed.push({ Id, SenderFault: true, Code: error.name, Message: error.message });
        }
      }
    });
    return { Successful, Failed };
  };
  return Object.fromEntries(
    Object.entries(single).map(([name, run]) => [`${name}Batch`, batch(run)]),
  );
}

function assertBatch(entries: NonNullable<Batch["Entries"]>): void {
  const refuse = (code: string, message: string) => {
    throw sqsError(code, message);
  };
  if (entries.length === 0) {
    refuse("EmptyBatchRequest", "There should be at least one entry in the request.");
  }
  if (entries.length > MAX_ENTRIES) {
    refuse(
      "TooManyEntriesInBatchRequest",
      `Maximum number of entries per request are ${MAX_ENTRIES}. You have sent ${entries.length}.`,
    );
  }
  if (!entries.every((entry) => /^[a-zA-Z0-9_-]{1,80}$/.test(entry.Id))) {
    refuse(
      "InvalidBatchEntryId",
      "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
    );
  }
  if (new Set(entries.map((entry) => entry.Id)).size < entries.length) {
    refuse("BatchEntryIdsNotDistinct", "Two or more batch entries have the same Id.");
  }
  const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  if (bytes > MAX_BATCH_BYTES) {
    refuse(
      "BatchRequestTooLong",
      `Batch requests cannot be longer than ${MAX_BATCH_BYTES} bytes. You have sent ${bytes} bytes.`,
    );
  }
}

function sizeOf(entry: { MessageBody?: string; MessageAttributes?: Attributes }): number {
  let bytes = Buffer.byteLength(entry.MessageBody ?? "");
  for (const [name, value] of Object.entries(entry.MessageAttributes ?? {})) {
    const text = name + value.DataType + (value.StringValue ?? "") + (value.BinaryValue ?? "");
    bytes += Buffer.byteLength(text);
  }
  return bytes;
}

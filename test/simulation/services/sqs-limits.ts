import { Refusal } from "./refusal.ts";

/** What SQS refuses, with the codes of its answers. */

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_ENTRIES = 10;
const MAX_BYTES = 1_048_576;
const MAX_DELAY_SECONDS = 900;
const MAX_VISIBILITY_SECONDS = 43_200;

const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

export interface Outgoing {
  MessageBody: string;
  DelaySeconds?: number | undefined;
}

/** @throws Refusal of a message that SQS does not take */
export function assertMessage({ MessageBody, DelaySeconds = 0 }: Outgoing): void {
  assertWithin("DelaySeconds", DelaySeconds, MAX_DELAY_SECONDS);
  if (MessageBody === "") throw new Refusal("MissingParameter", "the message has no body");
  if (FORBIDDEN.test(MessageBody)) {
    throw new Refusal("InvalidMessageContents", "the body has a character that SQS refuses");
  }
  if (Buffer.byteLength(MessageBody) > MAX_BYTES) {
    throw new Refusal("InvalidParameterValue", `the message has more than ${MAX_BYTES} bytes`);
  }
}

/** @throws Refusal of a visibility timeout beyond twelve hours */
export function assertVisibility(seconds: number): void {
  assertWithin("VisibilityTimeout", seconds, MAX_VISIBILITY_SECONDS);
}

function assertWithin(parameter: string, seconds: number, most: number): void {
  if (seconds >= 0 && seconds <= most) return;
  throw new Refusal("InvalidParameterValue", `${parameter} ${seconds} is not from 0 to ${most}`);
}

/** @throws Refusal of a batch as a whole */
export function assertBatch(entries: readonly { Id: string; MessageBody?: string }[]): void {
  if (entries.length === 0) throw new Refusal("EmptyBatchRequest", "the batch has no entry");
  if (entries.length > MAX_ENTRIES) {
    throw new Refusal("TooManyEntriesInBatchRequest", `the batch has ${entries.length} entries`);
  }
  if (!entries.every(({ Id }) => /^[a-zA-Z0-9_-]{1,80}$/.test(Id))) {
    throw new Refusal("InvalidBatchEntryId", "the id of an entry is invalid");
  }
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length) {
    throw new Refusal("BatchEntryIdsNotDistinct", "two entries have the same id");
  }
  const bytes = entries.reduce((sum, one) => sum + Buffer.byteLength(one.MessageBody ?? ""), 0);
  if (bytes > MAX_BYTES) throw new Refusal("BatchRequestTooLong", `the batch has ${bytes} bytes`);
}

interface FailedEntry {
  Id: string;
  Code: string;
  SenderFault: boolean;
}

/** Carries out the entries of a batch. One that is refused does not affect the others. */
export function eachEntry<Entry extends { Id: string }>(
  entries: readonly Entry[],
  carryOut: (entry: Entry) => object,
): { Successful: { Id: string }[]; Failed: FailedEntry[] } {
  const Successful: { Id: string }[] = [];
  const Failed: FailedEntry[] = [];
  for (const entry of entries) {
    const { Id } = entry;
    try {
      Successful.push({ Id, ...carryOut(entry) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      Failed.push({ Id, Code: error.name, SenderFault: true });
    }
  }
  return { Successful, Failed };
}

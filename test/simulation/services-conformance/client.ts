import type { ReceiveMessageResult } from "@aws-sdk/client-sqs";
import { type Call, type Command, type Input, queueNames, type Services } from "./definitions.ts";

/** A receipt handle: what its message says, and which of its receives has given it. */
export interface Receipt {
  body: string;
  receive: number;
}

/** What both sides are asked, and answer in the same words. */
export type Client = ReturnType<typeof makeClient>;

const RECEIVED_AT_ONCE = 10;

/** Calls that empty a queue, at most. */
const MAX_CALLS = 50;

/** Longer than every visibility timeout with every delay of a message. */
const DRAIN_MS = 13 * 3_600_000;

/** Asks one side. It knows the receipt handles that the side has given out. */
export function makeClient({ call, pass }: Services) {
  const handles = new Map<string, string[]>();

  function withHandles(input: Input): Input {
    const { Entries } = input;
    if (!Array.isArray(Entries)) return input;
    return {
      ...input,
      Entries: Entries.map((entry: Input) =>
        isReceipt(entry.ReceiptHandle)
          ? { ...entry, ReceiptHandle: handleOf(entry.ReceiptHandle) }
          : entry,
      ),
    };
  }

  const handleOf = ({ body, receive }: Receipt) =>
    handles.get(body)?.[receive - 1] ?? "a handle of nothing";

  /** Receives everything that is visible in a queue. */
  async function receive(QueueUrl: string) {
    const received: { body: string; handle: string; receives: number }[] = [];
    for (let calls = 0; calls < MAX_CALLS; calls++) {
      const { Messages = [] } = (await call("ReceiveMessageCommand", {
        ...{ QueueUrl, MaxNumberOfMessages: RECEIVED_AT_ONCE },
        MessageSystemAttributeNames: ["ApproximateReceiveCount"],
      })) as ReceiveMessageResult;
      if (Messages.length === 0) break;
      for (const { Body: text = "", ReceiptHandle: handle = "", Attributes } of Messages) {
        const receives = Number(Attributes?.ApproximateReceiveCount);
        received.push({ body: bodyOf(text), handle, receives });
      }
    }
    return received;
  }

  return {
    /** @returns the answer without ids that a service makes up, or the name of its error */
    answer: ({ name, input }: Command) => answerOf(call, name, withHandles(input)),

    /**
     * Lets time pass, and then receives every message of `jobs` and `matched`.
     *
     * @returns the messages, sorted, each with the number of its receives
     */
    async wait(ms: number): Promise<Receipt[]> {
      await pass(ms);
      const receipts: Receipt[] = [];
      const received = [...(await receive("jobs")), ...(await receive("matched"))];
      for (const { body, handle, receives } of received) {
        handles.set(body, [...(handles.get(body) ?? []), handle]);
        receipts.push({ body, receive: receives });
      }
      return receipts.sort((a, b) => (a.body < b.body ? -1 : 1));
    },

    /** Empties the queues. @returns what the messages of each say, also of those not visible yet */
    async drain(): Promise<Record<string, string[]>> {
      await pass(DRAIN_MS);
      const left: Record<string, string[]> = {};
      for (const QueueUrl of queueNames) {
        const messages = await receive(QueueUrl);
        left[QueueUrl] = messages.map(({ body }) => body).sort();
        for (let from = 0; from < messages.length; from += RECEIVED_AT_ONCE) {
          const Entries = messages
            .slice(from, from + RECEIVED_AT_ONCE)
            .map(({ handle }, n) => ({ Id: `m${n}`, ReceiptHandle: handle }));
          await call("DeleteMessageBatchCommand", { QueueUrl, Entries });
        }
      }
      return left;
    },
  };
}

const isReceipt = (value: unknown): value is Receipt =>
  typeof value === "object" && value !== null && "receive" in value;

/** What a message says, without what the bus makes up. */
function bodyOf(text: string): string {
  const read = JSON.parse(text) as { detail?: unknown; "detail-type"?: string; source?: string };
  if (read.detail === undefined) return text;
  return JSON.stringify([read["detail-type"], read.source, read.detail]);
}

interface Answer {
  SecretString?: string;
  Successful?: { Id: string; MessageId?: string }[];
  Failed?: { Id: string; Code: string; SenderFault: boolean }[];
  FailedEntryCount?: number;
  Entries?: { EventId?: string; ErrorCode?: string }[];
  Contents?: { Key: string }[];
  Body?: { transformToByteArray(): Promise<Uint8Array> };
  Metadata?: Record<string, string>;
  MessageId?: string;
  ScheduleArn?: string;
}

async function answerOf(call: Call, name: string, input: Input): Promise<unknown> {
  try {
    const answer = ((await call(name, input)) ?? {}) as Answer;
    const { Body, Contents, Entries, FailedEntryCount, SecretString } = answer;
    const { Successful = [], Failed = [] } = answer;
    const bytes = await Body?.transformToByteArray();
    return {
      ...{ FailedEntryCount, SecretString },
      entries: Entries?.map(({ EventId, ErrorCode }) => ErrorCode ?? EventId !== undefined),
      successful: Successful.map((one) => [one.Id, one.MessageId !== undefined]).sort(),
      failed: Failed.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]).sort(),
      keys: Contents?.map(({ Key }) => Key) ?? [],
      text: bytes && Buffer.from(bytes).toString(),
      metadata: { ...answer.Metadata },
      hasMessageId: answer.MessageId !== undefined,
      hasArn: answer.ScheduleArn !== undefined,
    };
  } catch (error) {
    return { error: (error as Error).name };
  }
}

import type { Faults } from "../engine/faults.ts";
import type { Loop } from "../engine/loop.ts";
import type { Random } from "../engine/random.ts";
import { Refusal } from "./refusal.ts";
import {
  assertBatch,
  assertMessage,
  assertVisibility,
  eachEntry,
  type Outgoing,
} from "./sqs-limits.ts";

/** A queue of work, as `infra` configures it. Times in milliseconds. */
export interface QueueDefinition {
  visibilityMs: number;
  maxReceives: number;
  /** The event source of the function that it feeds. */
  batchSize: number;
  batchWindowMs: number;
  maxConcurrency: number;
  functionName: string;
}

export interface Message {
  messageId: string;
  body: string;
  sentMs: number;
  receives: number;
  visibleMs: number;
  receiptHandle: string;
  isDeleted: boolean;
}

/** What Lambda gives a function of a batch; the function's result, or `undefined` when it gave none. */
export type InvokeBatch = (
  queue: string,
  messages: readonly Message[],
) => Promise<ReadonlySet<string> | undefined>;

interface Queue extends QueueDefinition {
  messages: Set<Message>;
  busy: number;
  random: Random;
}

/** Milliseconds until the pollers of an event source see a message. */
const POLL_MS = [5, 250] as const;

/** A delayed or duplicated message. One half of the duplicates comes within two seconds. */
const LATE_MS = [2_000, 120_000] as const;
const SOON_MS = [0, 2_000] as const;

/** The form of a receipt handle. */
const RECEIPT_HANDLE = /^r-\d+$/;

/** SQS standard queues with the event sources that feed functions from them. */
export function makeSqs(of: {
  loop: Loop;
  faults: Faults;
  /** Makes the stream of one queue. */
  randomFor: (purpose: string) => Random;
  queues: Readonly<Record<string, QueueDefinition>>;
  invoke: InvokeBatch;
  onDeadLetter: (queue: string, body: string) => void;
}) {
  const { loop, faults, randomFor, invoke, onDeadLetter } = of;
  const queues = new Map<string, Queue>(
    Object.entries(of.queues).map(([name, queue]) => [
      name,
      { ...queue, messages: new Set<Message>(), busy: 0, random: randomFor(`sqs/${name}`) },
    ]),
  );
  let ids = 0;
  let receipts = 0;

  const nameOf = (url: string) => url.split(/[/:]/).at(-1) ?? "";

  function queueOf(name: string): Queue {
    const queue = queues.get(name);
    if (!queue) throw new Error(`there is no queue ${name}`);
    return queue;
  }

  /** Puts a message into a queue; with faults late, or twice, both with one id. */
  function send(name: string, body: string, delaySeconds = 0): string {
    const { random } = queueOf(name);
    const messageId = `m-${++ids}`;
    const fault = faults.draw(`${name}.message`, { duplicate: 5, late: 5, reorder: 5 });
    const lateMs = fault === "late" || fault === "reorder" ? random.int(...LATE_MS) : 0;
    const visibleMs = loop.nowMs() + delaySeconds * 1_000;
    add(name, {
      messageId,
      body,
      visibleMs: visibleMs + (fault === "reorder" ? lateMs / 20 : lateMs),
    });
    if (fault === "duplicate") {
      add(name, { messageId, body, visibleMs: visibleMs + duplicateMs(random) });
    }
    return messageId;
  }

  const duplicateMs = (random: Random) =>
    random.chance(0.5) ? random.int(...SOON_MS) : random.int(...LATE_MS);

  function add(name: string, of: Pick<Message, "messageId" | "body" | "visibleMs">): void {
    const message = {
      ...of,
      sentMs: loop.nowMs(),
      receives: 0,
      receiptHandle: "",
      isDeleted: false,
    };
    queueOf(name).messages.add(message);
    pollAt(name, message.visibleMs);
  }

  function pollAt(name: string, ms: number): void {
    const { random, batchWindowMs } = queueOf(name);
    loop.at(ms + random.int(...POLL_MS) + batchWindowMs, () => void poll(name));
  }

  async function poll(name: string): Promise<void> {
    const queue = queueOf(name);
    if (queue.busy >= queue.maxConcurrency) return;
    const batch = receive(name, queue, queue.batchSize);
    if (batch.length === 0) return;
    const handles = batch.map(({ receiptHandle }) => receiptHandle);
    queue.busy++;
    const failed = await invoke(name, batch);
    queue.busy--;
    for (const [n, message] of batch.entries()) {
      settle(name, queue, { message, handle: handles[n] ?? "", failed });
    }
    pollAt(name, loop.nowMs());
  }

  /** Visible messages in any order; those that were received too often become dead letters. */
  function receive(name: string, queue: Queue, most: number): Message[] {
    const visible = [...queue.messages].filter(({ visibleMs }) => visibleMs <= loop.nowMs());
    const spent = visible.filter(({ receives }) => receives >= queue.maxReceives);
    for (const message of spent) {
      remove(queue, message);
      onDeadLetter(name, message.body);
    }
    const left = visible.filter(({ isDeleted }) => !isDeleted);
    const isShuffled = left.length > 1 && faults.draw(`${name}.order`, { reorder: 50 });
    const batch = (isShuffled ? shuffled(left, queue.random) : left).slice(0, most);
    for (const message of batch) {
      message.receives++;
      message.receiptHandle = `r-${++receipts}`;
      // At least once: a message can be received again although it is in flight.
      const isSeenAgain = faults.draw(`${name}.receive`, { duplicate: 30 }) === "duplicate";
      message.visibleMs =
        loop.nowMs() + (isSeenAgain ? duplicateMs(queue.random) : queue.visibilityMs);
      pollAt(name, message.visibleMs);
    }
    return batch;
  }

  function settle(
    name: string,
    queue: Queue,
    of: { message: Message; handle: string; failed: ReadonlySet<string> | undefined },
  ): void {
    const { message, handle, failed } = of;
    if (!failed || failed.has(message.messageId)) {
      pollAt(name, message.visibleMs);
      return;
    }
    // A delete that fails: the message comes again.
    if (faults.draw(`${name}.delete`, { duplicate: 5 })) return;
    if (isInFlight(message, handle)) remove(queue, message);
  }

  /**
   * Whether this receipt handle still acts on the message: that of an earlier receive deletes
   * nothing. One whose visibility timeout has ended may delete on SQS; here it never does, which is
   * the worse case.
   */
  const isInFlight = ({ receiptHandle, visibleMs }: Message, handle: string) =>
    receiptHandle === handle && visibleMs > loop.nowMs();

  /** @throws Refusal of what is no receipt handle */
  function findInFlight(name: string, handle: string): Message | undefined {
    if (!RECEIPT_HANDLE.test(handle)) {
      throw new Refusal("ReceiptHandleIsInvalid", `${handle} is no receipt handle`);
    }
    return [...queueOf(name).messages].find((message) => isInFlight(message, handle));
  }

  function remove(queue: Queue, message: Message): void {
    message.isDeleted = true;
    queue.messages.delete(message);
  }

  /** @throws Refusal */
  function sendChecked(name: string, message: Outgoing) {
    assertMessage(message);
    return { MessageId: send(name, message.MessageBody, message.DelaySeconds) };
  }

  /** @throws Refusal */
  function changeVisibility(name: string, { ReceiptHandle, VisibilityTimeout }: Visibility) {
    const message = findInFlight(name, ReceiptHandle);
    assertVisibility(VisibilityTimeout);
    if (!message) throw new Refusal("MessageNotInflight", "the message is not in flight");
    message.visibleMs = loop.nowMs() + VisibilityTimeout * 1_000;
    pollAt(name, message.visibleMs);
    return {};
  }

  return {
    send,
    operations: {
      SendMessageCommand: ({ QueueUrl, ...message }: InQueue & Outgoing) =>
        sendChecked(nameOf(QueueUrl), message),
      SendMessageBatchCommand({ QueueUrl, Entries }: InQueue & Batch<Outgoing>) {
        assertBatch(Entries);
        const lost = faults.draw("SendMessageBatch.partial", { partial: 20 })
          ? Entries.slice(-1)
          : [];
        const taken = Entries.slice(0, Entries.length - lost.length);
        const { Successful, Failed } = eachEntry(taken, (entry) =>
          sendChecked(nameOf(QueueUrl), entry),
        );
        const failed = lost.map(({ Id }) => ({ Id, Code: "InternalError", SenderFault: false }));
        return { Successful, Failed: [...Failed, ...failed] };
      },
      ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }: InQueue & Batch<Visibility>) {
        assertBatch(Entries);
        return eachEntry(Entries, (entry) => changeVisibility(nameOf(QueueUrl), entry));
      },
      /** For the comparison with other services: functions get messages from their event source. */
      ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages,
      }: InQueue & { MaxNumberOfMessages: number }) {
        const name = nameOf(QueueUrl);
        const batch = receive(name, queueOf(name), MaxNumberOfMessages);
        return {
          Messages: batch.map(({ messageId, body, receiptHandle, receives }) => ({
            ...{ MessageId: messageId, Body: body, ReceiptHandle: receiptHandle },
            Attributes: { ApproximateReceiveCount: String(receives) },
          })),
        };
      },
      /** For the comparison, too: it deletes what an event source deletes. */
      DeleteMessageBatchCommand({ QueueUrl, Entries }: InQueue & Batch<{ ReceiptHandle: string }>) {
        assertBatch(Entries);
        const name = nameOf(QueueUrl);
        return eachEntry(Entries, ({ ReceiptHandle }) => {
          const message = findInFlight(name, ReceiptHandle);
          if (message) remove(queueOf(name), message);
          return {};
        });
      },
    },
    /** Messages that are visible, delayed or being processed. */
    count: () => [...queues.values()].reduce((sum, { messages }) => sum + messages.size, 0),
  };
}

interface InQueue {
  QueueUrl: string;
}

interface Batch<Entry> {
  Entries: (Entry & { Id: string })[];
}

interface Visibility {
  ReceiptHandle: string;
  VisibilityTimeout: number;
}

function shuffled<T>(all: readonly T[], random: Random): T[] {
  return all
    .map((one) => ({ one, by: random.next() }))
    .sort((a, b) => a.by - b.by)
    .map(({ one }) => one);
}

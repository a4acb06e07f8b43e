import type { Faults } from "../engine/faults.ts";
import type { Loop } from "../engine/loop.ts";
import type { Random } from "../engine/random.ts";

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

const MAX_DELAY_SECONDS = 900;

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

  const nameOf = (url: string) => url.split(/[/:]/).at(-1) ?? "";

  function queueOf(name: string): Queue {
    const queue = queues.get(name);
    if (!queue) throw new Error(`there is no queue ${name}`);
    return queue;
  }

  /** Puts a message into a queue; with faults late, or twice, the copy with an id of its own. */
  function send(name: string, body: string, delaySeconds = 0): string {
    if (delaySeconds > MAX_DELAY_SECONDS) throw new Error("the delay of a message is too long");
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
    const batch = receive(name, queue);
    if (batch.length === 0) return;
    queue.busy++;
    const failed = await invoke(name, batch);
    queue.busy--;
    for (const message of batch) settle(name, queue, { message, failed });
    pollAt(name, loop.nowMs());
  }

  /** Visible messages in any order; those that were received too often become dead letters. */
  function receive(name: string, queue: Queue): Message[] {
    const visible = [...queue.messages].filter(({ visibleMs }) => visibleMs <= loop.nowMs());
    const spent = visible.filter(({ receives }) => receives >= queue.maxReceives);
    for (const message of spent) {
      remove(queue, message);
      onDeadLetter(name, message.body);
    }
    const left = visible.filter(({ isDeleted }) => !isDeleted);
    const isShuffled = left.length > 1 && faults.draw(`${name}.order`, { reorder: 50 });
    const batch = (isShuffled ? shuffled(left, queue.random) : left).slice(0, queue.batchSize);
    for (const message of batch) {
      message.receives++;
      message.receiptHandle = `${message.messageId}/${message.receives}`;
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
    { message, failed }: { message: Message; failed: ReadonlySet<string> | undefined },
  ): void {
    if (!failed || failed.has(message.messageId)) {
      pollAt(name, message.visibleMs);
      return;
    }
    // A delete that fails, or that comes after the visibility timeout: the message comes again.
    if (faults.draw(`${name}.delete`, { duplicate: 5 })) return;
    if (message.visibleMs > loop.nowMs()) remove(queue, message);
  }

  function remove(queue: Queue, message: Message): void {
    message.isDeleted = true;
    queue.messages.delete(message);
  }

  return {
    send,
    operations: {
      SendMessageCommand({
        QueueUrl,
        MessageBody,
        DelaySeconds,
      }: SendInput & { QueueUrl: string }) {
        return { MessageId: send(nameOf(QueueUrl), MessageBody, DelaySeconds) };
      },
      SendMessageBatchCommand({ QueueUrl, Entries }: { QueueUrl: string; Entries: Entry[] }) {
        const failed = faults.draw("SendMessageBatch.partial", { partial: 20 })
          ? Entries.slice(-1)
          : [];
        const sent = Entries.slice(0, Entries.length - failed.length);
        for (const { MessageBody, DelaySeconds } of sent) {
          send(nameOf(QueueUrl), MessageBody, DelaySeconds);
        }
        return {
          Successful: sent.map(({ Id }) => ({ Id })),
          Failed: failed.map(({ Id }) => ({ Id, Code: "InternalError", SenderFault: false })),
        };
      },
      ChangeMessageVisibilityBatchCommand({
        QueueUrl,
        Entries,
      }: {
        QueueUrl: string;
        Entries: { Id: string; ReceiptHandle: string; VisibilityTimeout: number }[];
      }) {
        const name = nameOf(QueueUrl);
        const Successful: { Id: string }[] = [];
        const Failed: { Id: string; Code: string; SenderFault: boolean }[] = [];
        for (const { Id, ReceiptHandle, VisibilityTimeout } of Entries) {
          const message = [...queueOf(name).messages].find(
            ({ receiptHandle }) => receiptHandle === ReceiptHandle,
          );
          if (!message) {
            Failed.push({ Id, Code: "ReceiptHandleIsInvalid", SenderFault: true });
            continue;
          }
          message.visibleMs = loop.nowMs() + VisibilityTimeout * 1_000;
          pollAt(name, message.visibleMs);
          Successful.push({ Id });
        }
        return { Successful, Failed };
      },
    },
    /** Messages that are visible, delayed or being processed. */
    count: () => [...queues.values()].reduce((sum, { messages }) => sum + messages.size, 0),
    bodies: (name: string) => [...queueOf(name).messages].map(({ body }) => body),
  };
}

interface SendInput {
  MessageBody: string;
  DelaySeconds?: number;
}

type Entry = SendInput & { Id: string };

function shuffled<T>(all: readonly T[], random: Random): T[] {
  return all
    .map((one) => ({ one, by: random.next() }))
    .sort((a, b) => a.by - b.by)
    .map(({ one }) => one);
}

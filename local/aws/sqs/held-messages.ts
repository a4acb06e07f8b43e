import type { BusinessTimers } from "../../clock/business-timers.ts";
import type { BusinessClock } from "../../clock/clock.ts";
import type { DurableStore } from "../../durable-store.ts";
import type { SqsMessage } from "./fauxqs.ts";

interface Held {
  queueName: string;
  dueAt: number;
  message: SqsMessage;
}

/** Messages with a delay, stored here until business time has reached their due time. */
export interface HeldMessages {
  /** Stores the message durably for `delayMs` of business time. */
  hold(queueName: string, message: SqsMessage, delayMs: number): void;
  count(queueName: string): number;
  /** Deletes all messages of a queue that was purged or deleted. */
  drop(queueName: string): void;
  /** Starts the timers of the stored messages. Overdue messages are released at once. */
  restore(): void;
}

/**
 * @param release puts a due message into its queue; a process that is killed
 *   right afterwards does so again, as SQS may deliver a message twice
 */
export function makeHeldMessages(options: {
  store: DurableStore;
  clock: BusinessClock;
  timers: BusinessTimers;
  release(queueName: string, message: SqsMessage): void;
}): HeldMessages {
  const collection = options.store.collection<Held>("sqs.heldMessages");
  const queueNames = new Map<string, string>();
  const counts = new Map<string, number>();

  function add(held: Held): void {
    const { messageId } = held.message;
    queueNames.set(messageId, held.queueName);
    counts.set(held.queueName, (counts.get(held.queueName) ?? 0) + 1);
    options.timers.set(`held ${messageId}`, held.dueAt, () => {
      options.release(held.queueName, held.message);
      remove(messageId);
    });
  }

  function remove(messageId: string): void {
    const queueName = queueNames.get(messageId) ?? "";
    options.timers.cancel(`held ${messageId}`);
    queueNames.delete(messageId);
    counts.set(queueName, (counts.get(queueName) ?? 1) - 1);
    collection.delete(messageId);
  }

  return {
    hold(queueName, message, delayMs) {
      const held = { queueName, dueAt: options.clock.now() + delayMs, message };
      collection.put(message.messageId, held);
      add(held);
    },
    count: (queueName) => counts.get(queueName) ?? 0,
    drop(queueName) {
      for (const [messageId, name] of [...queueNames]) if (name === queueName) remove(messageId);
    },
    restore() {
      for (const [, held] of collection.entries()) add(held);
    },
  };
}

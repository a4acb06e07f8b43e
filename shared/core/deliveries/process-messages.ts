import type { AttemptMessage } from "../../contracts/messages/delivery.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type { AttemptDeliveries } from "./attempts/attempt-deliveries.ts";
import type { AttemptMessageOutcome } from "./attempts/finish-batch.ts";
import type { CreateDeliveries, CreateOutcome } from "./creation/create-deliveries.ts";
import type { RunBulkJob } from "./run-bulk-job.ts";
import type { AttemptQueueName } from "./state/ports.ts";

/** The queues that `deliver` is invoked by. Lambda invokes it with messages of one queue at a time. */
export type SourceQueueName = "fanout" | AttemptQueueName;

/** A message of one of these queues. */
export type ParsedMessage =
  | { kind: "event"; body: string }
  | { kind: "attempt"; message: AttemptMessage }
  | { kind: "job"; jobId: string }
  /** The message could not be parsed. */
  | MessageFailure;

export type ParsedMessageOutcome = CreateOutcome | AttemptMessageOutcome | { kind: "jobRan" };

export interface ProcessMessagesDeps {
  createDeliveries: CreateDeliveries;
  attemptDeliveries: AttemptDeliveries;
  runBulkJob: RunBulkJob;
}

interface ProcessMessagesOptions {
  queue: SourceQueueName;
  /** Real time until Lambda ends the invocation. */
  remainingMs: () => number;
}

export type ProcessMessages = (
  messages: readonly ParsedMessage[],
  options: ProcessMessagesOptions,
) => Promise<ParsedMessageOutcome[]>;

/**
 * Processes one batch of messages: creates deliveries for events, makes attempts, runs
 * bulk jobs.
 *
 * Returns one outcome for each message, in order. Never rejects because of a dependency:
 * the messages concerned fail, and SQS delivers them again.
 */
export function makeProcessMessages(deps: ProcessMessagesDeps): ProcessMessages {
  return async (messages, { queue, remainingMs }) => {
    // Attempts come from the other two queues only: for the events queue (`fanout`) the value is not used.
    const attemptQueue = queue === "attempts" ? "attempts" : "retries";
    const indexed = messages.map((message, index) => ({ ...message, index }));
    const events = indexed.filter((one) => one.kind === "event");
    const attempts = indexed.filter((one) => one.kind === "attempt");
    const jobs = indexed.filter((one) => one.kind === "job");
    const bodies = events.map(({ body }) => body);
    const attemptMessages = attempts.map(({ message }) => message);
    const [created, attempted, ran] = await Promise.all([
      bodies.length > 0 ? deps.createDeliveries(bodies) : [],
      attemptMessages.length > 0
        ? deps.attemptDeliveries(attemptQueue, attemptMessages, remainingMs)
        : [],
      Promise.all(jobs.map(({ jobId }) => runJob(jobId, remainingMs))),
    ]);
    const outcomes = new Map<number, ParsedMessageOutcome | undefined>([
      ...events.map(({ index }, nth) => [index, created[nth]] as const),
      ...attempts.map(({ index }, nth) => [index, attempted[nth]] as const),
      ...jobs.map(({ index }, nth) => [index, ran[nth]] as const),
    ]);
    return messages.map((message, index) => {
      if (message.kind === "failed") return message;
      return (
        outcomes.get(index) ??
        toMessageFailure(new Error(`The message at index ${index} of the batch has no outcome`))
      );
    });
  };

  async function runJob(jobId: string, remainingMs: () => number): Promise<ParsedMessageOutcome> {
    try {
      await deps.runBulkJob(jobId, remainingMs);
      return { kind: "jobRan" };
    } catch (error) {
      return toMessageFailure(error);
    }
  }
}

import { randomUUID } from "node:crypto";
import type { Operations } from "../protocol.ts";
import type { Fauxqs, SqsQueue } from "./fauxqs.ts";
import { sqsError } from "./sqs-errors.ts";

interface MoveTask {
  TaskHandle: string;
  SourceArn: string;
  DestinationArn?: string;
  Status: "COMPLETED" | "FAILED";
  FailureReason?: string;
  ApproximateNumberOfMessagesMoved: number;
  ApproximateNumberOfMessagesToMove: number;
  StartedTimestamp: number;
}

/**
 * Operations for the redrive from a dead-letter queue. The move is complete and
 * durable when StartMessageMoveTask responds.
 */
export function redriveOperations(fauxqs: Fauxqs): Operations {
  const tasks: MoveTask[] = [];

  function sourcesOf(deadLetterArn: string): SqsQueue[] {
    return [...fauxqs.sqs.allQueues()].filter((queue) => {
      const policy = queue.attributes.RedrivePolicy;
      if (!policy) return false;
      const { deadLetterTargetArn } = JSON.parse(policy) as { deadLetterTargetArn?: string };
      return deadLetterTargetArn === deadLetterArn;
    });
  }

  /** @throws AwsError as SQS does: before anything is moved */
  function assertMovable(source: SqsQueue, destinationArn: string | undefined): void {
    if (source.isFifo()) {
      throw sqsError("UnsupportedOperation", "The local run does not redrive FIFO queues.");
    }
    if (sourcesOf(source.arn).length === 0) {
      throw sqsError(
        "InvalidParameterValue",
        "Source queue must be configured as a Dead Letter Queue.",
      );
    }
    if (destinationArn !== undefined && !fauxqs.sqs.getQueueByArn(destinationArn)) {
      throw sqsError("ResourceNotFoundException", `There is no queue ${destinationArn}.`);
    }
  }

  /**
   * Moves messages, the oldest first, until one has no destination: a message that was sent to the
   * dead-letter queue itself has no source queue to return to.
   *
   * @returns why the task failed, if it did, in SQS's word
   */
  function move(source: SqsQueue, destinationArn: string | undefined) {
    let moved = 0;
    for (;;) {
      const [message] = source.messages;
      if (!message) return { moved };
      const arn = destinationArn ?? message.deadLetterSourceArn;
      if (arn === undefined) return { moved, failure: "CouldNotDetermineMessageSource" };
      const destination = fauxqs.sqs.getQueueByArn(arn);
      if (!destination) return { moved, failure: "AWS.SimpleQueueService.NonExistentQueue" };
      source.messages.shift();
      const { deadLetterSourceArn, ...rest } = message;
      // Writing to the destination replaces the message's row of the source queue.
      destination.enqueue({
        ...rest,
        approximateReceiveCount: 0,
        approximateFirstReceiveTimestamp: undefined,
      });
      moved += 1;
    }
  }

  return {
    StartMessageMoveTask: (input: { SourceArn: string; DestinationArn?: string }) => {
      const source = fauxqs.sqs.getQueueByArn(input.SourceArn);
      if (!source) {
        throw sqsError(
          "ResourceNotFoundException",
          "The resource that you specified for the SourceArn parameter doesn't exist.",
        );
      }
      assertMovable(source, input.DestinationArn);
      source.processTimers();
      const toMove = source.messages.length;
      const { moved, failure } = fauxqs.atomically(() => move(source, input.DestinationArn));
      const task: MoveTask = {
        TaskHandle: randomUUID(),
        SourceArn: input.SourceArn,
        ...(input.DestinationArn === undefined ? {} : { DestinationArn: input.DestinationArn }),
        Status: failure === undefined ? "COMPLETED" : "FAILED",
        ...(failure === undefined ? {} : { FailureReason: failure }),
        ApproximateNumberOfMessagesMoved: moved,
        ApproximateNumberOfMessagesToMove: toMove,
        StartedTimestamp: Date.now(),
      };
      tasks.unshift(task);
      return { TaskHandle: task.TaskHandle };
    },
    ListMessageMoveTasks: (input: { SourceArn: string; MaxResults?: number }) => ({
      Results: tasks
        .filter((task) => task.SourceArn === input.SourceArn)
        .slice(0, input.MaxResults ?? 1)
        .map(({ TaskHandle, ...task }) => task),
    }),
    ListDeadLetterSourceQueues: (input: { QueueUrl: string }) => {
      const queue = fauxqs.sqs.getQueue(String(input.QueueUrl));
      if (!queue) throw sqsError("QueueDoesNotExist", "The specified queue does not exist.");
      return { queueUrls: sourcesOf(queue.arn).map((source) => source.url) };
    },
  };
}

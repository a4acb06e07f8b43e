import { randomUUID } from "node:crypto";
import type { Operations } from "../protocol.ts";
import type { Fauxqs, SqsQueue } from "./fauxqs.ts";
import { sqsError } from "./sqs-errors.ts";

interface MoveTask {
  TaskHandle: string;
  SourceArn: string;
  DestinationArn?: string;
  Status: "COMPLETED";
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

  function destinationOf(source: SqsQueue, given: string | undefined): SqsQueue {
    if (given !== undefined) {
      const queue = fauxqs.sqs.getQueueByArn(given);
      if (queue) return queue;
      throw sqsError("ResourceNotFoundException", `There is no queue ${given}.`);
    }
    const [first, ...others] = sourcesOf(source.arn);
    if (!first) {
      throw sqsError(
        "InvalidParameterValue",
        "Source queue must be configured as a Dead Letter Queue.",
      );
    }
    if (others.length > 0) {
      // SQS stores the source queue of each message; fauxqs does not.
      throw sqsError(
        "UnsupportedOperation",
        `Several queues use ${source.arn} as dead-letter queue: set DestinationArn.`,
      );
    }
    return first;
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
      if (source.isFifo()) {
        throw sqsError("UnsupportedOperation", "The local run does not redrive FIFO queues.");
      }
      const destination = destinationOf(source, input.DestinationArn);
      source.processTimers();
      const moving = source.messages;
      source.messages = [];
      // Writing to the destination replaces the message's row of the source queue.
      fauxqs.atomically(() => {
        for (const message of moving) {
          message.approximateReceiveCount = 0;
          message.approximateFirstReceiveTimestamp = undefined;
          destination.enqueue(message);
        }
      });
      const task: MoveTask = {
        TaskHandle: randomUUID(),
        SourceArn: input.SourceArn,
        ...(input.DestinationArn === undefined ? {} : { DestinationArn: input.DestinationArn }),
        Status: "COMPLETED",
        ApproximateNumberOfMessagesMoved: moving.length,
        ApproximateNumberOfMessagesToMove: moving.length,
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

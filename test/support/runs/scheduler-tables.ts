import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { openLocalTables } from "./local-tables.ts";

/**
 * EventBridge Scheduler and the queue to which its schedules send. The group, the role and the
 * queues come from the template, so that their wiring is tested too.
 */
export async function openScheduler(options?: Parameters<typeof openLocalTables>[0]) {
  const opened = new AsyncDisposableStack();
  const aws = await openLocalTables(options);
  opened.defer(aws.close);
  const client = new SchedulerClient(aws.awsClientConfig);
  opened.defer(() => client.destroy());
  const sqs = new SQSClient(aws.awsClientConfig);
  opened.defer(() => sqs.destroy());
  const QueueUrl = aws.variable("SUBMIT_QUEUE_URL");
  return {
    /** What an adapter of schedules is made of. */
    target: {
      client,
      groupName: aws.variable("SCHEDULE_GROUP"),
      roleArn: aws.variable("SCHEDULE_ROLE_ARN"),
      queueArn: aws.variable("SUBMIT_QUEUE_ARN"),
      deadLetterArn: aws.variable("SCHEDULE_DLQ_ARN"),
    },
    /** Takes messages out of the queue. */
    async received(): Promise<unknown[]> {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
      );
      for (const { ReceiptHandle } of Messages) {
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
      return Messages.map(({ Body = "" }) => JSON.parse(Body));
    },
    close: () => opened.disposeAsync(),
  };
}

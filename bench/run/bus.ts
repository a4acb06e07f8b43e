import { setTimeout } from "node:timers/promises";
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { LocalFile } from "../../local/run/local-file.ts";

/** One publish of an event. Several with one id are the same event again. */
export interface Published {
  /** Of the publish, given by the bus. */
  publishId: string;
  id: string;
  requestId?: string;
  /** Of a workflow's event. */
  status?: string;
  result?: unknown;
  detail: string;
}

const RECEIVERS = 2;

/** Attaches a queue to the bus as another team would, and receives every event of one type. */
export async function attachConsumer(
  local: LocalFile,
  type = "workflow.completed",
  /** Of the queue and of its rule; every consumer of one run has its own. */
  Name = "bench",
) {
  const config = {
    endpoint: local.awsEndpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
    maxAttempts: 1,
  };
  const sqs = new SQSClient(config);
  const bus = new EventBridgeClient(config);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: Name }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
  );
  const EventPattern = JSON.stringify({ source: ["ackwire"], "detail-type": [type] });
  await bus.send(new PutRuleCommand({ EventBusName: local.busName, Name, EventPattern }));
  const Targets = [{ Id: "queue", Arn: Attributes?.QueueArn }];
  await bus.send(new PutTargetsCommand({ EventBusName: local.busName, Rule: Name, Targets }));

  /** By the bus's own id: a message that SQS gives out twice is one publish. */
  const published = new Map<string, Published>();
  const requestIds = new Set<string>();
  const ids = new Set<string>();
  const stop = new AbortController();

  async function receive(): Promise<void> {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }),
      { abortSignal: stop.signal },
    );
    if (Messages.length === 0) return;
    for (const { Body = "" } of Messages) {
      const event = readPublished(Body);
      published.set(event.publishId, event);
      ids.add(event.id);
      if (event.requestId !== undefined) requestIds.add(event.requestId);
    }
    const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }

  const receiving = Array.from({ length: RECEIVERS }, async () => {
    while (!stop.signal.aborted) {
      // The local run may be down just now.
      await receive().catch(() => setTimeout(250));
    }
  });

  return {
    /** Requests whose end was on the bus. */
    completed: () => requestIds.size,
    /** Different events, however often each was published. */
    events: () => ids.size,
    published: () => [...published.values()],
    async close() {
      stop.abort();
      await Promise.all(receiving);
    },
  };
}

function readPublished(body: string): Published {
  const { id, detail } = JSON.parse(body) as {
    id: string;
    detail: { id: string; data: { requestId?: string; status?: string; result?: unknown } };
  };
  const { requestId, status, result } = detail.data;
  return {
    publishId: id,
    id: detail.id,
    ...(requestId === undefined ? {} : { requestId }),
    ...(status === undefined ? {} : { status }),
    result,
    detail: JSON.stringify(detail),
  };
}

import { randomUUID } from "node:crypto";
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import * as z from "zod/mini";
import { eventDetail } from "../../../shared/contracts/events.ts";
import { WAIT_TIMEOUT_MS } from "../wait-timeout.ts";

/** Absent from `webhook.disabled`, which concerns no event. */
const data = z.extend(eventDetail.shape.data, { eventType: z.optional(z.string()) });

const busMessage = z.object({
  source: z.string(),
  "detail-type": z.string(),
  detail: z.extend(eventDetail, { data }),
});

export type BusMessage = z.output<typeof busMessage>;

/** A consumer of the bus as another team would attach one: PutRule, PutTargets, a queue. */
export async function attachBusConsumer(run: {
  awsUrl: string;
  busName: string;
  name?: string;
  /** Only events of this connection: events of an earlier test may still arrive. */
  connectionId?: string;
}) {
  const config = {
    endpoint: run.awsUrl,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const sqs = new SQSClient(config);
  const bus = new EventBridgeClient(config);
  const name = run.name ?? `consumer-${randomUUID()}`;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
  );
  const EventPattern = JSON.stringify({ source: ["ackwire"] });
  await bus.send(new PutRuleCommand({ EventBusName: run.busName, Name: name, EventPattern }));
  const Targets = [{ Id: "queue", Arn: Attributes?.QueueArn }];
  await bus.send(new PutTargetsCommand({ EventBusName: run.busName, Rule: name, Targets }));

  const received: BusMessage[] = [];
  /** Each message as it came, repeated ones too. */
  const bodies: string[] = [];

  async function receive(waitSeconds: number): Promise<number> {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: waitSeconds,
      }),
    );
    if (Messages.length === 0) return 0;
    bodies.push(...Messages.map(({ Body = "" }) => Body));
    const messages = Messages.map(({ Body = "" }) => busMessage.parse(JSON.parse(Body)));
    received.push(...messages.filter(({ detail }) => detail.id.includes(run.connectionId ?? "")));
    const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    return Messages.length;
  }

  return {
    received,
    bodies,
    ids: () => received.map(({ detail }) => detail.id),
    /** Receives until `distinct` events or the end of the time, and then until the queue is empty. */
    async collect(distinct: number, forMs = WAIT_TIMEOUT_MS): Promise<BusMessage[]> {
      const until = Date.now() + forMs;
      while (new Set(received.map(({ detail }) => detail.id)).size < distinct) {
        if (Date.now() > until) break;
        await receive(1);
      }
      while ((await receive(1)) > 0);
      return received;
    },
  };
}

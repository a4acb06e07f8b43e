import { randomUUID } from "node:crypto";
import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { Json } from "./api.ts";
import type { AwsSettings } from "./target.ts";
import { until } from "./until.ts";

/** An event as EventBridge sends it to a rule's target. */
export interface BusEvent {
  source: string;
  "detail-type": string;
  detail: { id: string; type: string; clientId: string; data: Json };
  [member: string]: unknown;
}

export type BusConsumer = Awaited<ReturnType<typeof attachConsumer>>;

const TARGET_ID = "queue";

/**
 * A consumer of the bus as another team attaches one: a rule for the events of some clients, and a
 * queue of its own as its target.
 */
export async function attachConsumer(
  aws: AwsSettings,
  busName: string,
  clientIds: readonly string[],
) {
  const sqs = new SQSClient(aws);
  const bus = new EventBridgeClient(aws);
  const name = `ackwire-acceptance-${randomUUID()}`;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
  );
  const Arn = Attributes?.QueueArn ?? "";
  const { RuleArn = "" } = await bus.send(
    new PutRuleCommand({
      EventBusName: busName,
      Name: name,
      EventPattern: JSON.stringify({ source: ["ackwire"], detail: { clientId: clientIds } }),
    }),
  );
  await sqs.send(
    new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: policyOf(Arn, RuleArn) } }),
  );
  await bus.send(
    new PutTargetsCommand({ EventBusName: busName, Rule: name, Targets: [{ Id: TARGET_ID, Arn }] }),
  );

  const received: BusEvent[] = [];
  let isClosed = false;
  let failure: unknown;
  const listening = listen().catch((error: unknown) => {
    failure = error;
  });

  async function listen(): Promise<void> {
    while (!isClosed) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
      );
      if (Messages.length === 0) continue;
      received.push(...Messages.map(({ Body = "" }) => JSON.parse(Body) as BusEvent));
      const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  }

  return {
    /** Every event that came so far, repeated ones too. */
    received: received as readonly BusEvent[],

    /** Waits for an event of this type whose `data` matches. */
    event: (type: string, matches: (data: Json) => boolean): Promise<BusEvent> =>
      until(`an event ${type} on the bus`, () => {
        if (failure !== undefined) throw failure;
        return received.find(({ detail }) => detail.type === type && matches(detail.data));
      }),

    async close(): Promise<void> {
      isClosed = true;
      await listening;
      const rule = { EventBusName: busName, Rule: name };
      await bus.send(new RemoveTargetsCommand({ ...rule, Ids: [TARGET_ID] }));
      await bus.send(new DeleteRuleCommand({ EventBusName: busName, Name: name }));
      await sqs.send(new DeleteQueueCommand({ QueueUrl }));
      sqs.destroy();
      bus.destroy();
    },
  };
}

/** Lets the rule, and nothing else, send to the queue. */
function policyOf(queueArn: string, ruleArn: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: queueArn,
        Condition: { ArnEquals: { "aws:SourceArn": ruleArn } },
      },
    ],
  });
}

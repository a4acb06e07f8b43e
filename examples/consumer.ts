/**
 * Prints each event of the local run's bus, once it has a rule and a queue of its own:
 *
 *     npx node examples/consumer.ts
 *
 * The rule and the queue have the name in `NAME`; a second consumer needs another one. It runs until
 * Ctrl-C, and uses the clients of the AWS SDK as a program on AWS does, but for the endpoint.
 */
import { readFileSync } from "node:fs";
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";

const name = process.env.NAME ?? "example-consumer";
const local = JSON.parse(readFileSync(process.env.LOCAL ?? ".ackwire/local.json", "utf8"));
const aws = {
  endpoint: local.awsEndpoint,
  region: local.region,
  credentials: { accessKeyId: "any", secretAccessKey: "any" },
};
const sqs = new SQSClient(aws);
const bus = new EventBridgeClient(aws);

const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
const rule = { EventBusName: local.busName, EventPattern: '{"source":["ackwire"]}' };
await bus.send(new PutRuleCommand({ ...rule, Name: name }));
const target = { Id: "1", Arn: `arn:aws:sqs:${local.region}:000000000000:${name}` };
await bus.send(
  new PutTargetsCommand({ EventBusName: local.busName, Rule: name, Targets: [target] }),
);
console.log(`The events of ${local.busName} are printed here.`);

for (;;) {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 10 }),
  );
  for (const { Body = "{}", ReceiptHandle } of Messages) {
    const event = JSON.parse(Body);
    console.log(event["detail-type"], event.detail.id);
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }
}

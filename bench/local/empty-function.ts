import { rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { startAws } from "../../local/aws/aws.ts";
import { makeBusinessClock } from "../../local/clock/clock.ts";
import { openDurableStore } from "../../local/durable-store.ts";
import { startMappings } from "../../local/event-source/event-source-mapping.ts";
import { functionCredentials } from "../../local/lambda/function-credentials.ts";
import { startLambdas } from "../../local/lambda/lambdas.ts";
import { loadTemplate } from "../../local/template/template.ts";
import { functionWithRole, writeAssembly } from "../../test/support/runs/cloud-assembly.ts";

const LIMIT_MS = 600_000;

const arn = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });

const resources = {
  Work: { Type: "AWS::SQS::Queue", Properties: { VisibilityTimeout: 600 } },
  ...functionWithRole("Empty"),
  Policy: {
    Type: "AWS::IAM::Policy",
    Properties: {
      Roles: [{ Ref: "EmptyRole" }],
      PolicyDocument: {
        Statement: [
          {
            Effect: "Allow",
            Action: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            Resource: arn("Work"),
          },
        ],
      },
    },
  },
  Mapping: {
    Type: "AWS::Lambda::EventSourceMapping",
    Properties: {
      EventSourceArn: arn("Work"),
      FunctionName: { Ref: "Empty" },
      FunctionResponseTypes: ["ReportBatchItemFailures"],
    },
  },
};

/** A queue, and a function in a process of its own that does nothing with its messages. */
export async function makeEmptyFunction() {
  const opened = new AsyncDisposableStack();
  const store = openDurableStore();
  opened.defer(() => store.close());
  const now = Date.now();
  const clock = makeBusinessClock({ realMs: now, businessMs: now, speed: 1 });
  const log = (line: string) => console.log(line);
  const aws = await startAws({ port: 0, store, clock, log });
  opened.defer(aws.close);
  const code = { Empty: { "index.js": "exports.handler = async () => {};" } };
  const assemblyDir = writeAssembly({ Resources: resources }, code);
  opened.defer(() => rmSync(assemblyDir, { recursive: true }));
  const template = loadTemplate({ assemblyDir, awsUrl: aws.url, apiUrl: aws.url });
  await aws.provision(template);
  const { accessKeyId } = functionCredentials("Empty");
  aws.registerCaller(accessKeyId, { name: "Empty", roleId: "EmptyRole" });
  const { registerCaller, url: awsUrl } = aws;
  const lambdas = startLambdas({ template, awsUrl, registerCaller, log });
  opened.defer(lambdas.close);
  await lambdas.warmUp();
  const credentials = { accessKeyId: "bench", secretAccessKey: "bench" };
  const sqs = new SQSClient({ endpoint: awsUrl, region: "us-east-1", credentials });
  const QueueUrl = `${awsUrl}/000000000000/Work`;

  async function leftCount(): Promise<number> {
    const get = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] });
    const { Attributes: of = {} } = await sqs.send(get);
    const parts = [of.ApproximateNumberOfMessages, of.ApproximateNumberOfMessagesNotVisible];
    return parts.reduce((sum, count) => sum + Number(count), 0);
  }

  return {
    async send(count: number): Promise<void> {
      for (let sent = 0; sent < count; sent += 10) {
        const Entries = Array.from({ length: Math.min(10, count - sent) }, (_, n) => ({
          Id: String(n),
          MessageBody: String(sent + n),
        }));
        await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      }
    },
    /**
     * Starts the mapping, and returns when nothing is left.
     *
     * @throws Error when messages are left after ten minutes
     */
    async workOffSeconds(): Promise<number> {
      const startedMs = performance.now();
      const mappings = await startMappings({
        template,
        awsUrl,
        lambdas,
        pollers: aws.pollers,
        log,
      });
      opened.defer(mappings.close);
      for (let left = await leftCount(); left > 0; left = await leftCount()) {
        if (performance.now() - startedMs > LIMIT_MS) throw new Error(`${left} messages are left`);
        await setTimeout(20);
      }
      return (performance.now() - startedMs) / 1_000;
    },
    close: () => opened.disposeAsync(),
  };
}

import { setTimeout as sleep } from "node:timers/promises";
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { localAws } from "../../../local/aws/local-aws.ts";
import type { FunctionSettings } from "../../../shared/contracts/settings.ts";
import { startAwsFaultProxy } from "../fakes/aws-fault-proxy.ts";
import { attachBusConsumer } from "../fakes/bus-consumer.ts";
import { WAIT_TIMEOUT_MS } from "../wait-timeout.ts";
import { changedSettings } from "./behind-fault-proxy.ts";
import { editedAssembly } from "./edited-assembly.ts";
import { startTestRun } from "./local-run.ts";

/** Times of the stack in seconds, if the deployed ones are too long for a test. */
interface Times {
  ingestDeadlineMs?: number;
  consumeTimeout?: number;
  lease?: number;
  visibility?: number;
  maxReceives?: number;
  batchSize?: number;
  connectionCache?: number;
}

const functionNames = ["ingest", "consume"];
const services = ["DYNAMODB", "SQS", "S3", "EVENTBRIDGE", "SECRETS_MANAGER"];

/** The queue on the bus. */
const CONSUMER = "bus-consumer";

export type FaultyRun = Awaited<ReturnType<typeof startFaultyRun>>;

/** A local run whose `ingest` and `consume` reach AWS through the fault proxy only. */
export async function startFaultyRun(times: Times = {}) {
  const proxy = await startAwsFaultProxy();
  const run = await startTestRun({
    assemblyDir: editedAssembly((template) => redirect(template, proxy.url, times)),
  }).catch(async (error: unknown) => {
    await proxy.close();
    throw error;
  });
  proxy.forwardTo(run.addresses.awsUrl);
  const sqs = new SQSClient(localAws(run.addresses.awsUrl));
  const consumer = await attachBusConsumer({
    awsUrl: run.addresses.awsUrl,
    busName: run.outputs.BusName ?? "",
    name: CONSUMER,
  });
  let isClosing = false;
  const dead: string[] = [];

  async function receiveDead() {
    const QueueUrl = run.outputs.InboundDlqUrl;
    const receive = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 });
    for (const { Body = "", ReceiptHandle } of (await sqs.send(receive)).Messages ?? []) {
      const webhook = /"bodyBase64":"([^"]+)/.exec(Body)?.[1] ?? "";
      dead.push(`${Body} ${Buffer.from(webhook, "base64")}`);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }

  /** Receives until the end of the run, so that a test only reads the received events. */
  async function forever(work: () => Promise<unknown>) {
    while (!isClosing) await work();
  }
  const pumping = [
    forever(() => consumer.collect(Number.POSITIVE_INFINITY, 500)),
    forever(receiveDead),
  ];

  async function waiting(QueueUrl: string | undefined): Promise<number> {
    const get = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] });
    const { Attributes } = await sqs.send(get);
    const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: taken } =
      Attributes ?? {};
    return Number(visible) + Number(taken);
  }

  return {
    ...run,
    proxy,
    sqs,
    inboundUrl: (provider: string) => {
      const connection = run.seed.connections.find((one) => one.provider === provider);
      return `${run.addresses.apiUrl}${connection?.inboundPath}`;
    },
    /** Returns when no webhook is in progress and every published event was received. */
    async quiet() {
      const queues = [
        run.outputs.InboundQueueUrl,
        `${run.addresses.awsUrl}/000000000000/${CONSUMER}`,
      ];
      const until = Date.now() + WAIT_TIMEOUT_MS;
      for (const queue of queues) {
        for (let left = await waiting(queue); left > 0; left = await waiting(queue)) {
          if (Date.now() > until) throw new Error(`${left} messages are still in ${queue}`);
          await sleep(50);
        }
      }
    },
    /** The events on the bus of webhooks whose workflow ids begin with this text, one text per copy. */
    eventsOf: (prefix: string) =>
      consumer.received
        .filter(({ detail }) => detail.data.workflowId?.startsWith(prefix))
        .map(({ detail }) => JSON.stringify(detail)),
    /** The number of dead-lettered messages that contain this text. */
    deadLettersOf: (text: string) => dead.filter((body) => body.includes(text)).length,
    close: async () => {
      isClosing = true;
      await Promise.all(pumping);
      await run.close();
      await proxy.close();
      sqs.destroy();
    },
  };
}

interface Template {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
}

function settingsFor(name: string, times: Times): Partial<FunctionSettings> {
  if (name === "consume") return times.lease ? { claimLeaseSeconds: times.lease } : {};
  const { ingestDeadlineMs, connectionCache } = times;
  return {
    ...(ingestDeadlineMs ? { inboundDeadlineMs: ingestDeadlineMs } : {}),
    ...(connectionCache === undefined ? {} : { connectionCacheSeconds: connectionCache }),
  };
}

function redirect({ Resources }: Template, proxyUrl: string, times: Times): void {
  for (const [id, { Type, Properties }] of Object.entries(Resources)) {
    if (Type === "AWS::SQS::Queue" && Properties.RedrivePolicy) {
      const policy = Properties.RedrivePolicy as { maxReceiveCount: number };
      Properties.VisibilityTimeout = times.visibility ?? Properties.VisibilityTimeout;
      policy.maxReceiveCount = times.maxReceives ?? policy.maxReceiveCount;
    }
    if (Type === "AWS::Lambda::EventSourceMapping") {
      Properties.BatchSize = times.batchSize ?? Properties.BatchSize;
    }
    const name = functionNames.find((one) => id.toLowerCase().startsWith(`ackwire${one}`));
    if (Type !== "AWS::Lambda::Function" || name === undefined) continue;
    if (name === "consume") Properties.Timeout = times.consumeTimeout ?? Properties.Timeout;
    const { Variables } = Properties.Environment as { Variables: Record<string, unknown> };
    const queue = Object.keys(Resources).find((one) => one.startsWith("AckwireInboundQueue"));
    Object.assign(
      Variables,
      Object.fromEntries(services.map((service) => [`AWS_ENDPOINT_URL_${service}`, proxyUrl])),
      {
        // The SQS client goes where the queue's URL points, whatever its endpoint is.
        INBOUND_QUEUE_URL: `${proxyUrl}/000000000000/${queue}`,
        // The user agent of each call contains the process that made it, so that it can be killed.
        NODE_OPTIONS: `--import data:text/javascript,process.env.AWS_SDK_UA_APP_ID='${name}-'+process.pid`,
      },
      { SETTINGS: changedSettings(Variables.SETTINGS, settingsFor(name, times)) },
    );
  }
}

import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import * as z from "zod/mini";
import { EVENT_SOURCE, eventDetail } from "../../shared/contracts/events.ts";
import { localAws } from "../aws/local-aws.ts";
import { type Sample, samples } from "../simulator/samples.ts";
import type { Simulator } from "../simulator/simulator.ts";
import type { WebhookAttempt } from "../simulator/webhook-sender.ts";
import { demonstrateRequests, STEP_TIMEOUT_MS } from "./demonstrate-requests.ts";
import { demonstrateWebhooks, type WebhooksDemonstration } from "./demonstrate-webhooks.ts";

const busMessage = z.object({ detail: eventDetail });

/** Timeout of a webhook of the samples (real). */
const ATTEMPT_TIMEOUT_MS = 15_000;

/**
 * The same name in every run: resources that a killed run left are reused, and
 * removed at the end.
 */
const CONSUMER = "ackwire-demonstration";

/**
 * Shows the whole pipeline: the simulated providers send the webhooks of their
 * documentation, some of them twice, and a consumer that is attached to the bus
 * like any AWS service receives each event once. Then requests are made, and at
 * last an event is delivered to a webhook.
 */
export async function demonstrate(
  options: Omit<WebhooksDemonstration, "receive"> & {
    awsUrl: string;
    busName: string;
    simulator: Simulator;
  },
): Promise<void> {
  const { print } = options;
  const run = Date.now().toString(36);
  const consumer = await attachConsumer(options.awsUrl, options.busName);
  try {
    print("");
    print(
      "A demonstration: two providers send webhooks, and a consumer receives from the event bus.",
    );
    print("");
    const received = new Map<string, number>();
    const receive = async () => {
      for (const event of await consumer.receive()) {
        if (!isOf(run, event)) continue;
        const count = (received.get(event.id) ?? 0) + 1;
        received.set(event.id, count);
        print(eventLine(event, count));
      }
    };
    const sending = sendSamples(samplesOf(run), options);
    const until = Date.now() + STEP_TIMEOUT_MS;
    while (received.size < samples.length && Date.now() < until && !options.signal.aborted) {
      await receive();
    }
    const { sent, acked } = await sending;
    // One more receive, in which a duplicate would appear.
    await receive();
    print("");
    print(summary(sent, acked, received));
    const shown = { ...options, receive: consumer.receive };
    await demonstrateRequests(shown);
    await demonstrateWebhooks(shown);
  } finally {
    await consumer.detach();
  }
}

/**
 * Returns the samples with ids of this run, because a data directory still has
 * those of earlier runs.
 */
function samplesOf(run: string): Sample[] {
  const ids = /req-\d+|1234ab[\w.]+|wf-[\w-]+|f9b4346a-[\w-]+/g;
  return samples.map((sample) => ({
    ...sample,
    body: JSON.parse(JSON.stringify(sample.body).replace(ids, `$&-${run}`)) as Sample["body"],
  }));
}

function isOf(run: string, { data }: z.output<typeof eventDetail>): boolean {
  return [data.workflowId, data.accountId].some((id) => id?.endsWith(`-${run}`));
}

/** Sends the samples one after the other, every third one twice. */
async function sendSamples(
  ofThisRun: readonly Sample[],
  options: { simulator: Simulator; print: (line: string) => void; signal: AbortSignal },
): Promise<{ sent: number; acked: number }> {
  const total = { sent: 0, acked: 0 };
  for (const [index, sample] of ofThisRun.entries()) {
    for (const note of index % 3 === 0 ? ["", " (sent again)"] : [""]) {
      if (options.signal.aborted) return total;
      const attempt = await sendOne(options.simulator, sample);
      total.sent++;
      if (attempt?.status === 200) total.acked++;
      const name = `${sample.provider} ${sample.name}${note}`;
      options.print(`  webhook in   ${name.padEnd(48)} ${answerOf(attempt)}`);
    }
  }
  return total;
}

function answerOf(attempt: WebhookAttempt | undefined): string {
  if (!attempt) return "not sent: the simulator drops or delays it";
  const answer = attempt.status === 200 ? "acked" : `answered ${attempt.status}`;
  return `${answer} in ${attempt.durationMs.toFixed(0)} ms`;
}

/** Returns the first attempt, or undefined when none is made in time. */
function sendOne(simulator: Simulator, sample: Sample): Promise<WebhookAttempt | undefined> {
  return new Promise((resolve) => {
    const end = (attempt?: WebhookAttempt) => {
      stopListening();
      clearTimeout(timer);
      resolve(attempt);
    };
    const stopListening = simulator.onAttempt((attempt) => {
      if (attempt.webhookId === webhookId) end(attempt);
    });
    const timer = setTimeout(end, ATTEMPT_TIMEOUT_MS);
    const webhookId = simulator.send(sample.provider, sample.body);
  });
}

function eventLine(event: z.output<typeof eventDetail>, count: number): string {
  const named = event.data.eventType === "UNKNOWN" ? "" : event.data.eventType;
  const again = count > 1 ? `  received ${count} times!` : "";
  // The end of its id tells two events of one type apart.
  const name = `${event.type} ${named}`.trim();
  return `     event out ${name.padEnd(44)} …${event.id.slice(-12)}  ${event.data.status ?? ""}${again}`;
}

function summary(sent: number, acks: number, received: ReadonlyMap<string, number>): string {
  const twice = [...received.values()].filter((count) => count > 1).length;
  const each = twice === 0 ? "each once" : `${twice} of them more than once`;
  return `${sent} webhooks sent, ${acks} acked: ${received.size} of ${samples.length} events on the bus, ${each}.`;
}

/** Attaches a queue with a rule to the bus, as a service of the same account would. */
async function attachConsumer(awsUrl: string, busName: string) {
  const sqs = new SQSClient(localAws(awsUrl));
  const bus = new EventBridgeClient(localAws(awsUrl));
  const name = CONSUMER;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
  );
  const rule = { EventBusName: busName, Rule: name };
  const EventPattern = JSON.stringify({ source: [EVENT_SOURCE] });
  await bus.send(new PutRuleCommand({ EventBusName: busName, Name: name, EventPattern }));
  await bus.send(
    new PutTargetsCommand({ ...rule, Targets: [{ Id: "queue", Arn: Attributes?.QueueArn }] }),
  );
  return {
    async receive() {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
      );
      for (const { ReceiptHandle } of Messages) {
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
      return Messages.map(({ Body = "" }) => busMessage.parse(JSON.parse(Body)).detail);
    },
    async detach() {
      await bus.send(new RemoveTargetsCommand({ ...rule, Ids: ["queue"] }));
      await bus.send(new DeleteRuleCommand({ EventBusName: busName, Name: name }));
      await sqs.send(new DeleteQueueCommand({ QueueUrl }));
    },
  };
}

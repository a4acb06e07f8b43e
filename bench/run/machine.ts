import { cpus } from "node:os";
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { LocalFile } from "../../local/run/local-file.ts";

/** Returns a function that measures how busy all cores were since its creation: 0 to 1. */
export function watchCores(): () => number {
  const before = coreTimes();
  return () => {
    const now = coreTimes();
    return 1 - (now.idle - before.idle) / (now.all - before.all);
  };
}

function coreTimes(): { idle: number; all: number } {
  const times = cpus().map((core) => core.times);
  const all = times.reduce((sum, of) => sum + Object.values(of).reduce((a, b) => a + b, 0), 0);
  return { idle: times.reduce((sum, { idle }) => sum + idle, 0), all };
}

const PROBE_EVERY_MS = 50;

/**
 * Asks the emulators something easy, again and again. What makes this slow makes
 * every AWS call slow: it is the machine's doing and no queue's.
 *
 * @returns stops it, and gives the real milliseconds of each answer
 */
export function watchEmulators(local: LocalFile): () => number[] {
  const sqs = clientOf(local);
  const answersMs: number[] = [];
  const timer = setInterval(async () => {
    const get = new GetQueueUrlCommand({ QueueName: local.queues.fanoutDlq?.split("/").at(-1) });
    const startMs = performance.now();
    await sqs.send(get).catch(() => undefined);
    answersMs.push(performance.now() - startMs);
  }, PROBE_EVERY_MS);
  return () => {
    clearInterval(timer);
    return answersMs;
  };
}

/** Asks how much is in these queues: waiting + under way + delayed. */
export function watchQueues(local: LocalFile, names: readonly string[]) {
  const sqs = clientOf(local);
  return async (): Promise<string> => {
    const depths = names.map(async (name) => {
      const get = new GetQueueAttributesCommand({
        QueueUrl: local.queues[name],
        AttributeNames: ["All"],
      });
      const { Attributes: of = {} } = await sqs.send(get);
      const parts = [
        of.ApproximateNumberOfMessages,
        of.ApproximateNumberOfMessagesNotVisible,
        of.ApproximateNumberOfMessagesDelayed,
      ];
      return `${name} ${parts.join("+")}`;
    });
    return (await Promise.all(depths).catch(() => ["down"])).join(", ");
  };
}

function clientOf({ awsEndpoint: endpoint }: LocalFile): SQSClient {
  const credentials = { accessKeyId: "bench", secretAccessKey: "bench" };
  return new SQSClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
}

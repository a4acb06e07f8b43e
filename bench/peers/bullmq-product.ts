import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";

/**
 * What a team would write on BullMQ: takes a message over HTTP, acks it when it is in the queue, and
 * delivers it as a signed webhook, with eight attempts. A message's id is its job's id, so that a
 * repeated message is one job.
 */

interface Job {
  data: { id: string };
}
/** The parts of BullMQ that this uses. */
interface BullMq {
  Queue: new (
    name: string,
    options: object,
  ) => { add(name: string, data: object, options: object): Promise<unknown> };
  Worker: new (name: string, process: (job: Job) => Promise<void>, options: object) => unknown;
}

const { BULLMQ_DIR = "", REDIS_PORT, PORT, WEBHOOK_URL = "", WEBHOOK_SECRET = "" } = process.env;
const require = createRequire(import.meta.url);
const { Queue, Worker } = require(join(BULLMQ_DIR, "node_modules/bullmq")) as BullMq;
const connection = { host: "127.0.0.1", port: Number(REDIS_PORT), maxRetriesPerRequest: null };
const webhook = new Webhook(WEBHOOK_SECRET);
const queue = new Queue("events", { connection });

async function deliver({ data }: Job): Promise<void> {
  const body = JSON.stringify(data);
  const at = new Date();
  const response = await fetch(WEBHOOK_URL, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      "webhook-id": data.id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      "webhook-signature": webhook.sign(data.id, at, body),
    },
    signal: AbortSignal.timeout(15_000),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`answered ${response.status}`);
}

new Worker("events", deliver, { connection, concurrency: 100 });

createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const message = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { id: string };
  await queue.add("event", message, {
    // A job's id cannot have a colon.
    jobId: message.id.replaceAll(":", "_"),
    attempts: 8,
    backoff: { type: "exponential", delay: 5_000 },
  });
  response.writeHead(202).end();
}).listen(Number(PORT), "127.0.0.1");

import { composeAdministration } from "../../shared/composition/administration.ts";
import { EVENT_SOURCE } from "../../shared/contracts/events.ts";
import { type Settings, settingsSchema } from "../../shared/contracts/settings.ts";
import { toEventBridgeDetail } from "../../shared/core/events/envelope.ts";
import type { Post } from "./history.ts";
import { environment, outputs, queues, START_MS } from "./stack.ts";
import { callApi } from "./workload.ts";
import { makeWorld, type World } from "./world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** When the one endpoint is down, and how long both get events and are watched. */
const DOWN = { fromMs: START_MS + MINUTE_MS, untilMs: START_MS + MINUTE_MS + 6 * HOUR_MS };
const END_MS = DOWN.untilMs + 36 * HOUR_MS;

/** The other endpoint gets an event so often until some time after the outage. */
const OTHERS_EVERY_MS = 30_000;
const OTHERS_UNTIL_MS = DOWN.untilMs + 4 * HOUR_MS;

/** POSTs to the endpoint that is down, and to the other one, by the beginning of their event's id. */
const [DOWN_ID, OTHER_ID] = ["workflow.completed:down-", "workflow.completed:other-"];

/** Goals: of the limit of parallel POSTs, and of the 99 % of the others without an outage. */
const MOST_OF_LIMIT = 2;
const MOST_OF_USUAL = 1.1;

/** What one run has shown. Times in milliseconds. */
interface Shown {
  posts: readonly Post[];
  /** When each of the others' events was published. */
  publishedMs: ReadonlyMap<string, number>;
  deliveries: Record<string, number>;
  isSettled: boolean;
}

/**
 * R9: one client's endpoint answers 503 for six hours and then is well. One half of its events come
 * evenly during the outage, the other half in its last minute, so that they are due when it returns.
 * Another client's endpoint is well all the time. The same without the outage is the
 * comparison. The delays, limits and workers are those of the product's defaults.
 *
 * @returns the exit code: 0 when everything is delivered, the returning endpoint never gets more
 *   than twice the parallel POSTs of its limit, and 99 % of the others' events are as fast as usual
 */
export async function runOutage(events: number): Promise<number> {
  const defaults = settingsSchema.parse({});
  const { deliveryDelaysSeconds } = defaults;
  Object.assign(environment, { SETTINGS: { ...environment.SETTINGS, deliveryDelaysSeconds } });
  setWorkers(defaults);
  const { deliveryWorkersPerEndpoint, deliveryPostsPerWorker } = environment.SETTINGS;
  const usual = await run(0);
  const outage = await run(events);
  const back = outage.posts.filter(
    ({ webhookId, untilMs }) => webhookId.startsWith(DOWN_ID) && untilMs >= DOWN.untilMs,
  );
  const limit = deliveryWorkersPerEndpoint * deliveryPostsPerWorker;
  const workers = queues.retries?.maxConcurrency;
  const peak = mostAtOnce(back);
  const [usualMs, outageMs] = [usual, outage].map(slowestOfOthers) as [number, number];
  const { delivered = 0, ...others } = outage.deliveries;
  const all = events + outage.publishedMs.size;
  console.log(
    `R9: ${events} events to an endpoint that is down for 6 h: ${outage.posts.length} POSTs, ` +
      `${delivered} of ${all} deliveries delivered${JSON.stringify(others)}; after its return at ` +
      `most ${peak} POSTs at once (limit ${limit}), with at most ${workers} workers of a queue, ` +
      `${mostPerMinute(back)} a minute; 99 % of the others' events within ${outageMs} ms ` +
      `(without an outage ${usualMs} ms)`,
  );
  const isRight =
    outage.isSettled &&
    delivered === all &&
    peak <= MOST_OF_LIMIT * limit &&
    outageMs <= MOST_OF_USUAL * usualMs;
  return isRight ? 0 : 1;
}

/** Lets each queue have as many workers at the same time as `infra` does. */
function setWorkers(settings: Settings): void {
  const { consumeMaxConcurrency, submitMaxConcurrency, deliverMaxConcurrency } = settings;
  const most: Readonly<Record<string, number>> = {
    consume: consumeMaxConcurrency,
    submit: submitMaxConcurrency,
    deliver: deliverMaxConcurrency,
  };
  for (const queue of Object.values(queues)) {
    queue.maxConcurrency = most[queue.functionName] ?? queue.maxConcurrency;
  }
}

async function run(events: number): Promise<Shown> {
  const world = makeWorld(
    { seed: 1, perMille: 0, kinds: [] },
    {
      sendWebhook: () => undefined,
      isStuck: () => false,
      isEndpointDown: () => false,
      isBusFlaky: () => false,
      answerOf: (webhookId, { nowMs }) => {
        const isDown =
          webhookId.startsWith(DOWN_ID) && nowMs >= DOWN.fromMs && nowMs < DOWN.untilMs;
        return { answer: isDown ? 503 : 200, afterMs: 100 };
      },
    },
  );
  const { loop, history } = world;
  // Millions of lines that nobody reads.
  for (const unread of [history.trace, history.writes, history.published, history.invocations]) {
    unread.push = () => 0;
  }
  let clients: string[] | undefined;
  void setUp(world).then((made) => {
    clients = made;
  });
  await loop.run(DOWN.fromMs, () => clients !== undefined);
  const [downClient = "", otherClient = ""] = clients ?? [];
  for (let n = 0; n < events; n++) {
    loop.at(sentMs(n / events), () => publish(world, downClient, `${DOWN_ID}${n}`));
  }
  const publishedMs = new Map<string, number>();
  for (let atMs = DOWN.fromMs; atMs < OTHERS_UNTIL_MS; atMs += OTHERS_EVERY_MS) {
    const id = `${OTHER_ID}${publishedMs.size}`;
    publishedMs.set(id, atMs);
    loop.at(atMs, () => publish(world, otherClient, id));
  }
  for (let atMs = DOWN.fromMs; atMs < END_MS; atMs += MINUTE_MS) {
    loop.at(atMs, () => void world.invoke("reconcile", {}));
  }
  const open = () =>
    world.dynamodb
      .all("deliveries")
      .filter(({ status }) => status === "waiting" || status === "delivering").length;
  let isSettled = false;
  // Reading all items is slow: now and then.
  for (let untilMs = OTHERS_UNTIL_MS; untilMs < END_MS && !isSettled; untilMs += HOUR_MS) {
    await loop.run(untilMs);
    isSettled = open() === 0 && world.sqs.count() === 0;
  }
  const deliveries: Record<string, number> = {};
  for (const { id, status } of world.dynamodb.all("deliveries")) {
    if (!String(id).startsWith("dl_")) continue;
    deliveries[String(status)] = (deliveries[String(status)] ?? 0) + 1;
  }
  return { posts: history.posts, publishedMs, deliveries, isSettled };
}

/** When an event is sent: one half evenly during the outage, the other half in its last minute. */
function sentMs(part: number): number {
  const lastMs = DOWN.untilMs - MINUTE_MS;
  return Math.floor(
    part < 0.5
      ? DOWN.fromMs + 2 * part * (lastMs - DOWN.fromMs)
      : lastMs + (2 * part - 1) * MINUTE_MS,
  );
}

/** Makes two clients with a webhook each. @returns their ids */
async function setUp(world: World): Promise<string[]> {
  const administration = await composeAdministration({ aws: {}, outputs });
  const clients: string[] = [];
  for (const name of ["down", "other"]) {
    const { clientId } = await administration.createClient(name);
    const { apiKey } = await administration.createApiKey(clientId);
    const body = { url: `https://${name}.example.com/in` };
    const answer = await callApi(world, { apiKey }, "PUT /v1/webhook", { body });
    if (answer.status !== 201) throw new Error(`the setup failed: ${answer.body}`);
    clients.push(clientId);
  }
  return clients;
}

function publish({ bus, loop }: World, clientId: string, id: string): void {
  const type = "workflow.completed";
  const data = { requestId: id.slice(type.length + 1), status: "completed", result: {} };
  const createdAt = new Date(loop.nowMs()).toISOString();
  const envelope = JSON.stringify({ id, type, createdAt, data });
  const Detail = toEventBridgeDetail({ clientId, envelope });
  bus.operations.PutEventsCommand({
    Entries: [{ Source: EVENT_SOURCE, DetailType: type, Detail }],
  });
}

/** How many POSTs were under way at the same time, at most. */
function mostAtOnce(posts: readonly Post[]): number {
  const changes = posts.flatMap(({ fromMs, untilMs }) => [
    { atMs: fromMs, by: 1 },
    { atMs: untilMs, by: -1 },
  ]);
  changes.sort((a, b) => a.atMs - b.atMs || a.by - b.by);
  let [now, most] = [0, 0];
  for (const { by } of changes) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

function mostPerMinute(posts: readonly Post[]): number {
  const counts = new Map<number, number>();
  for (const { fromMs } of posts) {
    const minute = Math.floor(fromMs / MINUTE_MS);
    counts.set(minute, (counts.get(minute) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

/** Milliseconds from the bus to the first POST, of the slowest in a hundred of the others. */
function slowestOfOthers({ posts, publishedMs }: Shown): number {
  const first = new Map<string, number>();
  for (const { webhookId, fromMs } of posts) {
    if (!first.has(webhookId)) first.set(webhookId, fromMs);
  }
  const times = [...publishedMs].map(
    ([id, atMs]) => (first.get(id) ?? Number.POSITIVE_INFINITY) - atMs,
  );
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}

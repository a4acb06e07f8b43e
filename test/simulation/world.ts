import { deliverableTypes } from "../../shared/contracts/events.ts";
import type { Settings } from "../../shared/contracts/settings.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";
import { makeAwsCalls } from "./engine/aws-call.ts";
import { type FaultPlan, makeFaults } from "./engine/faults.ts";
import { running } from "./engine/instance.ts";
import { makeLambda } from "./engine/lambda.ts";
import { makeLoop } from "./engine/loop.ts";
import { makeRandom } from "./engine/random.ts";
import { takeFrom } from "./engine/virtual-globals.ts";
import { versions } from "./functions.ts";
import { emptyHistory } from "./history.ts";
import { receiveProviderCalls } from "./sdk/http-provider-calls.ts";
import { receivePosts } from "./sdk/http-webhook-poster.ts";
import { receiveAwsCalls } from "./sdk/simulated-client.ts";
import { makeDynamoDb } from "./services/dynamodb.ts";
import { type AnswerOf, makeEndpoint } from "./services/endpoint.ts";
import { makeEventBridge } from "./services/eventbridge.ts";
import { makeProviders } from "./services/provider.ts";
import type { Job, JobWebhook } from "./services/provider-form.ts";
import { makeScheduler } from "./services/scheduler.ts";
import { type Message, makeSqs } from "./services/sqs.ts";
import { makeBucket, makeSecret } from "./services/stores.ts";
import {
  arnOf,
  environment,
  MASTER_SECRET,
  queues,
  START_MS,
  tables,
  timeoutsMs,
} from "./stack.ts";

/** What the workload decides. */
export interface Peers {
  sendWebhook: (job: Job, webhook: JobWebhook) => void;
  /** Whether the provider goes on to answer polls as if this job had not ended. */
  isStuck: (job: Job) => boolean;
  isEndpointDown: (nowMs: number) => boolean;
  isBusFlaky: (nowMs: number) => boolean;
  answerOf?: AnswerOf | undefined;
  /** Settings that are not those of the stack. */
  settings?: () => Partial<Settings>;
}

export type World = ReturnType<typeof makeWorld>;

/** One simulated stage: services, functions, provider and endpoint, on virtual time. */
export function makeWorld(plan: FaultPlan, peers: Peers) {
  const { seed } = plan;
  const loop = makeLoop(START_MS);
  const faults = makeFaults(plan, loop.nowMs);
  const history = { ...emptyHistory(), struck: faults.struck };
  const randomFor = (purpose: string) => makeRandom(seed, purpose);
  const counts = new Map<string, number>();
  const note = (line: string) =>
    history.trace.push(`${((loop.nowMs() - START_MS) / 1_000).toFixed(3)} ${line}`);
  const by = () => running.getStore()?.name ?? "";
  const common = { loop, faults };

  const dynamodb = makeDynamoDb({
    ...common,
    random: randomFor("dynamodb"),
    tables,
    onWritten: (table, after, before) => {
      history.writes.push({ table, atMs: loop.nowMs(), by: by(), after, before });
    },
  });
  const sqs = makeSqs({
    ...common,
    randomFor,
    queues,
    invoke: invokeBatch,
    onDeadLetter: (queue, body) => {
      history.deadLetters.push({ queue, body });
      note(`${queue} dead letter ${body.slice(0, 120)}`);
    },
  });
  const bus = makeEventBridge({
    ...common,
    random: randomFor("bus"),
    isFlaky: peers.isBusFlaky,
    forwards: ({ type }) => (deliverableTypes as readonly string[]).includes(type),
    target: (body) => sqs.send("fanout", body),
    onPublished: (event) => {
      history.published.push(event);
      note(`${event.by} published ${event.id}`);
    },
  });
  const scheduler = makeScheduler({
    ...common,
    random: randomFor("scheduler"),
    target: (body) => sqs.send("submit", body),
    onRecurred: (body) => history.firings.push({ body, atMs: loop.nowMs() }),
    onRecurringSet: (body) => history.schedulesSet.push({ body, atMs: loop.nowMs() }),
  });
  const aws = makeAwsCalls({
    ...common,
    randomFor,
    lastsAlways: plan.lastsAlways ?? false,
    operations: {
      ...told(dynamodb.operations, plan.onDynamoDbCommand),
      ...sqs.operations,
      ...bus.operations,
      ...scheduler.operations,
      ...makeBucket().operations,
      ...makeSecret(MASTER_SECRET).operations,
    },
    onCall: (name, instance) => note(`${instance?.name ?? "setup"} ${name}`),
  });
  const versionRandom = randomFor("version");
  const invoke = makeLambda({
    ...common,
    random: randomFor("lambda"),
    timeoutsMs,
    coldStart: (name) => {
      const version = versions.length > 1 ? versionRandom.int(0, versions.length - 1) : 0;
      if (version > 0) note(`${by()} starts with the other version`);
      const coldStart = versions[version]?.[name];
      if (!coldStart) throw new Error(`there is no function ${name}`);
      const SETTINGS = { ...environment.SETTINGS, ...peers.settings?.() };
      return coldStart({ ...environment, SETTINGS }, telemetry);
    },
    onStart: (name, skewMs) => history.skewsMs.set(name, skewMs),
    onEnd: (name, fromMs, end) => {
      history.invocations.push({ name, fromMs, untilMs: loop.nowMs(), end });
      note(`${name} ended ${end}`);
    },
  });

  const telemetry: Telemetry = {
    log: (level, message, { error, ...fields } = {}) => {
      const cause = error ? ` ${error.message} ${String(error.cause ?? "")}` : "";
      if (level !== "debug") note(`${by()} ${message} ${JSON.stringify(fields)}${cause}`);
    },
    count: (name, value = 1) => counts.set(name, (counts.get(name) ?? 0) + value),
    seconds: () => undefined,
    flush: () => undefined,
  };

  async function invokeBatch(queue: string, messages: readonly Message[]) {
    const Records = messages.map(({ messageId, body, receiptHandle, receives, sentMs }) => ({
      messageId,
      body,
      receiptHandle,
      eventSourceARN: arnOf(queue),
      attributes: { ApproximateReceiveCount: String(receives), SentTimestamp: String(sentMs) },
    }));
    const end = await invoke(queues[queue]?.functionName ?? "", { Records });
    if (end.kind !== "ok") return undefined;
    const { batchItemFailures } = end.result as { batchItemFailures: { itemIdentifier: string }[] };
    return new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  }

  const { sendWebhook, isStuck, isEndpointDown: isDown, answerOf } = peers;
  const others = { ...common, history };
  takeFrom({ loop, random: randomFor("process") });
  receiveAwsCalls(aws.send);
  receiveProviderCalls(
    makeProviders({ ...others, random: randomFor("provider"), sendWebhook, isStuck }),
  );
  receivePosts(makeEndpoint({ ...others, random: randomFor("endpoint"), isDown, answerOf }));

  /** Calls and webhooks that are repeated until they are answered. */
  const repeating = new Set<object>();
  async function untilAnswered<Result>(repeat: () => Promise<Result>): Promise<Result> {
    const one = {};
    repeating.add(one);
    try {
      return await repeat();
    } finally {
      repeating.delete(one);
    }
  }

  return {
    ...{ loop, faults, history, dynamodb, sqs, bus, invoke, note, counts, randomFor },
    untilAnswered,
    /** Messages, events, calls and webhooks that are under way. */
    underWay: () => sqs.count() + bus.underWay() + repeating.size,
    /** The provider's ids of jobs whose end was answered 200 while their request knew its id. */
    toldByWebhook: new Set<string>(),
  };
}

/** The same operations, which tell of each command first. */
function told<Operations extends Record<string, (input: never) => unknown>>(
  operations: Operations,
  onCommand: FaultPlan["onDynamoDbCommand"],
): Operations {
  if (!onCommand) return operations;
  return Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [
      name,
      (input: never) => {
        onCommand(name, input);
        return operation(input);
      },
    ]),
  ) as Operations;
}

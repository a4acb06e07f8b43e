import { expect } from "vitest";
import {
  composeClientRequests,
  composeJoin,
  composeLaneScheduler,
  composeRequestSweep,
  composeSubmission,
} from "../../../shared/composition/request-use-cases.ts";
import { Failure } from "../../../shared/contracts/failures.ts";
import type { InboundMessage } from "../../../shared/contracts/messages/inbound.ts";
import type { SubmitMessage } from "../../../shared/contracts/messages/submit.ts";
import type { ProviderId } from "../../../shared/contracts/providers.ts";
import { providerPacks } from "../../../shared/contracts/providers.ts";
import type { FinalEvent } from "../../../shared/core/events/envelope.ts";
import type { PublishResult } from "../../../shared/core/events/ports.ts";
import type { LoadedWebhook } from "../../../shared/core/inbound/load-webhook.ts";
import type { ProviderHttpCall } from "../../../shared/core/providers/http-call.ts";
import type { CallResult, RequestStore } from "../../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../fakes/clocks.ts";
import { makeSubmitQueue } from "../fakes/submit-queue.ts";
import { makeMemoryRequests } from "../memory/memory-requests.ts";
import { Killed } from "../payloads/provider-payloads.ts";
import { makeRequestParts } from "../payloads/request-parts.ts";
import { requestRules } from "../payloads/request-rules.ts";
import { webhookOf } from "../payloads/webhooks.ts";

const SECOND_MS = 1_000;

const owner = { clientId: "cl_1", connectionId: "cn_1", accountId: "account" };

/**
 * Simulates one request: the real use cases on stores in memory, with a clock, a
 * provider and a bus that the test controls.
 */
export function makeRequestSimulation(of: {
  provider: ProviderId;
  isTracing?: boolean;
  /** Called for each write, with the record that it replaced. */
  onWrite: (after: RequestRecord, before: RequestRecord | undefined) => void;
  /** Answers every call to the provider. */
  exchange: (request: ProviderHttpCall) => Promise<CallResult>;
  /** Called after a worker has read a request and before it claims it. */
  onLook: () => Promise<void>;
  /** Returns whether the bus accepts the events. */
  publish: (events: readonly FinalEvent[]) => Promise<boolean>;
}) {
  const { provider } = of;
  const clock = makeTestClock();
  const { retentionMs } = requestRules;
  const memory = makeMemoryRequests({ clock, retentionMs });
  let latest: RequestRecord | undefined;
  const requests: RequestStore = {
    ...memory.requests,
    async create(request) {
      const known = await memory.requests.create(request);
      if (known === "created") {
        latest = { ...request, version: 1 };
        of.onWrite(latest, undefined);
      }
      return known;
    },
    async replace(request) {
      const written = await memory.requests.replace(request);
      if (written) {
        const before = latest;
        latest = written;
        of.onWrite(written, before);
      }
      return written;
    },
  };
  const parts = makeRequestParts({ ...owner, provider });
  const { connection, texts, masterKeys } = parts;
  const submitQueue: SubmitMessage[] = [];
  const inboundQueue: InboundMessage[] = [];
  let lastMessage: SubmitMessage | undefined;
  const queue = makeSubmitQueue(async (message) => {
    submitQueue.push(message);
    lastMessage = message;
  });
  let refused = 0;
  let isDeleted = false;
  const read = async () => {
    await of.onLook();
    return isDeleted ? undefined : connection;
  };
  let owners = 0;
  let ids = 0;
  const ports = {
    ...memory,
    requests,
    texts,
    isTracing: of.isTracing,
    submitQueue: queue,
    clock,
    speed: 1,
    rules: requestRules,
    accounts: { find: async () => ({}), findUncached: async () => ({}) },
    connections: { read, readThrottled: read, readUncached: read },
    calls: { send: (_: ProviderId, request: ProviderHttpCall) => of.exchange(request) },
    masterKeys,
    pauseConnection: async () => true,
    publisher: {
      async publish(events: readonly FinalEvent[]): Promise<PublishResult[]> {
        const ok = await of.publish(events);
        if (!ok) refused += events.length;
        return events.map(() => (ok ? { ok } : { ok, reason: "down", isFinal: false }));
      },
    },
    archive: { store: async () => undefined },
    requeueLater: async (message: InboundMessage) => {
      inboundQueue.push(message);
    },
    newOwner: () => `worker-${++owners}`,
    random: () => 0.5,
    randomHex: (bytes: number) => String(++ids).padStart(2 * bytes, "0"),
    // Only the faults that a command injects may be ignored.
    onNonFatalError: (error: unknown) => {
      if (!(error instanceof Failure) && !(error instanceof Killed)) throw error;
    },
  };
  const { handleSubmitMessages } = composeSubmission({
    ...ports,
    recurring: { find: async () => undefined },
    onAbandoned: () => undefined,
  });
  const { matchWebhooks } = composeJoin(ports);
  const { sweepRequests } = composeRequestSweep({ ...ports, limit: 10, maxPolls: 10 });
  const laneScheduler = composeLaneScheduler(ports);
  const client = composeClientRequests({
    ...ports,
    ...parts.client,
    schedules: { create: async () => undefined, delete: async () => undefined },
  });

  function now(): RequestRecord {
    if (!latest) throw new Error("there is no request yet");
    return latest;
  }

  function decode(message: InboundMessage): LoadedWebhook {
    const text = Buffer.from(message.bodyBase64 ?? "", "base64").toString();
    const event = providerPacks[provider].parseWebhook(webhookOf(text));
    return { message, event, numbersAsText: false };
  }

  return {
    clock,
    now,

    /** The client sends the same request so many times at once, with one key. */
    async accept(
      request: { action: string; params: object; scheduled?: string; traceparent?: string },
      times: number,
    ): Promise<void> {
      const call = { ...owner, provider, idempotencyKey: "the same", ...request };
      const views = await Promise.all(Array.from({ length: times }, () => client.accept(call)));
      expect(new Set(views.map(({ requestId }) => requestId)).size).toBe(1);
    },

    /** Processes one batch of the submit queue. Failed messages return to it. */
    async work(batchSize = 10): Promise<void> {
      const messages = submitQueue.splice(0, batchSize);
      const bodies = messages.map((message) => JSON.stringify(message));
      const run = await handleSubmitMessages(bodies, () => 30 * SECOND_MS);
      const failed = run.messages.filter((outcome) => outcome.kind === "failed");
      for (const failure of failed) expect(failure).toEqual(expect.toSatisfy(isExpected));
      submitQueue.push(...messages.filter((_, index) => run.messages[index]?.kind === "failed"));
    },

    /** EventBridge Scheduler fires, at the right time or not. */
    async fire(): Promise<void> {
      await queue.send({ v: 1, kind: "due", requestId: now().requestId });
      await this.work();
    },

    /** A webhook arrives, together with those that were sent back to wait. */
    async webhook(body: object): Promise<void> {
      const bodyBase64 = Buffer.from(JSON.stringify(body)).toString("base64");
      const receivedAtMs = clock.businessMs();
      inboundQueue.push({ v: 1, ...owner, provider, receivedAtMs, bodyBase64 });
      await this.redeliverWebhooks();
    },

    async redeliverWebhooks(): Promise<void> {
      const messages = inboundQueue.splice(0);
      const { outcomes } = await matchWebhooks(messages.map(decode));
      expect(outcomes.filter((one) => one.kind === "failed" && !isKilled(one))).toEqual([]);
      inboundQueue.push(
        ...messages.filter((_, at) => {
          const outcome = outcomes[at];
          return outcome?.kind === "failed" && isKilled(outcome);
        }),
      );
    },

    /** Webhooks that wait to be received again. */
    webhooksLeft: () => inboundQueue.length,

    /** Binds the provider's id to the request. */
    async bind(providerRequestId: string): Promise<void> {
      const { requestId, connectionId } = now();
      await memory.references.bind({ requestId, connectionId, providerRequestId });
    },

    deleteConnection(): void {
      isDeleted = true;
    },

    async sweep(): Promise<void> {
      const before = refused;
      const { failed, unpublished } = await sweepRequests(() => 50 * SECOND_MS);
      expect(failed.filter((one) => !isKilled(one))).toEqual([]);
      // Only events that the bus refused stay in their outbox.
      expect(unpublished.filter((one) => !isKilled(one)).length).toBeLessThanOrEqual(
        refused - before,
      );
    },

    /** SQS delivers the last message a second time. */
    repeatMessage(): void {
      // A second `accepted` message would publish its event twice.
      if (lastMessage && lastMessage.kind !== "accepted") submitQueue.push(lastMessage);
    },

    resumeAccount: () =>
      laneScheduler.wakeUp(now()).then(() => memory.lanes.endAllPauses(now().lane, 0)),

    cancel: () => isDone(client.cancel(owner.clientId, now().requestId)),
    continue: (input: string) => isDone(client.continue(owner.clientId, now().requestId, input)),
    resolve: (as: Parameters<typeof client.resolve>[2]) =>
      isDone(client.resolve(owner.clientId, now().requestId, as)),
  };
}

/** The expected failures: a lane that another worker holds, and a killed worker. */
const isExpected = (failure: { code: string; error?: Error }) =>
  failure.code === "LANE_BUSY" || isKilled(failure);

const isKilled = ({ error }: { error?: Error }) => error?.message === "killed";

/** Returns whether the call succeeded. It may be refused because the request has moved on. */
async function isDone(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    expect(["CONFLICT", "DEPENDENCY_DOWN"]).toContain((error as Failure).code);
    return false;
  }
}

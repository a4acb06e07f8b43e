import { composeConsume, composeIngest } from "../../../shared/composition/inbound-use-cases.ts";
import {
  composeClientRequests,
  composeRequestSweep,
  composeSubmission,
} from "../../../shared/composition/request-use-cases.ts";
import type { DependencyInput } from "../../../shared/contracts/http/dependencies.ts";
import type { InboundMessage } from "../../../shared/contracts/messages/inbound.ts";
import type { SubmitMessage } from "../../../shared/contracts/messages/submit.ts";
import type { ProviderId } from "../../../shared/contracts/providers.ts";
import { sha256Hex } from "../../../shared/core/crypto/digest.ts";
import type { FinalEvent } from "../../../shared/core/events/envelope.ts";
import type { JsonObject } from "../../../shared/core/json/json.ts";
import type { ProviderHttpCall } from "../../../shared/core/providers/http-call.ts";
import type { RecurringStore } from "../../../shared/core/requests/recurring/ports.ts";
import type { CallResult } from "../../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../../shared/core/requests/state/record.ts";
import { signWeLink } from "../../../shared/providers/we-link/pack.ts";
import { makeTestClock } from "../fakes/clocks.ts";
import { makeSubmitQueue } from "../fakes/submit-queue.ts";
import { makeMemoryBlobStore } from "../memory/memory-blob-store.ts";
import { makeMemoryEventClaims } from "../memory/memory-event-claims.ts";
import { makeMemoryRequests } from "../memory/memory-requests.ts";
import { makeRequestParts } from "../payloads/request-parts.ts";
import { requestRules } from "../payloads/request-rules.ts";
import type { Step } from "./workers-simulation.ts";

const owner = { clientId: "cl_1", connectionId: "cn_1" };
const provider: ProviderId = "we-link";
const SECRET = "secret";
const TOKEN = "token";
const MINUTE_MS = 60_000;
const FUNCTION_MS = 30_000;
const BATCH_SIZE = 5;

/** The account whose sequences are simulated. */
export const ACCOUNT = "acc-1";

/** A call that the provider received. */
export interface SentCall {
  action: string;
  person: string;
  providerRequestId: string;
}

/**
 * Simulates sequences from end to end: `api`, `ingest`, `consume`, `submit` and `reconcile` with
 * their real use cases, on shared stores and queues in memory. `step` wraps every call of every
 * process to a store or a queue: a test delays, fails or kills there. The call to the provider is
 * received in the moment in which `submit` makes it.
 */
export function makeSequenceSimulation(of: {
  step?: Step;
  onCall?: (call: SentCall) => void;
  /** The stored recurring requests. */
  recurring?: Pick<RecurringStore, "find">;
}) {
  const { step = (call) => call() } = of;
  const clock = makeTestClock();
  const rules = { ...requestRules, pace: { minGapMs: 1_000, maxGapMs: 1_000 } };
  const memory = makeMemoryRequests({ clock, retentionMs: rules.correlationRetentionMs });
  const claims = makeMemoryEventClaims({ clock, retentionMs: 1e12 });
  const bodies = makeMemoryBlobStore();
  const { client, connection, masterKeys, texts } = makeRequestParts({ ...owner, provider });
  const submitQueue: { message: SubmitMessage; atMs: number }[] = [];
  const inbound: { message: InboundMessage; atMs: number }[] = [];
  const schedules = new Map<string, number>();
  const calls: SentCall[] = [];
  const published: FinalEvent[] = [];
  let ids = 0;
  const newId = () => String(++ids);
  const stored = {
    ...connection,
    tokens: [{ sha256: sha256Hex(TOKEN) }],
    secrets: { webhookSecrets: [{ secret: SECRET }], credentials: {} },
  };
  const read = async () => stored;

  function exchange({ path, body = "{}" }: ProviderHttpCall): CallResult {
    const action = path.slice("/api/v1/".length);
    if (action === "get_response") return answered(404, {});
    const { profile_id: person = "" } = JSON.parse(body) as { profile_id?: string };
    const call = { action, person, providerRequestId: `theirs-${newId()}` };
    calls.push(call);
    of.onCall?.(call);
    return answered(200, { requestId: call.providerRequestId, status: "QUEUED" });
  }

  /** The ports of one process. Each of its calls is a step. */
  function makePorts(who: string) {
    const stepped = <Port extends object>(port: Port): Port =>
      Object.fromEntries(
        Object.entries(port).map(([name, call]) => [
          name,
          (...args: never[]) => step(() => call(...args), { who, name }),
        ]),
      ) as Port;
    return {
      requests: stepped(memory.requests),
      lanes: stepped(memory.lanes),
      references: stepped(memory.references),
      correlations: stepped(memory.correlations),
      idempotency: stepped(memory.idempotency),
      claims: stepped(claims),
      bodies,
      texts,
      submitQueue: stepped(
        makeSubmitQueue(async (message, { delayMs = 0 } = {}) => {
          submitQueue.push({ message, atMs: clock.businessMs() + delayMs });
        }),
      ),
      clock,
      speed: 1,
      rules,
      onNonFatalError: () => undefined,
      accounts: { find: async () => ({}), findUncached: async () => ({}) },
      connections: { read, readThrottled: read, readUncached: read },
      calls: {
        send: async (_: ProviderId, request: ProviderHttpCall) => {
          const answer = exchange(request);
          return step(async () => answer, { who, name: "answer" });
        },
      },
      masterKeys,
      pauseConnection: async () => true,
      publisher: stepped({
        publish: async (events: readonly FinalEvent[]) => {
          published.push(...events);
          return events.map(() => ({ ok: true as const }));
        },
      }),
      archive: { store: async () => undefined },
      newOwner: () => `owner-${newId()}`,
      random: () => 0.5,
    };
  }

  function makeIngest(who: string) {
    const ports = makePorts(who);
    return composeIngest({
      ...ports,
      queue: {
        send: (message) =>
          step(
            async () => {
              inbound.push({ message, atMs: clock.businessMs() });
            },
            { who, name: "queue" },
          ),
      },
      quarantine: { put: async () => undefined },
      storeSettledForm: async () => undefined,
      storeRefused: async () => undefined,
      maxBodyBytes: 100_000,
      maxInlineBytes: 60_000,
    }).ingestWebhook;
  }

  function makeApi(who: string) {
    const ports = makePorts(who);
    return composeClientRequests({
      ...ports,
      ...client,
      schedules: {
        create: async (requestId, atMs) => {
          schedules.set(requestId, atMs);
        },
        delete: async (requestId) => {
          schedules.delete(requestId);
        },
      },
      randomHex: (bytes) => newId().padStart(2 * bytes, "0"),
    });
  }

  /** Takes what is due out of a queue. */
  function take<Entry extends { atMs: number }>(queue: Entry[], at = 0): Entry[] {
    const due = queue.filter(({ atMs }) => atMs <= clock.businessMs());
    const taken = due.slice(at, at + BATCH_SIZE);
    for (const one of taken) queue.splice(queue.indexOf(one), 1);
    return taken;
  }

  return {
    clock,
    rules,
    calls,
    published,

    /** Accepts a request about a person. */
    async accept(
      of: {
        action: string;
        person: string;
        dependsOn?: DependencyInput;
        key?: string;
        notAfter?: string;
      },
      who = "api",
    ) {
      const { action, person, dependsOn, key, notAfter } = of;
      return makeApi(who).accept({
        ...{ clientId: owner.clientId, provider, accountId: ACCOUNT, action },
        params: { profile_id: person },
        ...(dependsOn ? { dependsOn } : {}),
        ...(notAfter === undefined ? {} : { notAfter }),
        ...(key === undefined ? {} : { idempotencyKey: key }),
      });
    },

    cancel: (requestId: string, who = "api") => makeApi(who).cancel(owner.clientId, requestId),
    get: (requestId: string) => makeApi("reader").get(owner.clientId, requestId),

    /** The provider sends a webhook. @returns whether it is acknowledged */
    async webhook(body: JsonObject, who = "ingest"): Promise<boolean> {
      const outcome = await makeIngest(who)({
        ...{ provider, connectionId: owner.connectionId, token: TOKEN, headers: {} },
        body: Buffer.from(signWeLink(body, SECRET)),
        signal: new AbortController().signal,
      });
      return outcome.kind === "accepted";
    },

    /** One invocation of `consume`. Messages that fail stay in the queue. */
    async consume(who = "consume", at = 0): Promise<void> {
      const taken = take(inbound, at);
      const back = () => {
        const atMs = clock.businessMs() + MINUTE_MS;
        inbound.push(...taken.map(({ message }) => ({ message, atMs })));
      };
      if (taken.length === 0) return;
      // A process that is killed never returns: its messages are visible again after a time.
      back();
      const ports = makePorts(who);
      const { consumeWebhooks } = composeConsume({
        ...ports,
        dedupeRetentionMs: 1e12,
        claimLeaseMs: 30_000,
        requeueLater: async (message, delayMs) => {
          inbound.push({ message, atMs: clock.businessMs() + delayMs });
        },
      });
      const { messages } = await consumeWebhooks(
        taken.map(({ message }) => JSON.stringify(message)),
      );
      taken.forEach(({ message }, index) => {
        if (messages[index]?.kind === "failed") return;
        const again = inbound.findIndex((one) => one.message === message);
        if (again >= 0) inbound.splice(again, 1);
      });
    },

    /** One invocation of `submit`. */
    async submit(who = "submit", at = 0): Promise<void> {
      for (const [requestId, atMs] of schedules) {
        if (atMs > clock.businessMs()) continue;
        schedules.delete(requestId);
        submitQueue.push({ message: { v: 1, kind: "due", requestId }, atMs });
      }
      const taken = take(submitQueue, at);
      if (taken.length === 0) return;
      const atMs = clock.businessMs() + 3 * MINUTE_MS;
      const again = taken.map(({ message }) => ({ message, atMs }));
      submitQueue.push(...again);
      const { handleSubmitMessages } = composeSubmission({
        ...makePorts(who),
        recurring: of.recurring ?? { find: async () => undefined },
        onAbandoned: () => undefined,
        randomHex: (bytes) => newId().padStart(2 * bytes, "0"),
      });
      const run = await handleSubmitMessages(
        taken.map(({ message }) => JSON.stringify(message)),
        () => FUNCTION_MS,
      );
      again.forEach((entry, index) => {
        const isDone = run.messages[index]?.kind !== "failed";
        if (isDone && submitQueue.includes(entry))
          submitQueue.splice(submitQueue.indexOf(entry), 1);
      });
    },

    /** A message comes into the submit queue. */
    deliver(message: SubmitMessage): void {
      submitQueue.push({ message, atMs: clock.businessMs() });
    },

    isQueueEmpty: () => submitQueue.length === 0,

    all: async () =>
      (await memory.requests.list({ clientId: owner.clientId, limit: 1_000 })).requests,

    /** One run of `reconcile`. */
    async sweep(who = "reconcile"): Promise<void> {
      const { sweepRequests } = composeRequestSweep({ ...makePorts(who), limit: 250, maxPolls: 5 });
      await sweepRequests(() => 50_000);
    },

    pass(ms: number): void {
      clock.passReal(ms);
      clock.passBusiness(ms);
    },

    async find(requestId: string): Promise<RequestRecord> {
      const found = await memory.requests.find(requestId);
      if (!found) throw new Error(`there is no request ${requestId}`);
      return found;
    },

    /** Works until the queues have nothing that is due now. */
    async drain(): Promise<void> {
      const isDue = ({ atMs }: { atMs: number }) => atMs <= clock.businessMs();
      while (inbound.some(isDue) || submitQueue.some(isDue)) {
        await this.consume();
        await this.submit();
      }
    },

    /** Lets time pass, with every worker at its time and `reconcile` every minute. */
    async runFor(ms: number): Promise<void> {
      const endMs = clock.businessMs() + ms;
      await this.drain();
      while (clock.businessMs() < endMs) {
        this.pass(Math.min(MINUTE_MS, endMs - clock.businessMs()));
        await this.drain();
        await this.sweep();
        await this.drain();
      }
    },
  };
}

export type SequenceSimulation = ReturnType<typeof makeSequenceSimulation>;

function answered(status: number, body: object): CallResult {
  const answer = { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
  return { kind: "answered", answer };
}

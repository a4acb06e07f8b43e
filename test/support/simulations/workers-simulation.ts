import {
  composeClientRequests,
  composeJoin,
  composeRequestSweep,
  composeSubmission,
} from "../../../shared/composition/request-use-cases.ts";
import type { PaceRange } from "../../../shared/contracts/http/accounts.ts";
import type { DependencyInput } from "../../../shared/contracts/http/dependencies.ts";
import type { SubmitMessage } from "../../../shared/contracts/messages/submit.ts";
import type { ProviderId } from "../../../shared/contracts/providers.ts";
import type { FinalEvent } from "../../../shared/core/events/envelope.ts";
import type { ProviderEvent } from "../../../shared/core/events/provider-event.ts";
import type { AccountPace } from "../../../shared/core/pace/merge-pace-settings.ts";
import type { ProviderHttpCall } from "../../../shared/core/providers/http-call.ts";
import type { CallResult } from "../../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../../shared/core/requests/state/record.ts";
import type { RequestRules } from "../../../shared/core/requests/state/request-rules.ts";
import { makeTestClock } from "../fakes/clocks.ts";
import { makeSubmitQueue } from "../fakes/submit-queue.ts";
import { makeMemoryRequests } from "../memory/memory-requests.ts";
import { makeRequestParts } from "../payloads/request-parts.ts";
import { requestRules } from "../payloads/request-rules.ts";

const owner = { clientId: "cl_1", connectionId: "cn_1" };
const MINUTE_MS = 60_000;

/** The time of one `submit` invocation and the size of one batch. */
const FUNCTION_MS = 30_000;
const BATCH_SIZE = 10;

type Port = Record<string, unknown>;
type Call = (...args: never[]) => Promise<unknown>;

/** One call of a process to a port. A test decides whether it is made and when it returns. */
export type Step = <Result>(
  call: () => Promise<Result>,
  of: { who: string; name: string },
) => Promise<Result>;

/** Whether a worker dies at this call, before it is made or when it has taken effect. */
export type Kill = (of: { name: string }) => "before" | "after" | undefined;

/** A call that the provider received, with its begin and end (true time). */
export interface ProviderCall {
  accountId: string;
  /** The number in the request's params. */
  n: number;
  /** The action. */
  action: string;
  fromMs: number;
  untilMs: number;
  status: number;
}

export type WorkersSimulation = ReturnType<typeof makeWorkersSimulation>;

/**
 * Simulates many accounts and several workers of `submit`: the real use cases on
 * shared stores in memory, with a queue and a scheduler on the simulated clock,
 * and a provider that the test controls. Time passes only by `pass` and `runUntil`.
 */
export function makeWorkersSimulation(of: {
  provider?: ProviderId;
  rules?: Partial<RequestRules>;
  pace?: PaceRange;
  /** What the accounts say about their pace. Default: no limits. */
  account?: AccountPace | ((accountId: string) => AccountPace);
  /** Default: `finished()`, at once. */
  exchange?: (call: {
    accountId: string;
    n: number;
    nth: number;
  }) => Promise<CallResult> | CallResult;
  /** Answers a poll. Default: the provider does not know the request. */
  poll?: (providerRequestId: string) => Promise<CallResult> | CallResult;
  /** Called before a connection is read. It may reject. */
  onReadConnection?: () => Promise<void>;
  /** The stored status of the connection. Workers have cached an active one. */
  storedStatus?: () => "active" | "paused";
  /** Called when the connection is paused, because its credentials are refused. */
  onPauseConnection?: () => void;
  /** Returns whether the bus accepts the events. Default: it does. */
  publish?: (events: readonly FinalEvent[]) => Promise<boolean>;
  /** Wraps every call of every process. */
  step?: Step;
  /** Each batch is processed by a process of its own, whose clock is wrong by this much. */
  skewOfNextMs?: () => number;
  /** Asked for each call of a worker of the queue. One that dies makes no more calls. */
  kill?: Kill;
  /** When the simulation begins. */
  startMs?: number;
}) {
  const { provider = "we-link", step: ownStep = (call) => call() } = of;
  const rules = { ...requestRules, ...of.rules };
  const clock = makeTestClock(of.startMs);
  const memory = makeMemoryRequests({ clock, retentionMs: rules.retentionMs });
  const calls: ProviderCall[] = [];
  const published: FinalEvent[] = [];
  const queue: { message: SubmitMessage; atMs: number }[] = [];
  const schedules = new Map<string, number>();
  const timers: { atMs: number; run: () => Promise<unknown> }[] = [];
  const parts = makeRequestParts({ ...owner, provider });
  const { connection, texts, masterKeys } = parts;
  const readConnection = async (connectionId: string) => {
    await of.onReadConnection?.();
    return { ...connection, connectionId };
  };
  const readStored = async (connectionId: string) => {
    const found = await readConnection(connectionId);
    const status = of.storedStatus?.() ?? "active";
    return { ...found, settings: { ...found.settings, status } };
  };
  const readAccount = async (_: string, accountId: string) => ({
    ...(typeof of.account === "function" ? of.account(accountId) : of.account),
    ...(of.pace ? { pace: of.pace } : {}),
  });
  let ids = 0;
  const newId = () => String(++ids);

  async function exchange({ path, body = "{}" }: ProviderHttpCall): Promise<CallResult> {
    if (path.endsWith("/get_response")) {
      const { request_id: id } = JSON.parse(body) as { request_id: string };
      return of.poll?.(id) ?? answered(404, {});
    }
    const { accountId, n } = JSON.parse(body) as { accountId: string; n: number };
    const nth = calls.filter((one) => one.accountId === accountId && one.n === n).length + 1;
    const action = path.slice("/api/v1/".length);
    const fromMs = clock.businessMs();
    const call = { accountId, n, action, fromMs, untilMs: Number.POSITIVE_INFINITY, status: 0 };
    calls.push(call);
    const answer = await (of.exchange ?? finished)({ accountId, n, nth });
    call.untilMs = clock.businessMs();
    if (answer.kind === "answered") call.status = answer.answer.status;
    return answer;
  }

  /** The ports of one process, whose clock is wrong by `skewMs`. Each of its calls is a step. */
  function makePorts(who: string, { skewMs = 0, life }: { skewMs?: number; life?: Life } = {}) {
    const step: Step = (call, of) =>
      life ? life.live(() => ownStep(call, of), of) : ownStep(call, of);
    const stepped = <P extends object>(port: P): P =>
      Object.fromEntries(
        Object.entries(port as Port).map(([name, call]) => [
          name,
          (...args: never[]) =>
            step(() => skewed(skewMs, () => (call as Call)(...args)), { who, name }),
        ]),
      ) as P;
    return {
      requests: stepped(memory.requests),
      lanes: stepped(memory.lanes),
      references: stepped(memory.references),
      correlations: stepped(memory.correlations),
      idempotency: stepped(memory.idempotency),
      texts,
      submitQueue: stepped(
        makeSubmitQueue(async (message, { delayMs = 0 } = {}) => {
          queue.push({ message, atMs: clock.businessMs() + delayMs });
        }),
      ),
      clock: {
        realMs: () => clock.realMs() + skewMs,
        businessMs: () => clock.businessMs() + skewMs,
      },
      speed: 1,
      rules,
      onNonFatalError: () => undefined,
      accounts: { find: readAccount, findUncached: readAccount },
      connections: {
        // A worker may have cached an active one.
        read: who === "api" ? readStored : readConnection,
        readThrottled: readStored,
        readUncached: readStored,
      },
      calls: {
        send: (_: ProviderId, request: ProviderHttpCall) =>
          step(() => exchange(request), { who, name: "exchange" }),
      },
      masterKeys,
      pauseConnection: async () => {
        of.onPauseConnection?.();
        return true;
      },
      publisher: stepped({
        publish: async (events: readonly FinalEvent[]) => {
          const ok = (await of.publish?.(events)) ?? true;
          if (ok) published.push(...events);
          return events.map(() => (ok ? { ok } : { ok, reason: "down", isFinal: false }));
        },
      }),
      archive: { store: async () => undefined },
      newOwner: () => `worker-${newId()}`,
      random: Math.random,
    };
  }

  /** The stores in memory share one clock. For this call it shows the worker's time. */
  function skewed<Result>(skewMs: number, call: () => Promise<Result>): Promise<Result> {
    clock.passReal(skewMs);
    try {
      return call();
    } finally {
      clock.passReal(-skewMs);
    }
  }

  /** A process of `submit`. */
  function makeWorker({ who = "worker", skewMs = 0, life }: WorkerOptions = {}) {
    const { handleSubmitMessages: handle } = composeSubmission({
      ...makePorts(who, { skewMs, ...(life ? { life } : {}) }),
      ...withoutRecurring,
      onAbandoned: () => undefined,
    });
    return {
      /** @returns the messages that stay in the queue */
      async handle(messages: readonly SubmitMessage[]): Promise<SubmitMessage[]> {
        const bodies = messages.map((message) => JSON.stringify(message));
        const run = await handle(bodies, () => FUNCTION_MS);
        return messages.filter((_, index) => run.messages[index]?.kind === "failed");
      },
    };
  }

  const consume = composeJoin({
    ...makePorts("consume"),
    requeueLater: async () => {
      throw new Error("no webhook comes before the answer to its submission");
    },
  });
  const requests = composeClientRequests({
    ...makePorts("api"),
    ...parts.client,
    accountDirectory: {
      ...parts.client.accountDirectory,
      connectionIdOf: async ({
        connectionId = owner.connectionId,
      }: {
        connectionId?: string | undefined;
      }) => connectionId,
    },
    schedules: {
      create: async (requestId, atMs) => {
        schedules.set(requestId, Math.ceil(atMs / 1_000) * 1_000);
      },
      delete: async (requestId) => {
        schedules.delete(requestId);
      },
    },
    randomHex: (bytes) => newId().padStart(2 * bytes, "0"),
  });

  /** One run of `reconcile`. */
  const { sweepRequests } = composeRequestSweep({
    ...makePorts("sweep"),
    limit: 250,
    maxPolls: 100,
  });
  const sweep = () => {
    const startMs = clock.realMs();
    return sweepRequests(() => 50_000 - (clock.realMs() - startMs));
  };
  let lastSweepMs = clock.businessMs();
  let life = makeLife(of.kill);
  let worker = makeWorker({ life });

  /** @returns the messages that stay in the queue */
  async function work(batch: readonly SubmitMessage[]): Promise<readonly SubmitMessage[]> {
    if (of.skewOfNextMs) worker = makeWorker({ skewMs: of.skewOfNextMs(), life });
    const left = await Promise.race([worker.handle(batch), life.end]);
    if (left !== "dead") return left;
    life = makeLife(of.kill);
    worker = makeWorker({ life });
    return batch;
  }

  function pass(ms: number) {
    clock.passReal(ms);
    clock.passBusiness(ms);
  }

  /** Takes the messages that are due out of the queue, in order. */
  function ready(): SubmitMessage[] {
    const nowMs = clock.businessMs();
    for (const [requestId, atMs] of schedules) {
      if (atMs > nowMs) continue;
      schedules.delete(requestId);
      queue.push({ message: { v: 1, kind: "due", requestId }, atMs });
    }
    const due = queue.filter(({ atMs }) => atMs <= nowMs).slice(0, BATCH_SIZE);
    for (const one of due) queue.splice(queue.indexOf(one), 1);
    return due.map(({ message }) => message);
  }

  /** Works until nothing more is due now. */
  async function drain(): Promise<void> {
    for (let batch = ready(); batch.length > 0; batch = ready()) {
      const failed = await work(batch);
      const atMs = clock.businessMs() + 180_000;
      queue.push(...failed.map((message) => ({ message, atMs })));
    }
  }

  async function runTimers(): Promise<void> {
    const due = timers.filter(({ atMs }) => atMs <= clock.businessMs());
    for (const one of due) {
      timers.splice(timers.indexOf(one), 1);
      await one.run();
    }
  }

  return {
    /** Does this while time passes until then. */
    at(atMs: number, run: () => Promise<unknown>): void {
      timers.push({ atMs, run });
    },

    clock,
    rules,
    calls,
    published,
    queue,
    schedules,
    pass,
    makeWorker,
    drain,
    sweep,

    accept: (request: {
      accountId: string;
      n: number;
      action?: string;
      scheduledMs?: number;
      scheduled?: string;
      idempotencyKey?: string;
      connectionId?: string;
      priority?: "high";
      notAfter?: string;
      dependsOn?: DependencyInput;
    }) => {
      const { accountId, n, action = "connect", scheduledMs, scheduled, ...more } = request;
      const time = scheduledMs === undefined ? scheduled : new Date(scheduledMs).toISOString();
      return requests.accept({
        clientId: owner.clientId,
        provider,
        accountId,
        action,
        params: { accountId, n },
        ...(time === undefined ? {} : { scheduled: time }),
        ...more,
      });
    },

    /** Accepts requests by one call. */
    async acceptAll(accountId: string, items: readonly { n: number; action: string }[]) {
      const { results } = await requests.acceptBatch({
        clientId: owner.clientId,
        items: items.map(({ n, action }) => ({
          ...{ clientId: owner.clientId, provider, accountId, action, params: { accountId, n } },
        })),
        body: items,
      });
      return results.map((result) => {
        if (result instanceof Error) throw result;
        return result.requestId;
      });
    },

    /** Accepts a batch of requests to the account `a`; the requests that were stored, each with what it waits for. */
    async acceptBatch(items: readonly { action?: string; scheduledMs?: number }[], group: string) {
      const { clientId } = owner;
      const all = items.map(({ action = "connect", scheduledMs }, n) => ({
        ...{ clientId, provider, accountId: "a", action, group, params: { n } },
        ...(scheduledMs === undefined ? {} : { scheduled: new Date(scheduledMs).toISOString() }),
      }));
      const { results, waits } = await requests.acceptBatch({ clientId, items: all, body: all });
      return results.map((result) => {
        if (result instanceof Error) throw result;
        return { request: result, wait: waits.get(result.requestId) };
      });
    },

    group: (group: string) => requests.groups.get(owner.clientId, group),

    /** The request as the API shows it. */
    get: (requestId: string) => requests.get(owner.clientId, requestId),

    cancel: (requestId: string) => requests.cancel(owner.clientId, requestId),
    continue: (requestId: string, input: string, key?: string) =>
      requests.continue(owner.clientId, requestId, input, key),

    async find(requestId: string): Promise<RequestRecord> {
      const found = await memory.requests.find(requestId);
      if (!found) throw new Error("there is no such request");
      return found;
    },

    /** The store, to write as another writer would, and to freeze its indexes. */
    stored: memory.requests,
    lanes: memory.lanes,

    /** A person resolves the request as submitted. */
    submitted: (requestId: string, providerRequestId: string) =>
      requests.resolve(owner.clientId, requestId, { as: "submitted", providerRequestId }),

    /** A person resolves the request as not submitted. */
    notSubmitted: (requestId: string) =>
      requests.resolve(owner.clientId, requestId, { as: "not-submitted" }),

    /** Processes a webhook of the provider as `consume` does. */
    async decode(requestId: string, report: "done" | "prompt" | { failed: string }): Promise<void> {
      const { providerRequestId = "theirs" } = await this.find(requestId);
      const update = { event: eventOf(providerRequestId, report) };
      const taken = await consume.applyProviderUpdate(
        { requestId, connectionId: owner.connectionId },
        update,
      );
      if (taken?.wakeError !== undefined) throw taken.wakeError;
      if (taken?.isChanged) await consume.publishOutboxes([taken.request]);
    },

    /** Lets time pass, with every worker at its time and `reconcile` every minute. */
    async runUntil(endMs: number): Promise<void> {
      // A sweep that finds nothing changes nothing.
      const sweepAfter = (ms: number) => {
        const dueMs = Math.max(memory.requests.nextSweepMs(), ms + 1);
        return Math.ceil(dueMs / MINUTE_MS) * MINUTE_MS;
      };
      for (;;) {
        await drain();
        const nextSweepMs = sweepAfter(lastSweepMs);
        const times = [...[...queue, ...timers].map(({ atMs }) => atMs), ...schedules.values()];
        const nextMs = Math.min(...times, nextSweepMs);
        if (nextMs > endMs) return pass(Math.max(0, endMs - clock.businessMs()));
        pass(Math.max(0, nextMs - clock.businessMs()));
        await runTimers();
        if (clock.businessMs() < nextSweepMs) continue;
        lastSweepMs = clock.businessMs();
        await sweep();
      }
    },
  };
}

/** What a process makes its calls by, until it dies. */
interface Life {
  live: Step;
  end: Promise<"dead">;
}

interface WorkerOptions {
  who?: string;
  skewMs?: number;
  life?: Life;
}

function makeLife(kill: Kill = () => undefined): Life {
  const { promise: end, resolve } = Promise.withResolvers<"dead">();
  const never = new Promise<never>(() => undefined);
  let isDead = false;
  function die(): Promise<never> {
    isDead = true;
    resolve("dead");
    return never;
  }
  return {
    end,
    async live(call, of) {
      if (isDead) return never;
      const dies = kill(of);
      if (dies === "before") return die();
      const result = await call();
      return dies === "after" || isDead ? die() : result;
    },
  };
}

/** No firing comes, so that nothing but `api` accepts requests. */
const withoutRecurring = {
  recurring: { find: async () => undefined },
  randomHex: () => {
    throw new Error("only api accepts requests");
  },
};

function eventOf(
  providerRequestId: string,
  report: "done" | "prompt" | { failed: string },
): ProviderEvent {
  const data = { providerRequestId, eventType: "UNKNOWN" };
  const ended = { type: "workflow.completed" as const, providerObjectId: providerRequestId };
  if (report === "done") return { ...ended, data: { ...data, status: "completed", result: {} } };
  if (report === "prompt") {
    const type = "workflow.actionRequired" as const;
    return {
      type,
      providerObjectId: providerRequestId,
      data: { ...data, status: "action_required" },
    };
  }
  const error = { code: report.failed, message: report.failed };
  return { ...ended, data: { ...data, status: "failed", error } };
}

/** We-Link's answers to a submission. */
export function accepted(requestId: string): CallResult {
  return answered(200, { requestId });
}

/** The answer contains the result, so that the request does not hold its lane. */
export function finished(): CallResult {
  return answered(200, { status: "SUCCESS", requestId: `theirs-${++answers}`, result: {} });
}

let answers = 0;

export function answered(
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): CallResult {
  return {
    kind: "answered",
    answer: { status, headers, body: Buffer.from(JSON.stringify(body)) },
  };
}

import { Failure } from "../../../contracts/failures.ts";
import { parseJsonOrUndefined } from "../../../contracts/json-text.ts";
import { MAX_SQS_DELAY_MS } from "../../../contracts/limits.ts";
import { type SubmitMessage, submitMessage } from "../../../contracts/messages/submit.ts";
import { type MessageFailure, toMessageFailure } from "../../message-failure.ts";
import type { SettleDependent } from "../dependencies/settle-dependent.ts";
import {
  compareJoinOrder,
  isDueToJoin,
  type JoinedWhenDue,
  type JoinWhenDue,
} from "../lanes/join-when-due.ts";
import { isPlannedFor } from "../lanes/joined.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import type { FireRecurring } from "../recurring/fire-recurring.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { RequestStore, SubmitQueue } from "../state/ports.ts";
import type { PublishedOutboxes, PublishOutboxes } from "../state/publish-outboxes.ts";
import type { Lane, RequestRecord } from "../state/record.ts";
import type { SendInput } from "./send-input.ts";
import type { SubmitRequestResult } from "./submit-request.ts";
import type { LaneRunResult, WorkLane } from "./work-lane.ts";

export interface HandleSubmitMessagesDeps {
  requests: RequestStore;
  queue: SubmitQueue;
  laneScheduler: LaneScheduler;
  joinWhenDue: JoinWhenDue;
  settleDependent: SettleDependent;
  fireRecurring: FireRecurring;
  workLane: WorkLane;
  sendInput: SendInput;
  publish: PublishOutboxes;
  context: () => DecisionContext;
}

export type MessageOutcome = { kind: "done" } | MessageFailure;

export interface SubmitBatchResult {
  /** One for each message, in order. */
  messages: MessageOutcome[];
  submissions: SubmitRequestResult[];
  /** The longest wait (business) of a request at the head of a lane; 0 when none waits. */
  longestWaitMs: number;
  outbox: PublishedOutboxes;
}

/**
 * Processes a batch of the submit queue: publishes what accepting the requests
 * added to their outboxes, works the lanes that the messages name, each once,
 * and publishes what that changed. Each message fails on its own.
 */
export const makeHandleSubmitMessages =
  (deps: HandleSubmitMessagesDeps) =>
  async (bodies: readonly string[], remainingMs: () => number): Promise<SubmitBatchResult> => {
    const messages = bodies.map(parse);
    const found = await findRequests(deps, messages);
    const published = [await deps.publish(acceptedOf(messages, found), "accepted")];
    const runs = new Map<string, Promise<LaneRunResult>>();
    const dependents = new Map<string, Promise<RequestRecord | undefined>>();
    const batch: Batch = {
      found,
      lastDue: lastDueByLane(messages, found, deps.context().nowMs),
      joins: new Map(),
      runs,
      settled: dependents,
      remainingMs,
    };
    const settled = await Promise.allSettled(
      messages.map((message) => processMessage(deps, message, batch)),
    );
    const laneRuns = await fulfilled(runs);
    const ended = (await fulfilled(dependents)).flatMap((request) => request ?? []);
    published.push(await deps.publish([...laneRuns.flatMap(({ changed }) => changed), ...ended]));
    return {
      messages: settled.map(outcomeOf),
      submissions: laneRuns.flatMap(({ submissions }) => submissions),
      longestWaitMs: Math.max(0, ...laneRuns.map(({ headWaitMs = 0 }) => headWaitMs)),
      outbox: {
        published: published.reduce((sum, one) => sum + one.published, 0),
        failures: published.flatMap(({ failures }) => failures),
      },
    };
  };

type FoundRequests = Map<string, { request: RequestRecord; lane: Lane | undefined }>;

interface Batch {
  found: FoundRequests;
  /** Of each lane, the due request that joins after all others of the batch. */
  lastDue: ReadonlyMap<string, RequestRecord>;
  /** The joins of this batch, by lane. */
  joins: Map<string, Promise<JoinedWhenDue | undefined>>;
  /** The runs of this batch, by lane, or by request for an input. */
  runs: Map<string, Promise<LaneRunResult>>;
  /** The dependent requests that this batch looks at. */
  settled: Map<string, Promise<RequestRecord | undefined>>;
  remainingMs: () => number;
}

function lastDueByLane(
  messages: readonly (SubmitMessage | undefined)[],
  found: FoundRequests,
  nowMs: number,
): ReadonlyMap<string, RequestRecord> {
  const last = new Map<string, RequestRecord>();
  for (const message of messages) {
    const request = message?.kind === "due" ? found.get(message.requestId)?.request : undefined;
    if (!request || !isDueToJoin(request, nowMs)) continue;
    const known = last.get(request.lane);
    if (!known || compareJoinOrder(known, request) < 0) last.set(request.lane, request);
  }
  return last;
}

/** What the work of a batch has brought, without what failed. */
async function fulfilled<Result>(started: Map<string, Promise<Result>>): Promise<Result[]> {
  return (await Promise.allSettled(started.values())).flatMap((work) =>
    work.status === "fulfilled" ? [work.value] : [],
  );
}

/** Starts the work of a key once for all messages of a batch. */
function startOnce<Result>(
  started: Map<string, Promise<Result>>,
  key: string,
  start: () => Promise<Result>,
): Promise<Result> {
  const work = started.get(key) ?? start();
  started.set(key, work);
  return work;
}

/** Returns `undefined` for what `processMessage` reports as MESSAGE_MALFORMED. */
function parse(body: string): SubmitMessage | undefined {
  return submitMessage.safeParse(parseJsonOrUndefined(body)).data;
}

/** Reads the requests that the messages name, with their lanes, in one go. */
function findRequests(
  { requests }: HandleSubmitMessagesDeps,
  messages: readonly (SubmitMessage | undefined)[],
): Promise<FoundRequests> {
  const ids = messages.flatMap((message) => [
    ...acceptedIn(message),
    ...(message?.kind === "due" ? [message.requestId] : []),
  ]);
  return requests.findWithLanes([...new Set(ids)]);
}

/** The accepted requests that a message names. */
function acceptedIn(message: SubmitMessage | undefined): readonly string[] {
  if (message?.kind === "accepted") return [message.requestId];
  return message?.kind === "acceptedBatch" ? message.requestIds : [];
}

function acceptedOf(
  messages: readonly (SubmitMessage | undefined)[],
  found: FoundRequests,
): RequestRecord[] {
  const ids = messages.flatMap(acceptedIn);
  return [...new Set(ids)].flatMap((id) => found.get(id)?.request ?? []);
}

async function processMessage(
  deps: HandleSubmitMessagesDeps,
  message: SubmitMessage | undefined,
  batch: Batch,
): Promise<void> {
  const { found, runs, settled, remainingMs } = batch;
  if (!message) throw new Failure("MESSAGE_MALFORMED", "not a message of the submit queue");
  if (message.kind === "continue") {
    await startOnce(runs, message.requestId, () => deps.sendInput(message.requestId));
    return;
  }
  if (message.kind === "dependency") {
    await startOnce(settled, message.requestId, () => deps.settleDependent(message.requestId));
    return;
  }
  if (message.kind === "recur") {
    await deps.fireRecurring(message);
    return;
  }
  if (message.kind === "acceptedBatch") {
    await processEach(deps, onePerLane(message, found), batch);
    return;
  }
  const lane = await prepareLane(deps, message, batch);
  if (lane === undefined) return;
  const { kind } = await startOnce(runs, lane, () => deps.workLane(lane, remainingMs));
  // The worker that holds the lease may have read the lane before this request joined it.
  if (kind === "busy" && message.kind !== "wakeUp") {
    const { clientId } = found.get(message.requestId)?.request ?? {};
    await deps.laneScheduler.ensureWakeUp({ lane, clientId });
  }
}

/** Processes all messages, and then throws the first error. */
async function processEach(
  deps: HandleSubmitMessagesDeps,
  messages: readonly SubmitMessage[],
  batch: Batch,
): Promise<void> {
  const settled = await Promise.allSettled(
    messages.map((message) => processMessage(deps, message, batch)),
  );
  for (const one of settled) if (one.status === "rejected") throw one.reason;
}

/** A message for each lane in which a request of the batch waits, and for each that was not found. */
function onePerLane(
  { requestIds, wakesLane }: Extract<SubmitMessage, { kind: "acceptedBatch" }>,
  found: FoundRequests,
): SubmitMessage[] {
  const waiting = new Map<string, string>();
  for (const requestId of requestIds) {
    const { request } = found.get(requestId) ?? {};
    if (!request) waiting.set(requestId, requestId);
    else if (request.status === "QUEUED") waiting.set(request.lane, requestId);
  }
  return [...waiting.values()].map((requestId) => ({
    v: 1,
    kind: "accepted",
    requestId,
    wakesLane,
  }));
}

/**
 * Joins a scheduled request to its lane, or makes sure that a busy lane is woken.
 *
 * @returns the lane that must be worked now; `undefined` when no lane must
 */
async function prepareLane(
  deps: HandleSubmitMessagesDeps,
  message: Exclude<SubmitMessage, { kind: "continue" | "dependency" | "recur" | "acceptedBatch" }>,
  batch: Batch,
): Promise<string | undefined> {
  if (message.kind === "wakeUp") return message.lane;
  const { request, lane } = batch.found.get(message.requestId) ?? {};
  if (!request) {
    // It is gone, or its item cannot be read: then this throws, and the message is kept.
    await deps.requests.find(message.requestId);
    return undefined;
  }
  if (message.kind === "due") return joinDue(deps, message, { request, lane, batch });
  if (request.status !== "QUEUED") return undefined;
  // A request that joined while a worker was releasing the lane has no wake-up scheduled.
  if (message.wakesLane || lane?.sweepDueMs === undefined) return request.lane;
  return wakeIfUnplanned(deps, request, lane);
}

/**
 * Makes sure that a worker looks at a request that has joined its lane, also where the call that
 * joined it has died.
 *
 * @returns the lane when it must be worked now
 */
async function wakeIfUnplanned(
  deps: HandleSubmitMessagesDeps,
  request: RequestRecord,
  lane: Lane,
): Promise<string | undefined> {
  const soonMs = deps.laneScheduler.sweepDueAfterWakeUp(deps.context().nowMs);
  if (lane.owner === undefined) {
    return isPlannedFor(request, lane, soonMs) ? undefined : request.lane;
  }
  await deps.laneScheduler.ensureWakeUp(request);
  return undefined;
}

/**
 * Joins a scheduled request to its lane. The due requests of a lane join by one call, for the
 * last of them. A message that comes early is sent again for the right time.
 */
async function joinDue(
  deps: HandleSubmitMessagesDeps,
  message: SubmitMessage,
  of: { request: RequestRecord; lane: Lane | undefined; batch: Batch },
): Promise<string | undefined> {
  const { request, batch } = of;
  const { status, scheduledMs = 0, lane, clientId } = request;
  if (status === "QUEUED" && of.lane) return wakeIfUnplanned(deps, request, of.lane);
  const delayMs = scheduledMs - deps.context().nowMs;
  if (status === "SCHEDULED" && delayMs > 0 && delayMs <= MAX_SQS_DELAY_MS) {
    await deps.queue.send(message, { delayMs, clientId });
  }
  const last = batch.lastDue.get(lane);
  if (status !== "SCHEDULED" || delayMs > 0 || !last) return undefined;
  const joined = await startOnce(batch.joins, lane, () => deps.joinWhenDue(last));
  if (joined?.isUnfinished && last === request) await deps.queue.send(message, { clientId });
  return joined?.wakesLane ? lane : undefined;
}

function outcomeOf(settled: PromiseSettledResult<void>): MessageOutcome {
  return settled.status === "fulfilled" ? { kind: "done" } : toMessageFailure(settled.reason);
}

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
import { type HeadWait, longest } from "../lanes/lane-head.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import type { FireRecurring } from "../recurring/fire-recurring.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { RequestStore, SubmitQueue } from "../state/ports.ts";
import type {
  DeferredRemoval,
  PublishedOutboxes,
  PublishOutboxes,
} from "../state/publish-outboxes.ts";
import type { Lane, RequestRecord } from "../state/record.ts";
import type { AcceptedRequest, FoundRequests } from "./likely-taken.ts";
import { acceptedIn, acceptedOf, claimedIn, likelyTaken, recordsOf } from "./likely-taken.ts";
import type { SendInput } from "./send-input.ts";
import { fulfilled, startOnce } from "./started-work.ts";
import type { SubmitRequestResult } from "./submit-request.ts";
import { wakeIfUnplanned } from "./wake-if-unplanned.ts";
import type { LaneRunResult, WorkLane } from "./work-lane.ts";

export interface HandleSubmitMessagesDeps {
  requests: RequestStore;
  submitQueue: SubmitQueue;
  laneScheduler: LaneScheduler;
  joinWhenDue: JoinWhenDue;
  settleDependent: SettleDependent;
  fireRecurring: FireRecurring;
  workLane: WorkLane;
  sendInput: SendInput;
  publishOutboxes: PublishOutboxes;
  context: () => DecisionContext;
}

export type MessageOutcome = { kind: "done" } | MessageFailure;

export interface SubmitBatchResult {
  /** One for each message, in order. */
  messages: MessageOutcome[];
  submissions: SubmitRequestResult[];
  /** The requests whose acceptance the messages report, as the batch found them. */
  accepted: readonly AcceptedRequest[];
  /** Lanes that could submit nothing, because a limit of their account is used up. */
  exhaustedBudgets: number;
  /** The longest wait (business) of a request at the head of a lane; absent when none waits. */
  longestWait?: HeadWait | undefined;
  outbox: PublishedOutboxes;
}

/**
 * Processes a batch of the submit queue: publishes what accepting the requests
 * added to their outboxes, works the lanes that the messages name, each once,
 * and publishes what that changed. Each message fails on its own, unless the common read of the
 * requests that they name fails: then all do, and SQS delivers them again.
 */
export const makeHandleSubmitMessages =
  (deps: HandleSubmitMessagesDeps) =>
  async (bodies: readonly string[], remainingMs: () => number): Promise<SubmitBatchResult> => {
    const messages = bodies.map(parse);
    const found = await findRequests(deps, messages);
    const deferRemovalFor = likelyTaken(messages, found, deps.context());
    const accepted = acceptedOf(messages, found);
    const created = await deps.publishOutboxes(recordsOf(accepted), "accepted", {
      deferRemovalFor,
    });
    const published: PublishedOutboxes[] = [created];
    const deferred = new Map(created.deferred.map((one) => [one.requestId, one]));
    const batch: Batch = {
      found,
      lastDue: lastDueByLane(messages, found, deps.context().nowMs),
      joins: new Map(),
      runs: new Map(),
      dependents: new Map(),
      deferred,
      remainingMs,
    };
    const settled = await Promise.allSettled(
      messages.map((message) => processMessage(deps, message, batch)),
    );
    const laneRuns = await fulfilled(batch.runs);
    const ended = (await fulfilled(batch.dependents)).flatMap((request) => request ?? []);
    const changed = laneRuns.flatMap((run) => run.changed);
    const submissions = laneRuns.flatMap((run) => run.submissions);
    const taken = submissions.flatMap(claimedIn);
    for (const { requestId } of taken) deferred.delete(requestId);
    published.push(
      ...(await Promise.all([...deferred.values()].map((one) => one.remove()))),
      await deps.publishOutboxes([...changed, ...ended]),
    );
    return {
      messages: settled.map(outcomeOf),
      submissions,
      accepted,
      exhaustedBudgets: laneRuns.filter(({ isBudgetUsedUp }) => isBudgetUsedUp).length,
      longestWait: longest(laneRuns.flatMap(({ headWait }) => headWait ?? [])),
      outbox: {
        published: published.reduce((sum, one) => sum + one.published, 0),
        failures: published.flatMap(({ failures }) => failures),
      },
    };
  };

interface Batch {
  found: FoundRequests;
  /** Of each lane, the due request that joins after all others of the batch. */
  lastDue: ReadonlyMap<string, RequestRecord>;
  /** The joins of this batch, by the request that joins last. */
  joins: Map<string, Promise<JoinedWhenDue | undefined>>;
  /** The runs of this batch, by lane, or by request for an input. */
  runs: Map<string, Promise<LaneRunResult>>;
  /** The dependent requests that this batch settles. */
  dependents: Map<string, Promise<RequestRecord | undefined>>;
  /** The requests whose `workflow.created` is published, and removed by the write that takes them. */
  deferred: ReadonlyMap<string, DeferredRemoval>;
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

async function processMessage(
  deps: HandleSubmitMessagesDeps,
  message: SubmitMessage | undefined,
  batch: Batch,
): Promise<void> {
  const { runs, dependents, deferred, remainingMs } = batch;
  if (!message) throw new Failure("MESSAGE_MALFORMED", "not a message of the submit queue");
  switch (message.kind) {
    case "continue":
      await startOnce(runs, message.requestId, () => deps.sendInput(message.requestId));
      return;
    case "dependency":
      await startOnce(dependents, message.requestId, () => deps.settleDependent(message.requestId));
      return;
    case "recur":
      await deps.fireRecurring(message);
      return;
    case "wakeUp":
      await startOnce(runs, message.lane, () => deps.workLane(message.lane, remainingMs, deferred));
      return;
    case "accepted":
      return workIfWaiting(deps, message, batch);
    case "acceptedBatch":
      return workEachLane(deps, message, batch);
    case "due":
      return joinAndWork(deps, message, batch);
  }
}

/** Works the lane of an accepted request that waits in it, unless a wake-up of the lane is planned. */
async function workIfWaiting(
  deps: HandleSubmitMessagesDeps,
  { requestId, wakesLane }: { requestId: string; wakesLane: boolean },
  batch: Batch,
): Promise<void> {
  const { request, lane } = (await findInBatch(deps, requestId, batch)) ?? {};
  if (request?.status !== "QUEUED") return;
  // A request that joined while a worker was releasing the lane has no wake-up scheduled.
  const mustWork =
    wakesLane || lane?.dueMs === undefined || (await wakeIfUnplanned(deps, request, lane));
  if (mustWork) await workLaneOf(deps, request, batch);
}

/** Works each lane in which a request of the message waits, and then throws the first error. */
async function workEachLane(
  deps: HandleSubmitMessagesDeps,
  { requestIds, wakesLane }: Extract<SubmitMessage, { kind: "acceptedBatch" }>,
  batch: Batch,
): Promise<void> {
  const oneOfLane = new Map<string, string>();
  for (const requestId of requestIds) {
    const { request } = batch.found.get(requestId) ?? {};
    if (!request) oneOfLane.set(requestId, requestId);
    else if (request.status === "QUEUED") oneOfLane.set(request.lane, requestId);
  }
  const worked = await Promise.allSettled(
    [...oneOfLane.values()].map((requestId) =>
      workIfWaiting(deps, { requestId, wakesLane }, batch),
    ),
  );
  for (const one of worked) if (one.status === "rejected") throw one.reason;
}

/** Joins a scheduled request to its lane, and works the lane if the join did not plan a wake-up. */
async function joinAndWork(
  deps: HandleSubmitMessagesDeps,
  message: Extract<SubmitMessage, { kind: "due" }>,
  batch: Batch,
): Promise<void> {
  const found = await findInBatch(deps, message.requestId, batch);
  if (!found) return;
  const mustWork = await joinDue(deps, message, { ...found, batch });
  if (mustWork) await workLaneOf(deps, found.request, batch);
}

/** @returns `undefined` if the request is gone. @throws DEPENDENCY_DOWN if its item cannot be read: the message is kept */
async function findInBatch(
  deps: HandleSubmitMessagesDeps,
  requestId: string,
  { found }: Batch,
): Promise<{ request: RequestRecord; lane: Lane | undefined } | undefined> {
  const known = found.get(requestId);
  if (known) return known;
  const request = await deps.requests.find(requestId);
  return request && { request, lane: undefined };
}

/** Works the lane of a request once for all messages of the batch. */
async function workLaneOf(
  deps: HandleSubmitMessagesDeps,
  { lane, clientId }: RequestRecord,
  { runs, deferred, remainingMs }: Batch,
): Promise<void> {
  const { kind } = await startOnce(runs, lane, () => deps.workLane(lane, remainingMs, deferred));
  // The worker that holds the lease may have read the lane before this request joined it.
  if (kind === "busy") await deps.laneScheduler.ensureWakeUp({ lane, clientId });
}

/**
 * Joins a scheduled request to its lane. The due requests of a lane join by one call, for the last
 * of them; one may be due only since the batch began. A message that comes early is sent again.
 *
 * @returns whether the lane must be worked now
 */
async function joinDue(
  deps: HandleSubmitMessagesDeps,
  message: SubmitMessage,
  of: { request: RequestRecord; lane: Lane | undefined; batch: Batch },
): Promise<boolean> {
  const { request, batch } = of;
  const { status, scheduledMs = 0, lane, clientId } = request;
  if (status === "QUEUED" && of.lane) return wakeIfUnplanned(deps, request, of.lane);
  const delayMs = scheduledMs - deps.context().nowMs;
  if (status === "SCHEDULED" && delayMs > 0 && delayMs <= MAX_SQS_DELAY_MS) {
    await deps.submitQueue.send(message, { delayMs, clientId });
  }
  if (status !== "SCHEDULED" || delayMs > 0) return false;
  const known = batch.lastDue.get(lane) ?? request;
  const last = compareJoinOrder(known, request) < 0 ? request : known;
  const joined = await startOnce(batch.joins, last.requestId, () => deps.joinWhenDue(last));
  if (joined?.isUnfinished && last === request) await deps.submitQueue.send(message, { clientId });
  return joined?.wakesLane === true;
}

function outcomeOf(settled: PromiseSettledResult<void>): MessageOutcome {
  return settled.status === "fulfilled" ? { kind: "done" } : toMessageFailure(settled.reason);
}

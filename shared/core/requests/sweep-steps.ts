import type { ProviderId } from "../../contracts/providers.ts";
import type { SettleDependent } from "./dependencies/settle-dependent.ts";
import type { JoinWhenDue } from "./lanes/join-when-due.ts";
import type { LaneScheduler } from "./lanes/lane-scheduler.ts";
import type { CancelBeforeTimeout, LastPoll } from "./results/cancel-before-timeout.ts";
import type { DuePoll, PollDueRequests } from "./results/poll-due-requests.ts";
import type { Polled } from "./results/poll-request.ts";
import type { DecisionContext } from "./state/decision-context.ts";
import { CHECK_AGAIN_MS, type WaitingDependent, waitsForDependency } from "./state/dependency.ts";
import { failRequest, queueDeadlineMs, resultTimeout, timeoutError } from "./state/endings.ts";
import type { LaneStore } from "./state/lane-ports.ts";
import type {
  DueEntry,
  ProviderClients,
  RequestStore,
  StaleEntry,
  SubmitQueue,
} from "./state/ports.ts";
import type { PublishOutboxes } from "./state/publish-outboxes.ts";
import { isTerminal, type Lane, type RequestRecord } from "./state/record.ts";
import { isOutboxOverdue, withClaimedOutbox, withDerivedFields } from "./state/request-state.ts";
import type { RequestWriter } from "./state/request-writer.ts";
import { markUnknown } from "./state/submission-transitions.ts";
import { dueWorkOf } from "./state/sweep-work.ts";
import type { RequestSweepResult, SweepNotice } from "./sweep-result.ts";

export interface SweepStepsDeps {
  requests: RequestStore;
  lanes: Pick<LaneStore, "find">;
  writer: RequestWriter;
  submitQueue: SubmitQueue;
  laneScheduler: LaneScheduler;
  publishOutboxes: PublishOutboxes;
  joinWhenDue: JoinWhenDue;
  settleDependent: SettleDependent;
  pollDueRequests: PollDueRequests;
  cancelBeforeTimeout: CancelBeforeTimeout;
  providerClients: ProviderClients;
  context: () => DecisionContext;
}

/** Calls in a row without a published event after which a run takes the bus for down. */
const MAX_FAILED_PUBLISHES = 4;

/** A lane is woken up again this long (business) after a wake-up message of the sweep, unless a worker ran. */
const WAKE_UP_AGAIN_MS = 60_000;

/** What one run does with each item that it finds. Each step adds to `total`. */
export function makeSweepSteps(
  deps: SweepStepsDeps,
  total: RequestSweepResult,
  fail: (error: unknown) => void,
) {
  const { requests, lanes, writer, submitQueue, laneScheduler } = deps;
  /** Calls of `publish` in a row after which every event stayed in its outbox. */
  let failedPublishes = 0;

  /** False when the bus accepts no events: what is left of the outboxes is left to the next run. */
  const canPublish = () => failedPublishes < MAX_FAILED_PUBLISHES;

  function notice(kind: SweepNotice["kind"], request: RequestRecord): void {
    total.notices.push({ kind, request });
  }

  /** Publishes the outboxes that this run wrote or took over. */
  async function publish(changed: readonly RequestRecord[]): Promise<void> {
    if (changed.length === 0 || !canPublish()) return;
    const { published, failures } = await deps.publishOutboxes(changed);
    total.published += published;
    total.unpublished.push(...failures);
    const isDown = published === 0 && failures.some(({ code }) => code === "PUBLISH_FAILED");
    failedPublishes = isDown ? failedPublishes + 1 : 0;
  }

  /** Processes items concurrently. An item that fails does not keep the others from being processed. */
  async function each<Item>(
    items: readonly Item[],
    process: (item: Item) => Promise<RequestRecord | undefined>,
  ): Promise<RequestRecord[]> {
    const changed = await Promise.all(
      items.map((item) =>
        process(item).catch((error: unknown) => {
          fail(error);
          return undefined;
        }),
      ),
    );
    return changed.flatMap((request) => request ?? []);
  }

  /** Reads a request of the index. Returns `undefined` when it is not due: the index may be older than the item. */
  async function findDue(requestId: string): Promise<RequestRecord | undefined> {
    const request = await requests.find(requestId);
    const { nowMs } = deps.context();
    const isDue = request && !isTerminal(request) && (request.dueMs ?? nowMs) <= nowMs;
    return isDue ? request : undefined;
  }

  /** Completes what the last writer of the request has left undone. @returns the request if this run may publish its outbox */
  async function recover({ requestId }: StaleEntry): Promise<RequestRecord | undefined> {
    let wasSending = false;
    const changed = await writer.change(requestId, (request) => {
      const { status, owner, sendingUntilRealMs = 0, sweepAtRealMs } = request;
      wasSending = status === "SUBMITTING";
      const context = deps.context();
      const claimed = isOutboxOverdue(request, context)
        ? withClaimedOutbox(request, context)
        : request;
      if (status === "SUBMITTING") {
        // No worker has started to send this input: its message was lost.
        if (owner === undefined) return withDerivedFields(claimed, context);
        if (sendingUntilRealMs <= context.nowRealMs) return markUnknown(claimed, context);
      }
      if (claimed !== request || (sweepAtRealMs ?? context.nowRealMs) > context.nowRealMs)
        return claimed;
      // Its writer has more time: the entry was for what has been completed since.
      return withDerivedFields(request, context);
    });
    if (!changed) return undefined;
    const { request, isChanged } = changed;
    // Not one that was UNKNOWN before, of which only the outbox is taken over.
    if (isChanged && wasSending && request.status === "UNKNOWN") {
      total.unknown++;
      notice("unknown", request);
    }
    if (isChanged && request.status === "SUBMITTING" && request.owner === undefined) {
      await submitQueue.send({ v: 1, kind: "continue", requestId }, { clientId: request.clientId });
    }
    if (isTerminal(request)) await laneScheduler.wakeFreedLane(request);
    // The message of its accept was lost, and with it perhaps the lane's wake-up.
    const isAcceptLost = request.outbox.some(({ version }) => version === 1);
    if (isAcceptLost && isChanged) total.lostAccepts.push(request);
    // Also one that is planned: it may be for a window of another category.
    if (request.status === "QUEUED" && isAcceptLost) await laneScheduler.wakeUp(request);
    return isChanged ? request : undefined;
  }

  /** @returns the request if its outbox must be published */
  async function processOne(entry: DueEntry): Promise<RequestRecord | undefined> {
    const { requestId } = entry;
    if (requestId === undefined) return wakeLane(entry);
    const request = await findDue(requestId);
    if (!request) return undefined;
    if (waitsForDependency(request)) return settle(entry, request);
    if (request.status === "SCHEDULED") return joinOverdue(request);
    // An entry of an earlier version: writing the request moves it to the entries of its kind.
    if (dueWorkOf(request) !== "end") {
      await writer.replace(withDerivedFields(request, deps.context()));
      return undefined;
    }
    const lane = request.status === "QUEUED" ? await lanes.find(request.lane) : undefined;
    if (timeoutError(request, deps.context(), lane)) return timeOut(requestId, { lane });
    // Its lane was blocked for a time, which does not count.
    if (lane) await requests.postponeSweep(entry, nextTimeoutMs(request, lane));
    return undefined;
  }

  /** When a waiting request may time out at the earliest. */
  function nextTimeoutMs(request: RequestRecord, lane: Lane): number {
    const { notAfterMs = Number.POSITIVE_INFINITY } = request;
    const context = deps.context();
    return Math.min(Math.max(queueDeadlineMs(request, context, lane), context.nowMs), notAfterMs);
  }

  async function wakeLane(entry: DueEntry): Promise<undefined> {
    // Before the message: two runs do not both send it, and the entry is behind all others.
    const againMs = laneScheduler.dueAfterWakeUp(deps.context().nowMs + WAKE_UP_AGAIN_MS);
    const postponed = await requests.postponeSweep(entry, againMs);
    if (!postponed) return;
    const { lane, dueMs } = entry;
    await submitQueue.send({ v: 1, kind: "wakeUp", lane, dueMs }, postponed);
    total.wokenLanes++;
  }

  /** A dependent request whose registration or news may be lost, or whose time is up. */
  async function settle(
    entry: DueEntry,
    { requestId, dependsOn, notAfterMs = Number.POSITIVE_INFINITY }: WaitingDependent,
  ): Promise<RequestRecord | undefined> {
    const changed = await deps.settleDependent(requestId);
    if (changed) return changed;
    const againMs = deps.context().nowMs + CHECK_AGAIN_MS;
    await requests.postponeSweep(entry, Math.min(againMs, dependsOn.untilMs, notAfterMs));
    return undefined;
  }

  async function joinOverdue(request: RequestRecord): Promise<undefined> {
    const joined = await deps.joinWhenDue(request);
    if (!joined) return;
    total.joined++;
    const { lane, clientId } = request;
    if (joined.wakesLane) await submitQueue.send({ v: 1, kind: "wakeUp", lane }, { clientId });
  }

  /**
   * Ends a request whose time is up, or that its provider has cancelled because of that.
   *
   * @param lane of a request that waits in it
   * @returns the request when this call ended it
   */
  async function timeOut(
    requestId: string,
    { isCancelledThere = false, lane }: { isCancelledThere?: boolean; lane?: Lane | undefined },
  ): Promise<RequestRecord | undefined> {
    let wasPrompting = false;
    let heldLane = false;
    const changed = await writer.change(requestId, (request) => {
      const context = deps.context();
      const error =
        isCancelledThere && request.status === "RUNNING"
          ? resultTimeout(request, context, { isCancelledThere })
          : timeoutError(request, context, lane);
      wasPrompting = request.status === "ACTION_REQUIRED";
      heldLane = request.laneState !== "waiting";
      return error && failRequest(request, error, context, deps.providerClients[request.provider]);
    });
    if (!changed?.isChanged) return undefined;
    // A person who does not answer a prompt is not a failure of the pipeline.
    if (!wasPrompting) {
      total.timedOut++;
      notice("timedOut", changed.request);
    }
    if (heldLane) await laneScheduler.wakeFreedLane(changed.request);
    return changed.request;
  }

  function count(polled: Polled): void {
    if (polled.availability.kind !== "notAsked") total.polled++;
    total.unpublished.push(...polled.unpublished);
    const { request } = polled;
    if (polled.hasPausedAccount) {
      total.pausedAccounts++;
      notice("accountPaused", request);
    }
    if (polled.hasStoredUnclearReport) {
      total.unclearReports++;
      notice("unclearReport", request);
    }
    if (polled.hasPausedConnection) {
      total.pausedConnections++;
      notice("connectionPaused", request);
    }
  }

  async function onPolled(polled: Polled, againMs: number): Promise<void> {
    count(polled);
    await endAtLimit(polled.request, { kind: polled.availability.kind, againMs });
  }

  function onLimit(request: RequestRecord, againMs: number): Promise<void> {
    return endAtLimit(request, { kind: "skipped", againMs });
  }

  /** Ends a request if its time is up, after its provider was asked. */
  async function endAtLimit(request: RequestRecord, last: LastPoll): Promise<void> {
    if (isTerminal(request) || !timeoutError(request, deps.context())) return;
    const { verdict, polled } = await deps.cancelBeforeTimeout(request, last);
    if (polled) count(polled);
    if (verdict === "continue") return;
    const isCancelledThere = verdict === "cancelled";
    await publish(await each([request.requestId], (id) => timeOut(id, { isCancelledThere })));
  }

  return {
    canPublish,

    async recoverStale(entries: readonly StaleEntry[]): Promise<void> {
      await publish(await each(entries, recover));
    },

    async processDue(entries: readonly DueEntry[]): Promise<void> {
      await publish(await each(entries, processOne));
    },

    collectPolls:
      (due: DuePoll[]) =>
      async (entries: readonly DueEntry[]): Promise<void> => {
        await each(entries, async (entry) => {
          const request = await findDue(entry.requestId ?? "");
          if (!request) return undefined;
          const isAtLimit = timeoutError(request, deps.context()) !== undefined;
          due.push({ entry, request, isAtLimit });
          return undefined;
        });
      },

    poll: (provider: ProviderId, due: readonly DuePoll[], hasTime: () => boolean) =>
      deps.pollDueRequests(provider, due, {
        hasTime,
        onPolled,
        onLimit,
        onFailure: (failure) => total.failed.push(failure),
      }),
  };
}

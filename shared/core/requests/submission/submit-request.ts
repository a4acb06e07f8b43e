import type { AccountReader, Connection, ConnectionReader } from "../../connections/ports.ts";
import type { ProviderClient } from "../../providers/provider-client.ts";
import type { FindStop } from "../dependencies/dependency-events.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import { timeoutError } from "../state/endings.ts";
import { takeOf } from "../state/lane-counters.ts";
import type { LaneStore } from "../state/lane-ports.ts";
import type { ReferenceStore } from "../state/ports.ts";
import type { Lane, LanePause, RequestError, RequestRecord } from "../state/record.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { subQueueOf } from "../state/sub-queue.ts";
import {
  applySubmissionOutcome,
  claimForSubmission,
  hasBeenSubmitted,
  mergeLateAnswer,
  type SendOutcome,
  type SubmissionDecision,
} from "../state/submission-transitions.ts";
import { type BuildCallDeps, buildCall } from "./build-call.ts";
import { findCredentials, makeCredentialsChangedSince } from "./request-credentials.ts";
import { type MadeCall, makeSendCall, type SendCallDeps } from "./send-call.ts";
import { makeExtendSubmittingUntil } from "./submitting-until.ts";

/**
 * One submission, in order: build the provider's call, record until when it may be
 * in flight (webhooks that match no request wait until then), claim the request by
 * a conditional write, ask whether an event has stopped it, send, bind the provider's id, store the outcome.
 */

export interface SubmitRequestDeps extends BuildCallDeps, SendCallDeps {
  writer: RequestWriter;
  references: ReferenceStore;
  lanes: LaneStore;
  accounts: AccountReader;
  connections: ConnectionReader;
  /** Returns why a dependent request must not be sent. */
  findStop: FindStop;
  /** Pauses a connection whose credentials were refused; `false` when it is paused already. */
  pauseConnection: (connectionId: string) => Promise<boolean>;
  /** Logs an error that does no harm, because a poll, the sweep or a second write completes the work. */
  onNonFatalError: (error: unknown) => void;
}

/** The worker that sends, and how long it has its lane (real time). */
export interface Sender {
  owner: string;
  leaseUntilRealMs: number;
}

/** The request was claimed. `outcome` says whether the provider has it, or that nothing was sent. */
export interface Attempted {
  kind: "attempted";
  request: RequestRecord;
  /** True when this worker wrote the request last. The caller then publishes its outbox. */
  mustPublish: boolean;
  outcome: SendOutcome;
  /** Earliest time (business) of the account's next submission. */
  nextSubmissionNotBeforeMs: number;
  pause?: LanePause | undefined;
  hasPausedConnection: boolean;
  /** True when the answer is not clear and was kept on the request. */
  hasStoredUnclearReport: boolean;
  /** Absent where no call to the provider was made. */
  call?: MadeCall | undefined;
}

export type SubmitRequestResult =
  | Attempted
  /** Another write came first, and nothing was sent. */
  | { kind: "conflict" }
  /** The request can never be sent. `cause` is the error of ours that made it so, if there was one. */
  | { kind: "unsubmittable"; request: RequestRecord; error: RequestError; cause?: unknown };

export type SubmitRequest = ReturnType<typeof makeSubmitRequest>;

/**
 * Sends one request, or a person's input for it, to its provider at most once
 * (G3). Everything except the stop check is read before the request is claimed. The stop check
 * (`findStop`) is read after the claim on purpose: if it fails, nothing is sent, and the request
 * returns to its lane.
 *
 * @throws DEPENDENCY_DOWN before anything was sent
 */
export function makeSubmitRequest(deps: SubmitRequestDeps) {
  const { writer, references } = deps;
  const sendCall = makeSendCall(deps);
  const credentialsChangedSince = makeCredentialsChangedSince(deps);
  const extendSubmittingUntil = makeExtendSubmittingUntil(references);

  return async (of: {
    request: RequestRecord;
    connection: Connection;
    sender: Sender;
    /** The gap (business) that follows the answer. */
    gapMs: number;
    /** The lane of a request that waits in it. */
    lane?: Pick<Lane, "counters">;
  }): Promise<SubmitRequestResult> => {
    const { request, connection, sender, gapMs, lane } = of;
    const credentials = await findCredentials(deps, request, connection);
    const built = await buildCall(deps, request, credentials);
    if ("error" in built) return { kind: "unsubmittable", request, ...built };
    await extendSubmittingUntil(request.connectionId, deps.context());

    const claimContext = deps.context();
    const timedOut = timeoutError(request, claimContext, lane);
    if (timedOut) return { kind: "unsubmittable", request, error: timedOut };
    const claim = { owner: sender.owner, untilRealMs: sender.leaseUntilRealMs };
    const claimed = await writer.replace(claimForSubmission(request, claim, claimContext));
    if (!claimed) return { kind: "conflict" };

    const stop = await findStopOrHoldBack(claimed);
    if (stop?.kind === "stopped") {
      const unsent = { ...claimed, takenMs: undefined };
      return { kind: "unsubmittable", request: unsent, error: stop.error };
    }
    const { sent, call } = stop
      ? { sent: stop, call: undefined }
      : await sendCall(claimed, built.call, { ...sender, claimedAtRealMs: claimContext.nowRealMs });
    const isRefusal = ["credentialsRefused", "forbidden", "accountBlocked"].includes(sent.kind);
    const wereReplaced = isRefusal && (await credentialsChangedSince(request, credentials));
    const outcome = wereReplaced
      ? credentialsReplacedOutcome
      : await escalateIfConnectionForbidden(claimed, sent);
    return { ...(await storeOutcome(claimed, outcome, gapMs)), call };
  };

  /** Asks after the claim: what was acknowledged up to here keeps a dependent request from being sent. */
  async function findStopOrHoldBack(
    claimed: RequestRecord,
  ): Promise<
    { kind: "stopped"; error: RequestError } | { kind: "notSent"; code: string } | undefined
  > {
    // What stops a request does so until it is submitted: a person's input is for one that was.
    if (hasBeenSubmitted(claimed)) return undefined;
    try {
      const error = await deps.findStop(claimed);
      return error && { kind: "stopped", error };
    } catch (error) {
      deps.onNonFatalError(error);
      return { kind: "notSent", code: "PREDECESSOR_NOT_READ" };
    }
  }

  /** A call that is forbidden for more than one account is forbidden for the connection. */
  async function escalateIfConnectionForbidden(
    request: RequestRecord,
    sent: SendOutcome,
  ): Promise<SendOutcome> {
    if (sent.kind !== "forbidden" || request.wasForbidden) return sent;
    const isConnection = await references.noteForbidden(request).catch((error: unknown) => {
      deps.onNonFatalError(error);
      return false;
    });
    return isConnection ? { kind: "credentialsRefused", code: sent.error.code } : sent;
  }

  /** Stores the outcome of the submission: the provider's id, the pauses, the request. */
  async function storeOutcome(
    claimed: RequestRecord,
    outcome: SendOutcome,
    gapMs: number,
  ): Promise<Attempted> {
    const context = deps.context();
    const nextSubmissionNotBeforeMs = context.nowMs + gapMs;
    const of = { provider: deps.providerClients[claimed.provider], nextSubmissionNotBeforeMs };
    const mustPoll = await bindProviderId(claimed, outcome);
    const decision = applySubmissionOutcome(claimed, outcome, context, of);
    const { pause, pausesConnection, endsLoginPause, hasStoredUnclearReport = false } = decision;
    // Before the request waits again: if this worker dies in between, the pause is there.
    if (pause) {
      await deps.lanes.pause(claimed.lane, claimed, pause).catch(deps.onNonFatalError);
    }
    if (endsLoginPause) {
      await deps.lanes.endLoginPause(claimed.lane, context.nowMs).catch(deps.onNonFatalError);
    }
    const stored = await storeOrMerge(claimed, { decision, outcome, mustPoll }, context, of);
    const hasPausedConnection =
      pausesConnection === true && (await deps.pauseConnection(claimed.connectionId));
    const base = { kind: "attempted", outcome, nextSubmissionNotBeforeMs } as const;
    return { ...base, ...stored, pause, hasPausedConnection, hasStoredUnclearReport };
  }

  /**
   * Binds the provider's id to the request. Returns whether it must be polled at once: its result
   * may have been published as an unmatched event, or webhooks will not find it.
   */
  async function bindProviderId(
    { connectionId, requestId }: RequestRecord,
    outcome: SendOutcome,
  ): Promise<boolean> {
    if (outcome.kind !== "accepted" || outcome.providerRequestId === undefined) return false;
    const { providerRequestId } = outcome;
    try {
      const previous = await references.bind({ connectionId, providerRequestId, requestId });
      return previous !== undefined && !("requestId" in previous);
    } catch (error) {
      // The outcome must be stored all the same. The poll binds the id.
      deps.onNonFatalError(error);
      return true;
    }
  }

  /** Another worker may have counted what was not sent after all. */
  async function giveBackUnsent(claimed: RequestRecord, now: RequestRecord): Promise<void> {
    const { takenMs, lane } = claimed;
    if (takenMs === undefined || now.takenMs !== undefined) return;
    const back = { take: takeOf(claimed), subQueue: subQueueOf(claimed) };
    await deps.lanes.giveBack(lane, back).catch(deps.onNonFatalError);
  }

  /** Stores the decided request, or merges the answer into the stored request when another write came first. */
  async function storeOrMerge(
    claimed: RequestRecord,
    result: { decision: SubmissionDecision; outcome: SendOutcome; mustPoll: boolean },
    context: DecisionContext,
    of: { provider: ProviderClient; nextSubmissionNotBeforeMs: number },
  ): Promise<{ request: RequestRecord; mustPublish: boolean }> {
    const { decision, outcome, mustPoll } = result;
    const withPollDueNow = (request: RequestRecord): RequestRecord =>
      mustPoll && request.status === "RUNNING" ? { ...request, dueMs: context.nowMs } : request;
    const replaced = withPollDueNow(decision.request);
    const stored = await writer.replace(replaced).catch((error) => {
      deps.onNonFatalError(error);
      return undefined;
    });
    if (stored) return { request: stored, mustPublish: true };
    // A webhook, the sweep or a person wrote in between: merge the answer into what is stored now.
    const merged = await writer.change(
      claimed.requestId,
      (now) => {
        const wasMarkedUnknownMeanwhile =
          now.status === "UNKNOWN" && now.attempts === claimed.attempts;
        if (
          now.owner === claimed.owner ||
          (wasMarkedUnknownMeanwhile && outcome.kind !== "unknown")
        ) {
          return withPollDueNow(applySubmissionOutcome(now, outcome, context, of).request);
        }
        // It was sent after all: its take is not given back once more.
        const sent = now.status === "QUEUED" ? { ...now, takenMs: claimed.takenMs } : now;
        const late = mergeLateAnswer(sent, outcome, context, of);
        return late && withPollDueNow(late);
      },
      ATTEMPTS_TO_STORE,
    );
    if (merged?.isChanged) await giveBackUnsent(claimed, merged.request);
    return {
      request: merged?.request ?? decision.request,
      mustPublish: merged?.isChanged ?? false,
    };
  }
}

/** Many requests may begin to depend on this one at the same time, each by a write of it. */
const ATTEMPTS_TO_STORE = 60;

/** Nothing was done, and the next attempt uses the new credentials. */
const credentialsReplacedOutcome: SendOutcome = {
  kind: "temporarilyUnavailable",
  code: "CREDENTIALS_CHANGED",
  retryAfterMs: 1_000,
};

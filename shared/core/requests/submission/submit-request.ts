import { Failure } from "../../../contracts/failures.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import type {
  Connection,
  FreshAccountReader,
  FreshConnectionReader,
} from "../../connections/ports.ts";
import { type MasterKeys, unseal } from "../../crypto/master-keys.ts";
import { readJson } from "../../json/json.ts";
import type { ProviderHttpCall } from "../../providers/http-call.ts";
import type { Credentials, ProviderClient } from "../../providers/provider-client.ts";
import type { Pace } from "../lanes/pace.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { LaneStore, ProviderCalls, ReferenceStore, TextStore } from "../state/ports.ts";
import type { LanePause, RequestRecord } from "../state/record.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import {
  applySubmissionOutcome,
  claimForSubmission,
  isContinuation,
  mergeLateAnswer,
  type Outcome,
  type Settled,
} from "../state/submission-transitions.ts";
import { type RequestError, timeoutError } from "../state/timeouts.ts";
import { findCredentials, makeCredentialsChangedSince } from "./credentials-changed.ts";

export interface SubmitRequestDeps {
  writer: RequestWriter;
  references: ReferenceStore;
  lanes: LaneStore;
  texts: TextStore;
  accounts: FreshAccountReader;
  connections: FreshConnectionReader;
  calls: ProviderCalls;
  providers: Readonly<Record<ProviderId, ProviderClient>>;
  /** Pauses a connection whose credentials were refused; `false` when it is paused. */
  pauseConnection: (connectionId: string) => Promise<boolean>;
  masterKeys: (sealed: string) => Promise<MasterKeys>;
  context: () => DecisionContext;
  /** From 0 to 1. */
  random: () => number;
}

/** Who sends, and how long the lane is theirs (real time). */
export interface Sender {
  owner: string;
  leaseUntilRealMs: number;
}

export interface Submitted {
  kind: "submitted";
  request: RequestRecord;
  /** Whether our write left it so: what it caused is then ours to publish. */
  isOurs: boolean;
  outcome: Outcome;
  /** The account's next submission comes no earlier (business). */
  nextMs: number;
  pause?: LanePause | undefined;
  hasPausedConnection: boolean;
}

export type SubmitResult =
  | Submitted
  /** Another write came first: it is not ours to send. */
  | { kind: "conflict" }
  /** It cannot be sent, now or ever. */
  | { kind: "unsubmittable"; request: RequestRecord; error: RequestError };

/**
 * After the write that takes a request it must be on its way within this time: a
 * worker that was frozen in between does not send.
 */
const SEND_WITHIN_MS = 5_000;

/** Real time for storing the answer, within which a webhook waits to be joined. */
const ANSWER_MARGIN_MS = 5_000;

/** What a lease must outlast to begin a submission: the call, and what is around it. */
export const SUBMISSION_MARGIN_MS = SEND_WITHIN_MS + ANSWER_MARGIN_MS;

/**
 * Sends one request to its provider, once (G3). What needs a dependency is
 * fetched before the request is taken, so that nothing can fail between the
 * conditional write that takes it and the call itself.
 *
 * @throws DEPENDENCY_DOWN before anything was sent
 */
export function makeSubmitRequest(deps: SubmitRequestDeps) {
  const { writer, references, calls } = deps;
  const credentialsChangedSince = makeCredentialsChangedSince(deps);

  /** The highest mark that this process has set per connection: one write serves many sends. */
  const raised = new Map<string, number>();

  async function raiseMark(
    connectionId: string,
    { rules, nowRealMs }: DecisionContext,
  ): Promise<void> {
    const neededMs = nowRealMs + SEND_WITHIN_MS + rules.submitTimeoutMs + ANSWER_MARGIN_MS;
    if ((raised.get(connectionId) ?? 0) >= neededMs) return;
    const untilRealMs = neededMs + MARK_AHEAD_MS;
    await references.extendSubmittingUntil(connectionId, untilRealMs);
    raised.set(connectionId, untilRealMs);
  }

  return async (
    request: RequestRecord,
    connection: Connection,
    sender: Sender,
    paceMs: Pace,
  ): Promise<SubmitResult> => {
    const provider = deps.providers[request.provider];
    const credentials = await findCredentials(deps, request, connection);
    const call = await callOf(deps, request, credentials);
    if ("error" in call) return { kind: "unsubmittable", request, error: call.error };
    await raiseMark(request.connectionId, deps.context());

    const until = { owner: sender.owner, untilRealMs: sender.leaseUntilRealMs };
    const taking = deps.context();
    const overdue = isContinuation(request) ? undefined : timeoutError(request, taking);
    if (overdue) return { kind: "unsubmittable", request, error: overdue };
    const ours = await writer.replace(claimForSubmission(request, until, taking));
    if (!ours) return { kind: "conflict" };

    const told = await send(ours, call.request, taking.nowRealMs);
    const isRefusal = told.kind === "credentialsRefused" || told.kind === "accountBlocked";
    const isOutdated = isRefusal && (await credentialsChangedSince(request, credentials));
    const outcome: Outcome = isOutdated ? sentOutdated : told;
    const answered = deps.context();
    const [minMs, maxMs] = paceMs;
    const nextMs = answered.nowMs + minMs + deps.random() * (maxMs - minMs);
    const of = { provider, nextSubmissionNotBeforeMs: nextMs };
    const isKnown = await bind(ours, outcome);
    const settling = applySubmissionOutcome(ours, outcome, answered, of);
    // Before the request is seen to wait again: a worker that dies in between leaves the pause.
    if (settling.pause)
      await deps.lanes.pause(request.lane, request, settling.pause).catch(() => undefined);
    const stored = await store(ours, { settling, outcome, isKnown }, answered, of);
    const hasPausedConnection =
      settling.pausesConnection === true && (await deps.pauseConnection(request.connectionId));
    return {
      kind: "submitted",
      ...stored,
      outcome,
      nextMs,
      pause: settling.pause,
      hasPausedConnection,
    };
  };

  async function send(
    request: RequestRecord,
    call: ProviderHttpCall,
    takenAtRealMs: number,
  ): Promise<Outcome> {
    const { nowRealMs, rules } = deps.context();
    if (nowRealMs - takenAtRealMs > SEND_WITHIN_MS) return { kind: "notSent", code: "WOKEN_LATE" };
    const exchange = await calls.exchange(request.provider, call, rules.submitTimeoutMs);
    if (exchange.kind === "notSent") return { kind: "notSent", code: exchange.reason };
    if (exchange.kind === "incomplete") return { kind: "unknown", code: exchange.reason };
    return deps.providers[request.provider].readSubmission(exchange.answer, request.action);
  }

  /** @returns true when an event of this id was published before as one of nobody's */
  async function bind(
    { connectionId, requestId }: RequestRecord,
    outcome: Outcome,
  ): Promise<boolean> {
    if (outcome.kind !== "accepted" || outcome.providerRequestId === undefined) return false;
    const { providerRequestId } = outcome;
    // Without the reference a poll finds the result: the submission itself must be stored.
    const before = await references
      .bind({ connectionId, providerRequestId, requestId })
      .catch(() => undefined);
    return before !== undefined && "eventId" in before;
  }

  async function store(
    ours: RequestRecord,
    result: { settling: Settled; outcome: Outcome; isKnown: boolean },
    context: DecisionContext,
    of: { provider: ProviderClient; nextSubmissionNotBeforeMs: number },
  ): Promise<{ request: RequestRecord; isOurs: boolean }> {
    const { settling, outcome, isKnown } = result;
    // Its result came before its id was known, and went out as one of nobody's: the provider is asked.
    const asked = (request: RequestRecord): RequestRecord =>
      isKnown && request.status === "RUNNING" ? { ...request, dueMs: context.nowMs } : request;
    const stored = await writer.replace(asked(settling.request)).catch(() => undefined);
    if (stored) return { request: stored, isOurs: true };
    // A webhook, a sweep or a person came in between: what we know goes into what there is now.
    const merged = await writer.change(ours.requestId, (now) => {
      const isUnsettled = now.status === "UNKNOWN" && now.attempts === ours.attempts;
      if (now.owner === ours.owner || (isUnsettled && outcome.kind !== "unknown")) {
        return asked(applySubmissionOutcome(now, outcome, context, of).request);
      }
      const known = mergeLateAnswer(now, outcome, context, of);
      return known && asked(known);
    });
    return { request: merged?.request ?? settling.request, isOurs: merged?.isChanged ?? false };
  }
}

/** Nothing was done, and the next attempt has the new credentials. */
const sentOutdated: Outcome = {
  kind: "temporarilyUnavailable",
  code: "CREDENTIALS_CHANGED",
  retryAfterMs: 1_000,
};

/** How much longer than needed a mark is set: the next send of this process needs none. */
const MARK_AHEAD_MS = 10_000;

async function callOf(
  deps: SubmitRequestDeps,
  request: RequestRecord,
  credentials: Credentials,
): Promise<{ request: ProviderHttpCall } | { error: RequestError }> {
  const provider = deps.providers[request.provider];
  try {
    if (isContinuation(request)) {
      const { providerRequestId = "", accountId, sealedInput = "" } = request;
      const input = unseal(await deps.masterKeys(sealedInput), request.requestId, sealedInput);
      const of = { providerRequestId, accountId, input };
      const call = provider.continuation?.request(of, credentials);
      if (call) return { request: call };
      return { error: { code: "NO_CONTINUATION", message: "This provider takes no input" } };
    }
    const params = await paramsOf(deps, request);
    const { requestId, accountId, action } = request;
    const call = provider.submit({ requestId, accountId, action, params }, credentials);
    return { request: call };
  } catch (error) {
    if (error instanceof Failure && error.code === "DEPENDENCY_DOWN") throw error;
    return { error: { code: "CANNOT_BE_SENT", message: "What was stored of it cannot be read" } };
  }
}

async function paramsOf(deps: SubmitRequestDeps, request: RequestRecord) {
  const { sealedParams, params, requestId } = request;
  const text = sealedParams
    ? unseal(await deps.masterKeys(sealedParams), requestId, sealedParams)
    : await deps.texts.open(params ?? { inline: "" });
  return readJson(Buffer.from(text), "exact").value as Parameters<
    ProviderClient["submit"]
  >[0]["params"];
}

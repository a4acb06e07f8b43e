import type { AccountReader, ConnectionReader } from "../../connections/ports.ts";
import type { MessageFailure } from "../../message-failure.ts";
import type { PollOutcome } from "../../providers/provider-client.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { LaneStore } from "../state/lane-ports.ts";
import { pauseOfAccount } from "../state/pause-after.ts";
import type { ProviderCalls, ProviderClients, ReferenceStore } from "../state/ports.ts";
import type { PublishOutboxes } from "../state/publish-outboxes.ts";
import { isTerminal, type RequestRecord } from "../state/record.ts";
import { pollDelayMs, withDerivedFields } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { extendResultDeadline } from "../state/result-deadline.ts";
import { findCredentials, makeCredentialsChangedSince } from "../submission/request-credentials.ts";
import type { ApplyProviderUpdate } from "./apply-provider-update.ts";

/** Real time that a provider has to answer a poll. */
const POLL_TIMEOUT_MS = 5_000;

/** What a poll shows about the provider, for the polls that follow. */
export type PollAvailability =
  | { kind: "notAsked" }
  | { kind: "answered" }
  /** No answer: the provider hangs or cannot be reached. */
  | { kind: "unanswered" }
  /** The connection cannot be used now: its rate limit, its credentials, or an answer that cannot be read. */
  | { kind: "declined"; retryAfterMs?: number | undefined };

export interface Polled {
  /** The request as it is stored after the poll. */
  request: RequestRecord;
  availability: PollAvailability;
  hasPausedConnection: boolean;
  hasPausedAccount: boolean;
  /** True when the answer is not clear and was kept on the request. */
  hasStoredUnclearReport: boolean;
  /** Why events of the poll's result stay in their outbox. */
  unpublished: MessageFailure[];
}

export type PollRequest = ReturnType<typeof makePollRequest>;

/** Polls the provider for a request whose result no webhook has brought. */
export function makePollRequest(deps: {
  writer: RequestWriter;
  lanes: Pick<LaneStore, "pause">;
  references: Pick<ReferenceStore, "bind" | "noteForbidden">;
  accounts: AccountReader;
  connections: ConnectionReader;
  calls: ProviderCalls;
  providerClients: ProviderClients;
  applyProviderUpdate: ApplyProviderUpdate;
  publishOutboxes: PublishOutboxes;
  pauseConnection: (connectionId: string) => Promise<boolean>;
  context: () => DecisionContext;
  onNonFatalError: (error: unknown) => void;
}) {
  const credentialsChangedSince = makeCredentialsChangedSince(deps);

  async function ask(
    request: RequestRecord,
  ): Promise<PollOutcome | { kind: "notAsked" } | { kind: "unanswered" }> {
    const { providerRequestId, connectionId } = request;
    const connection = await deps.connections.read(connectionId);
    if (connection?.settings.status !== "active" || providerRequestId === undefined) {
      return { kind: "notAsked" };
    }
    const credentials = await findCredentials(deps, request, connection);
    const provider = deps.providerClients[request.provider];
    const call = provider.pollCall(providerRequestId, credentials);
    const exchange = await deps.calls.send(request.provider, call, POLL_TIMEOUT_MS);
    if (exchange.kind !== "answered") return { kind: "unanswered" };
    const outcome = provider.readPoll(providerRequestId, exchange.answer);
    const isOutdated =
      ["credentialsRefused", "forbidden", "accountBlocked"].includes(outcome.kind) &&
      (await credentialsChangedSince(request, credentials));
    return isOutdated ? { kind: "failed", code: "CREDENTIALS_CHANGED" } : outcome;
  }

  return poll;

  /**
   * Polls once, applies the answer and publishes the events that it causes. The
   * next poll is scheduled first, so that a failing poll is not repeated at once.
   *
   * @throws DEPENDENCY_DOWN
   */
  async function poll(found: RequestRecord): Promise<Polled> {
    const unasked = {
      availability: { kind: "notAsked" } as PollAvailability,
      hasPausedConnection: false,
      hasPausedAccount: false,
      hasStoredUnclearReport: false,
      unpublished: [],
    };
    const scheduled = await deps.writer.change(found.requestId, (now) =>
      isTerminal(now) ? undefined : withNextPoll(now, deps.context()),
    );
    const { request = found } = scheduled ?? {};
    if (isTerminal(request)) return { request, ...unasked };
    if (isEarly(found, deps.context())) await bindProviderId(request);
    const outcome = await ask(request);
    const unpaused = { ...unasked, availability: availabilityOf(outcome) };
    // A call that is forbidden for more than one account is forbidden for the connection.
    const isConnectionRefused =
      outcome.kind === "credentialsRefused" ||
      (outcome.kind === "forbidden" && (await deps.references.noteForbidden(request)));
    if (isConnectionRefused) {
      const hasPausedConnection = await deps.pauseConnection(request.connectionId);
      return { request, ...unpaused, hasPausedConnection };
    }
    if (outcome.kind === "accountBlocked") {
      const provider = deps.providerClients[request.provider];
      await deps.lanes.pause(request.lane, request, pauseOfAccount(outcome, provider));
      return { request, ...unpaused, hasPausedAccount: true };
    }
    if (outcome.kind === "rateLimited")
      return { request: await postpone(request, outcome), ...unpaused };
    if (outcome.kind === "waiting") {
      const waiting = await deps.writer.change(request.requestId, (now) =>
        extendResultDeadline(now, outcome, deps.context()),
      );
      return { request: waiting?.request ?? request, ...unpaused };
    }
    if (outcome.kind !== "update") return { request, ...unpaused };
    const { event, numbersAsText } = outcome;
    const applied = await deps.applyProviderUpdate(request, {
      event,
      numbersAsText,
      isCurrentState: true,
    });
    const {
      request: now = request,
      hasPausedAccount = false,
      hasStoredUnclearReport = false,
      wakeError,
    } = applied ?? {};
    if (wakeError !== undefined) deps.onNonFatalError(wakeError);
    // Where the lane could not be woken, the sweep that recovers the outbox wakes it.
    const published =
      applied?.isChanged && wakeError === undefined
        ? await deps.publishOutboxes([applied.request])
        : undefined;
    return {
      request: now,
      ...unpaused,
      hasPausedAccount,
      hasStoredUnclearReport,
      unpublished: published?.failures ?? [],
    };
  }

  /** Binds the provider's id, as its submission may not have done: webhooks find it then. */
  async function bindProviderId(request: RequestRecord): Promise<void> {
    const { connectionId, providerRequestId, requestId } = request;
    if (providerRequestId === undefined) return;
    await deps.references
      .bind({ connectionId, providerRequestId, requestId })
      .catch(deps.onNonFatalError);
  }

  /** Postpones the next poll by the provider's `Retry-After`, if that is later than planned. */
  async function postpone(
    request: RequestRecord,
    { retryAfterMs = 0 }: { retryAfterMs?: number },
  ): Promise<RequestRecord> {
    const context = deps.context();
    const dueMs = Math.max(request.dueMs ?? 0, context.nowMs + retryAfterMs);
    return (
      (await deps.writer.replace(withDerivedFields({ ...request, dueMs }, context))) ?? request
    );
  }
}

function availabilityOf(
  outcome: PollOutcome | { kind: "notAsked" | "unanswered" },
): PollAvailability {
  switch (outcome.kind) {
    case "notAsked":
    case "unanswered":
      return { kind: outcome.kind };
    case "rateLimited":
      return { kind: "declined", retryAfterMs: outcome.retryAfterMs };
    case "credentialsRefused":
    case "failed":
      return { kind: "declined" };
    default:
      return { kind: "answered" };
  }
}

/** Whether the first poll comes earlier than planned, as it does where the id was not bound. */
function isEarly(
  { polls, dueMs = 0, submittedMs = 0 }: RequestRecord,
  { rules }: DecisionContext,
): boolean {
  return polls === 0 && dueMs < submittedMs + pollDelayMs(0, rules);
}

/** Schedules the next poll: after `firstPollMs`, doubled for each poll before. */
function withNextPoll(request: RequestRecord, context: DecisionContext): RequestRecord {
  const polls = request.polls + 1;
  const dueMs = context.nowMs + pollDelayMs(polls, context.rules);
  return withDerivedFields({ ...request, polls, dueMs }, context);
}

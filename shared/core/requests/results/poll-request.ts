import type { ProviderId } from "../../../contracts/providers.ts";
import type { FreshAccountReader, FreshConnectionReader } from "../../connections/ports.ts";
import type { PollOutcome, ProviderClient } from "../../providers/provider-client.ts";
import { readDeadline } from "../../read-deadline.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { ProviderCalls, ReferenceStore } from "../state/ports.ts";
import type { PublishOutboxes } from "../state/publish-outboxes.ts";
import { isTerminal, type RequestRecord } from "../state/record.ts";
import { pollDelayMs, withDerivedFields } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { findCredentials, makeCredentialsChangedSince } from "../submission/credentials-changed.ts";
import type { makeApplyProviderUpdate } from "./apply-provider-update.ts";

/** Real time that a provider has to answer a poll. */
const POLL_TIMEOUT_MS = 5_000;

export interface Polled {
  /** As it is after that. */
  request: RequestRecord;
  hasPausedConnection: boolean;
  hasPausedAccount: boolean;
}

/** Asks the provider about a request of which no webhook has told the end. */
export function makePollRequest(deps: {
  writer: RequestWriter;
  references: ReferenceStore;
  accounts: FreshAccountReader;
  connections: FreshConnectionReader;
  calls: ProviderCalls;
  providers: Readonly<Record<ProviderId, ProviderClient>>;
  applyProviderUpdate: ReturnType<typeof makeApplyProviderUpdate>;
  publish: PublishOutboxes;
  pauseConnection: (connectionId: string) => Promise<boolean>;
  context: () => DecisionContext;
}) {
  const credentialsChangedSince = makeCredentialsChangedSince(deps);

  async function ask(request: RequestRecord): Promise<PollOutcome> {
    const { providerRequestId, connectionId } = request;
    const connection = await deps.connections.read(connectionId, readDeadline());
    if (connection?.settings.status !== "active" || providerRequestId === undefined) {
      return { kind: "noChange" };
    }
    const credentials = await findCredentials(deps, request, connection);
    const provider = deps.providers[request.provider];
    const call = provider.poll(providerRequestId, credentials);
    const exchange = await deps.calls.exchange(request.provider, call, POLL_TIMEOUT_MS);
    if (exchange.kind !== "answered") return { kind: "failed", code: exchange.reason };
    const outcome = provider.readPoll(providerRequestId, exchange.answer);
    const isOutdated =
      outcome.kind === "credentialsRefused" &&
      (await credentialsChangedSince(request, credentials));
    return isOutdated ? { kind: "noChange" } : outcome;
  }

  return {
    /**
     * The next poll is put off before this one is made: whatever comes of it, it
     * is not made again at once.
     *
     * @throws DEPENDENCY_DOWN
     */
    async poll(found: RequestRecord): Promise<Polled> {
      const nothing = { hasPausedConnection: false, hasPausedAccount: false };
      const claimed = await deps.writer.change(found.requestId, (now) =>
        isTerminal(now) ? undefined : later(now, deps.context()),
      );
      const { request = found } = claimed ?? {};
      if (isTerminal(request)) return { request, ...nothing };
      const outcome = await ask(request);
      if (outcome.kind === "credentialsRefused") {
        const hasPausedConnection = await deps.pauseConnection(request.connectionId);
        return { request, ...nothing, hasPausedConnection };
      }
      if (outcome.kind === "rateLimited")
        return { request: await wait(request, outcome), ...nothing };
      if (outcome.kind !== "update") return { request, ...nothing };
      const { event, numbersAsText } = outcome;
      const taken = await deps.applyProviderUpdate(request, {
        event,
        numbersAsText,
        isPolled: true,
      });
      if (taken?.isChanged) await deps.publish([taken.request]);
      const { request: now = request, hasPausedAccount = false } = taken ?? {};
      return { request: now, ...nothing, hasPausedAccount };
    },
  };

  /** As long as the provider asks, where that is longer. */
  async function wait(
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

/** With its next poll put off: after 15, 30, 60 minutes and so on. */
function later(request: RequestRecord, context: DecisionContext): RequestRecord {
  const polls = request.polls + 1;
  const dueMs = context.nowMs + pollDelayMs(polls, context.rules);
  return withDerivedFields({ ...request, polls, dueMs }, context);
}

import type { ProviderId } from "../../contracts/providers.ts";
import type { AccountReader, ConnectionReader } from "../ports.ts";
import type { PollOutcome, ProviderRequests } from "../provider-requests.ts";
import { derived, type Moment, pollDelayMs } from "./moves.ts";
import type { ProviderCalls, ReferenceStore } from "./ports.ts";
import type { PublishOutboxes } from "./publish-outboxes.ts";
import { isTerminal, type RequestRecord } from "./record.ts";
import type { RequestWriter } from "./request-writer.ts";
import { credentialsOf } from "./submit-request.ts";
import type { makeTakeNews } from "./take-news.ts";

/** Real time that a provider has to answer a poll. */
const POLL_TIMEOUT_MS = 5_000;
const READ_LIMIT_MS = 3_000;

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
  accounts: AccountReader;
  connections: ConnectionReader;
  calls: ProviderCalls;
  providers: Readonly<Record<ProviderId, ProviderRequests>>;
  takeNews: ReturnType<typeof makeTakeNews>;
  publish: PublishOutboxes;
  pauseConnection: (connectionId: string) => Promise<boolean>;
  moment: () => Moment;
}) {
  async function ask(request: RequestRecord): Promise<PollOutcome> {
    const { providerRequestId, connectionId } = request;
    const signal = AbortSignal.timeout(READ_LIMIT_MS);
    const connection = await deps.connections.read(connectionId, signal);
    if (!connection || providerRequestId === undefined) return { kind: "nothing" };
    const credentials = await credentialsOf(deps, request, connection);
    const provider = deps.providers[request.provider];
    const call = provider.poll(providerRequestId, credentials);
    const exchange = await deps.calls.exchange(request.provider, call, POLL_TIMEOUT_MS);
    if (exchange.kind !== "answered") return { kind: "failed", code: exchange.reason };
    return provider.readPoll(providerRequestId, exchange.answer);
  }

  return {
    /** @throws DEPENDENCY_DOWN */
    async poll(request: RequestRecord): Promise<Polled> {
      const outcome = await ask(request);
      const hasPausedConnection =
        outcome.kind === "credentialsRefused" && (await deps.pauseConnection(request.connectionId));
      let hasPausedAccount = false;
      if (outcome.kind === "told") {
        const { event, numbersAsText } = outcome;
        const taken = await deps.takeNews(request, { event, numbersAsText, isPolled: true });
        if (taken?.isChanged) await deps.publish([taken.request]);
        hasPausedAccount = taken?.hasPausedAccount ?? false;
      }
      const changed = await deps.writer.change(request.requestId, (now) =>
        isTerminal(now) ? undefined : later(now, outcome, deps.moment()),
      );
      return { request: changed?.request ?? request, hasPausedConnection, hasPausedAccount };
    },
  };
}

/** With its next poll put off: after 15, 30, 60 minutes and so on, or as long as the provider asks. */
function later(request: RequestRecord, outcome: PollOutcome, moment: Moment): RequestRecord {
  const polls = request.polls + 1;
  const asked = outcome.kind === "rateLimited" ? (outcome.retryAfterMs ?? 0) : 0;
  const delayMs = Math.max(pollDelayMs(polls, moment.rules), asked);
  return derived({ ...request, polls, dueMs: moment.nowMs + delayMs }, moment);
}

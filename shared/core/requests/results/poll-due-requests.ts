import type { ProviderId } from "../../../contracts/providers.ts";
import { exponential } from "../../backoff.ts";
import { forEachConcurrent } from "../../for-each-concurrent.ts";
import { type MessageFailure, toMessageFailure } from "../../message-failure.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { DueEntry, RequestStore } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import type { Polled, PollRequest } from "./poll-request.ts";

/** A request that must be polled, with its entry in the index. */
export interface DuePoll {
  entry: DueEntry;
  request: RequestRecord;
  /** True when its time limit has passed: it ends when the poll brings no result. */
  isAtLimit: boolean;
}

/** Polls of one provider at the same time. */
const CONCURRENCY = 10;

/** Delay (business) of a poll that this run has no call left for, and the longest such delay. */
const POSTPONED_MS = 60_000;
const MAX_POSTPONED_MS = 15 * 60_000;

/** Backoff (business) after a provider does not respond: doubled with each poll that it does not answer. */
const backoff = { firstMs: 60_000, maxMs: 15 * 60_000 };

export type PollDueRequests = ReturnType<typeof makePollDueRequests>;

/**
 * Polls one provider for the requests that are due. The connections take turns, so that none waits
 * for the backlog of another one.
 *
 * - The requests that this run does not poll are postponed before the first call.
 * - The first call is made alone. A provider that does not answer it costs the run this one call,
 *   and is not called again until a delay has passed that doubles each time.
 * - A connection that declines a call, for example by its rate limit, is not used again in the run.
 */
export function makePollDueRequests(deps: {
  requests: Pick<RequestStore, "postponeSweep">;
  pollRequest: PollRequest;
  context: () => DecisionContext;
  /** Calls to one provider that one run makes at most. */
  maxPolls: number;
}) {
  /** The providers that did not answer, in this process. A new process finds out with one call. */
  const silent = new Map<ProviderId, { unanswered: number; untilMs: number }>();

  return async (
    provider: ProviderId,
    due: readonly DuePoll[],
    of: {
      hasTime: () => boolean;
      /** @param againMs when the provider may be asked again about a request of this connection (business) */
      onPolled: (polled: Polled, againMs: number) => Promise<void>;
      /** Takes a request at its time limit without a poll, because the provider does not answer. */
      onLimit: (request: RequestRecord, againMs: number) => Promise<void>;
      onFailure: (failure: MessageFailure) => void;
    },
  ): Promise<void> => {
    /** Connections that this run does not use again, until this time (business). */
    const declinedUntilMs = new Map<string, number>();
    let wasCalled = false;
    const fail = (error: unknown): void => of.onFailure(toMessageFailure(error));
    const silentUntilMs = () => silent.get(provider)?.untilMs ?? 0;
    const untilOf = ({ request }: DuePoll): number =>
      Math.max(silentUntilMs(), declinedUntilMs.get(request.connectionId) ?? 0);

    /** Leaves a request to a later run, not after its time limit. */
    async function postpone({ entry, request }: DuePoll, untilMs: number): Promise<void> {
      const { deadlineMs = untilMs } = request;
      const { nowMs } = deps.context();
      const dueMs = deadlineMs > nowMs ? Math.min(untilMs, deadlineMs) : untilMs;
      await deps.requests.postponeSweep(entry, dueMs);
    }
    /** Completes a request without a call. */
    const skip = (one: DuePoll): Promise<void> =>
      one.isAtLimit ? of.onLimit(one.request, untilOf(one)) : postpone(one, untilOf(one));

    async function poll(one: DuePoll): Promise<void> {
      if (untilOf(one) > deps.context().nowMs) return skip(one);
      const polled = await deps.pollRequest(one.request).catch((error: unknown) => {
        fail(error);
        return undefined;
      });
      const { nowMs } = deps.context();
      const { availability = { kind: "notAsked" } } = polled ?? {};
      if (availability.kind !== "notAsked") wasCalled = true;
      if (availability.kind === "answered") silent.delete(provider);
      // Calls that were made at the same time count as one.
      if (availability.kind === "unanswered" && silentUntilMs() <= nowMs) {
        const unanswered = silent.get(provider)?.unanswered ?? 0;
        const untilMs = nowMs + exponential(backoff, unanswered);
        silent.set(provider, { unanswered: unanswered + 1, untilMs });
      }
      if (availability.kind === "declined") {
        const untilMs = nowMs + Math.max(POSTPONED_MS, availability.retryAfterMs ?? 0);
        declinedUntilMs.set(one.request.connectionId, untilMs);
      }
      if (polled) await of.onPolled(polled, untilOf(one));
      // A poll that fails does not keep the request from ending for ever.
      else if (one.isAtLimit) await of.onLimit(one.request, untilOf(one));
    }

    async function each(items: readonly DuePoll[], run: (one: DuePoll) => Promise<void>) {
      await forEachConcurrent(items, CONCURRENCY, async (one) => {
        if (of.hasTime()) await run(one).catch(fail);
      });
    }

    if (silentUntilMs() > deps.context().nowMs) return each(due, skip);
    const { now, later } = choose(due, deps.maxPolls);
    const places = new Map(later.map((one, place) => [one, place]));
    await each(later, (one) => {
      const runs = 1 + Math.floor((places.get(one) ?? 0) / deps.maxPolls);
      const delayMs = Math.min(POSTPONED_MS * runs, MAX_POSTPONED_MS);
      return postpone(one, deps.context().nowMs + delayMs);
    });
    // One at a time until the provider was called: not every request leads to a call.
    let next = 0;
    while (next < now.length && !wasCalled) await each(now.slice(next, ++next), poll);
    await each(now.slice(next), poll);
  };
}

/**
 * Chooses what is polled and in which order. In each group the connections take turns, the
 * earliest request of each first. Up to half of the calls go to requests at their time limit, so
 * that neither group waits for the other.
 */
function choose(due: readonly DuePoll[], maxPolls: number): { now: DuePoll[]; later: DuePoll[] } {
  const atLimit = inTurn(due.filter(({ isAtLimit }) => isAtLimit));
  const before = inTurn(due.filter(({ isAtLimit }) => !isAtLimit));
  const half = Math.ceil(maxPolls / 2);
  const limitCalls = Math.max(half, maxPolls - before.length);
  const now = [
    ...atLimit.slice(0, limitCalls),
    ...before.slice(0, Math.max(0, maxPolls - Math.min(limitCalls, atLimit.length))),
  ];
  const chosen = new Set(now);
  return { now, later: [...atLimit, ...before].filter((one) => !chosen.has(one)) };
}

function inTurn(due: readonly DuePoll[]): DuePoll[] {
  const turns = new Map<string, number>();
  return due
    .toSorted((one, other) => one.entry.dueMs - other.entry.dueMs)
    .map((one) => {
      const { connectionId } = one.request;
      const turn = turns.get(connectionId) ?? 0;
      turns.set(connectionId, turn + 1);
      return { one, turn };
    })
    .toSorted((one, other) => one.turn - other.turn)
    .map(({ one }) => one);
}

import type { FinalEvent } from "../../events/envelope.ts";
import { forEachConcurrent } from "../../for-each-concurrent.ts";
import { type MessageFailure, toMessageFailure } from "../../message-failure.ts";
import { retryOnConflict } from "../../retry-on-conflict.ts";
import type { DecisionContext } from "./decision-context.ts";
import type { EventArchive, RequestStore, SubmitQueue } from "./ports.ts";
import { type PublishInOrderDeps, publishInOrder, type Tried } from "./publish-in-order.ts";
import type { OutboxEntry, RequestRecord } from "./record.ts";
import {
  mayPublish,
  type PublishTrigger,
  withClaimedOutbox,
  withDerivedFields,
} from "./request-state.ts";
import { tellDependents } from "./tell-dependents.ts";

export interface PublishOutboxesDeps extends PublishInOrderDeps {
  requests: RequestStore;
  archive: EventArchive;
  submitQueue: SubmitQueue;
  context: () => DecisionContext;
}

export interface PublishedOutboxes {
  published: number;
  /** Why entries stay in their outbox, one for each. `reconcile` publishes them later. */
  failures: MessageFailure[];
}

export interface PublishedAndDeferred extends PublishedOutboxes {
  /** Outboxes that still hold events that are on the bus, each of a request of `deferRemovalFor`. */
  deferred: DeferredRemoval[];
}

/** An outbox whose events are on the bus and not removed yet, so that the next write of the request can do both. */
export interface DeferredRemoval {
  requestId: string;
  /** Returns the request without these events, to be written together with its next change. */
  without(request: RequestRecord): RequestRecord;
  /** Removes them, if nothing has removed them, and publishes the events after them. Never throws. */
  remove(): Promise<PublishedOutboxes>;
}

/** Attempts to change an outbox when other writers come first. */
const MAX_ATTEMPTS = 5;

/** Writes at the same time: the messages of a batch name hundreds of requests. */
const CONCURRENT_WRITES = 25;

export type PublishOutboxes = ReturnType<typeof makePublishOutboxes>;

/**
 * Publishes the outboxes of these requests and removes what is published (G2). The events of one
 * request are published in order: an event follows when the one before it is on the bus. Exactly
 * one worker at a time may publish an outbox: see `mayPublish`. The outboxes of other requests
 * are left to the worker that may.
 *
 * Never throws: entries that are not published, or not recorded as published, stay for
 * `reconcile`, with the same ids and bytes.
 *
 * @param of.deferRemovalFor ids of requests that the caller writes next: that write removes the
 *   published events from the outbox. If more than half of the outbox's grace period has passed,
 *   they are removed at once instead.
 */
export function makePublishOutboxes(deps: PublishOutboxesDeps) {
  async function publishAll(
    first: readonly RequestRecord[],
    deferRemovalFor: ReadonlySet<string> = new Set(),
  ): Promise<PublishedAndDeferred> {
    const total: PublishedAndDeferred = { published: 0, failures: [], deferred: [] };
    let mine = first;
    while (mine.length > 0) {
      const waiting = mine.flatMap(({ outbox }) => outbox);
      try {
        const tried = await publishInOrder(deps, mine);
        const done = tried.flatMap((one) => one.published);
        total.failures.push(...tried.flatMap((one) => one.failures));
        if (done.length === 0) break;
        // Before they leave the outbox: every published event can be read (G2).
        await deps.archive.store(done);
        // Before the outbox is empty, too: what a crash leaves untold, the next publisher tells.
        await tellDependents(
          deps.submitQueue,
          tried.map(({ request }) => request),
        );
        const isDeferred = ({ request, published }: Tried) =>
          deferRemovalFor.has(request.requestId) && published.length > 0 && isYoung(deps, request);
        total.deferred.push(...tried.filter(isDeferred).map(deferRemoval));
        mine = await removeEach(
          deps,
          tried.filter((one) => !isDeferred(one)),
        );
        total.published += done.length;
      } catch (error) {
        total.failures.push(...waiting.map(() => toMessageFailure(error)));
        break;
      }
    }
    return total;
  }

  function deferRemoval(one: Tried): DeferredRemoval {
    const { request, published } = one;
    return {
      requestId: request.requestId,
      // Its next change derives what follows: until then it keeps its entry of the index `sweep`.
      without: (now) => ({ ...now, outbox: withoutEvents(now, published) }),
      async remove() {
        try {
          return await publishAll(await removeEach(deps, [one]));
        } catch (error) {
          return { published: 0, failures: published.map(() => toMessageFailure(error)) };
        }
      },
    };
  }

  return async (
    requests: readonly RequestRecord[],
    trigger: PublishTrigger = "written",
    of: { deferRemovalFor?: ReadonlySet<string> } = {},
  ): Promise<PublishedAndDeferred> =>
    publishAll(
      trigger === "written"
        ? requests.filter((request) => mayPublish(request, trigger))
        : await claimAccepted(deps, requests),
      of.deferRemovalFor,
    );
}

/** In the first half of the grace period nobody but its writer publishes an outbox. */
function isYoung(
  { context }: Pick<PublishOutboxesDeps, "context">,
  { outbox: [first] }: RequestRecord,
): boolean {
  const { nowRealMs, rules } = context();
  return nowRealMs - (first?.sinceRealMs ?? 0) < rules.outboxGraceMs / 2;
}

function withoutEvents(
  { outbox }: RequestRecord,
  events: readonly FinalEvent[],
): readonly OutboxEntry[] {
  const done = new Set(events.map(({ id }) => id));
  return outbox.filter(({ id }) => !done.has(id));
}

/** Removes what was published, of all requests although one fails. @returns those with further events */
async function removeEach(
  deps: PublishOutboxesDeps,
  tried: readonly Tried[],
): Promise<RequestRecord[]> {
  const withMoreEvents: RequestRecord[] = [];
  const errors: unknown[] = [];
  await forEachConcurrent(tried, CONCURRENT_WRITES, async (one) => {
    const request = await removePublished(deps, one).catch((error: unknown) => {
      errors.push(error);
      return undefined;
    });
    if (request) withMoreEvents.push(request);
  });
  if (errors.length > 0) throw errors[0];
  return withMoreEvents;
}

/**
 * The requests whose `workflow.created` this message may publish. In the first half of the grace
 * period nobody else does. After that the sweep may be at work: a conditional write decides.
 */
async function claimAccepted(
  deps: PublishOutboxesDeps,
  requests: readonly RequestRecord[],
): Promise<RequestRecord[]> {
  const { requests: store, context } = deps;
  const isOfAcceptance = (request: RequestRecord) => mayPublish(request, "accepted");
  const claimed = await Promise.all(
    requests.filter(isOfAcceptance).map(async (known) => {
      if (isYoung(deps, known)) return known;
      const result = await retryOnConflict({
        known,
        find: () => store.find(known.requestId),
        decide: (request) =>
          isOfAcceptance(request) ? withClaimedOutbox(request, context()) : undefined,
        replace: (request) => store.replace(request),
        maxAttempts: MAX_ATTEMPTS,
        // The entries stay, and the sweep publishes them.
      }).catch(() => undefined);
      return result?.kind === "written" ? result.written : undefined;
    }),
  );
  return claimed.flatMap((request) => request ?? []);
}

/**
 * Removes what was published. An event that another write has added in the meantime stood behind
 * these: the same write takes over the right to publish it.
 *
 * @returns the request when it has such events
 */
async function removePublished(
  { requests, context }: PublishOutboxesDeps,
  { request: written, published, refused, isHeldUp }: Tried,
): Promise<RequestRecord | undefined> {
  if (published.length === 0) return undefined;
  const followsOn = (request: RequestRecord) =>
    !isHeldUp && request.outbox.some(({ id }) => !refused.has(id));
  const result = await retryOnConflict({
    known: written,
    find: () => requests.find(written.requestId),
    decide(request) {
      const outbox = withoutEvents(request, published);
      if (outbox.length === request.outbox.length) return undefined;
      const remaining = { ...request, outbox };
      return followsOn(remaining)
        ? withClaimedOutbox(remaining, context())
        : withDerivedFields(remaining, context());
    },
    replace: (request) => requests.replace(request),
    maxAttempts: MAX_ATTEMPTS,
  });
  return result.kind === "written" && followsOn(result.written) ? result.written : undefined;
}

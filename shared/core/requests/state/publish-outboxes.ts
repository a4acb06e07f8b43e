import { failures } from "../../../contracts/failures.ts";
import type { FinalEvent } from "../../events/envelope.ts";
import type { EventPublisher } from "../../events/ports.ts";
import { toPublishFailure } from "../../events/publish-failure.ts";
import { forEachConcurrent } from "../../for-each-concurrent.ts";
import { type MessageFailure, toMessageFailure } from "../../message-failure.ts";
import { retryOnConflict } from "../../retry-on-conflict.ts";
import type { DecisionContext } from "./decision-context.ts";
import type { EventArchive, RequestStore, SubmitQueue, TextStore } from "./ports.ts";
import type { OutboxEntry, RequestRecord } from "./record.ts";
import {
  mayPublish,
  type PublishTrigger,
  withClaimedOutbox,
  withDerivedFields,
} from "./request-state.ts";
import { tellDependents } from "./tell-dependents.ts";

export interface PublishOutboxesDeps {
  requests: RequestStore;
  texts: TextStore;
  publisher: EventPublisher;
  archive: EventArchive;
  submitQueue: SubmitQueue;
  context: () => DecisionContext;
}

export interface PublishedOutboxes {
  published: number;
  /** Why entries stay in their outbox, one for each. `reconcile` publishes them later. */
  failures: MessageFailure[];
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
 */
export const makePublishOutboxes =
  (deps: PublishOutboxesDeps) =>
  async (
    requests: readonly RequestRecord[],
    trigger: PublishTrigger = "written",
  ): Promise<PublishedOutboxes> => {
    const total: PublishedOutboxes = { published: 0, failures: [] };
    let mine =
      trigger === "written"
        ? requests.filter((request) => mayPublish(request, trigger))
        : await claimAccepted(deps, requests);
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
        mine = await removeEach(deps, tried);
        total.published += done.length;
      } catch (error) {
        total.failures.push(...waiting.map(() => toMessageFailure(error)));
        break;
      }
    }
    return total;
  };

/** Removes what was published, of all requests although one fails. @returns those with further events */
async function removeEach(
  deps: PublishOutboxesDeps,
  tried: readonly Tried[],
): Promise<RequestRecord[]> {
  const left: RequestRecord[] = [];
  const errors: unknown[] = [];
  await forEachConcurrent(tried, CONCURRENT_WRITES, async (one) => {
    const request = await removePublished(deps, one).catch((error: unknown) => {
      errors.push(error);
      return undefined;
    });
    if (request) left.push(request);
  });
  if (errors.length > 0) throw errors[0];
  return left;
}

/**
 * The requests whose `workflow.created` this message may publish. In the first half of the grace
 * period nobody else does. After that the sweep may be at work: a conditional write decides.
 */
async function claimAccepted(
  { requests: store, context }: PublishOutboxesDeps,
  requests: readonly RequestRecord[],
): Promise<RequestRecord[]> {
  const { nowRealMs, rules } = context();
  const isYoung = ({ outbox: [first] }: RequestRecord) =>
    nowRealMs - (first?.sinceRealMs ?? 0) < rules.outboxGraceMs / 2;
  const isOfAcceptance = (request: RequestRecord) => mayPublish(request, "accepted");
  const claimed = await Promise.all(
    requests.filter(isOfAcceptance).map(async (known) => {
      if (isYoung(known)) return known;
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

/** What became of one request's outbox. */
interface Tried {
  request: RequestRecord;
  published: FinalEvent[];
  failures: MessageFailure[];
  /** Entries that can never be published. They do not hold up those behind them. */
  refused: Set<string>;
  /** True when an event must be published before those that are left. */
  isHeldUp: boolean;
}

/**
 * Publishes the entries of each request in order, those of all requests in common calls: first
 * what the earliest write of each request caused, then what the next one caused.
 */
async function publishInOrder(
  deps: PublishOutboxesDeps,
  requests: readonly RequestRecord[],
): Promise<Tried[]> {
  const all = requests.map((request) => ({
    tried: {
      request,
      published: [],
      failures: [],
      refused: new Set<string>(),
      isHeldUp: false,
    } satisfies Tried as Tried,
    writes: entriesByWrite(request),
  }));
  const mostWrites = Math.max(...all.map(({ writes }) => writes.length));
  for (let write = 0; write < mostWrites; write++) {
    const round = all.flatMap(({ tried, writes }) =>
      tried.isHeldUp ? [] : (writes[write] ?? []).map((entry) => ({ tried, entry })),
    );
    await publishRound(deps, round);
  }
  return all.map(({ tried }) => tried);
}

function entriesByWrite({ outbox }: RequestRecord): OutboxEntry[][] {
  const byWrite = new Map<number, OutboxEntry[]>();
  for (const entry of outbox) {
    byWrite.set(entry.version, [...(byWrite.get(entry.version) ?? []), entry]);
  }
  return [...byWrite.values()];
}

async function publishRound(
  deps: PublishOutboxesDeps,
  round: readonly { tried: Tried; entry: OutboxEntry }[],
): Promise<void> {
  const fail = (tried: Tried, id: string, failure: MessageFailure) => {
    tried.failures.push(failure);
    if (failures[failure.code].disposition === "park") tried.refused.add(id);
    else tried.isHeldUp = true;
  };
  const loaded = await Promise.allSettled(
    round.map(({ tried, entry }) => loadEvent(deps, tried.request, entry)),
  );
  // An entry that cannot be read does not keep those of other requests from being published.
  const events = loaded.flatMap((one, index) => {
    const of = round[index];
    if (of === undefined) return [];
    if (one.status === "fulfilled") return [{ tried: of.tried, event: one.value }];
    fail(of.tried, of.entry.id, toMessageFailure(one.reason));
    return [];
  });
  if (events.length === 0) return;
  const results = await deps.publisher.publish(events.map(({ event }) => event));
  for (const [index, { tried, event }] of events.entries()) {
    const result = results[index];
    if (result?.ok) tried.published.push(event);
    else fail(tried, event.id, toPublishFailure(result));
  }
}

async function loadEvent(
  { texts }: PublishOutboxesDeps,
  { clientId }: RequestRecord,
  { id, type, envelope, raw }: OutboxEntry,
): Promise<FinalEvent> {
  return {
    id,
    type,
    clientId,
    envelope: await texts.open(envelope),
    ...(raw ? { raw: Buffer.from(await texts.open(raw), "base64") } : {}),
  };
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
  const done = new Set(published.map(({ id }) => id));
  const followsOn = (request: RequestRecord) =>
    !isHeldUp && request.outbox.some(({ id }) => !refused.has(id));
  const result = await retryOnConflict({
    known: written,
    find: () => requests.find(written.requestId),
    decide(request) {
      const outbox = request.outbox.filter(({ id }) => !done.has(id));
      if (outbox.length === request.outbox.length) return undefined;
      const left = { ...request, outbox };
      return followsOn(left)
        ? withClaimedOutbox(left, context())
        : withDerivedFields(left, context());
    },
    replace: (request) => requests.replace(request),
    maxAttempts: MAX_ATTEMPTS,
  });
  return result.kind === "written" && followsOn(result.written) ? result.written : undefined;
}

import type { FinalEvent } from "../../events/envelope.ts";
import type { EventPublisher } from "../../events/ports.ts";
import { toPublishFailure } from "../../events/publish-failure.ts";
import { type MessageFailure, toMessageFailure } from "../../message-failure.ts";
import { retryOnConflict } from "../../retry-on-conflict.ts";
import type { DecisionContext } from "./decision-context.ts";
import type { EventArchive, RequestStore, TextStore } from "./ports.ts";
import type { OutboxEntry, RequestRecord } from "./record.ts";
import { withDerivedFields } from "./request-state.ts";

export interface PublishOutboxesDeps {
  requests: RequestStore;
  texts: TextStore;
  publisher: EventPublisher;
  archive: EventArchive;
  context: () => DecisionContext;
}

export interface PublishedOutboxes {
  published: number;
  /** Why entries stay in their outbox, one for each. `reconcile` publishes them later. */
  failures: MessageFailure[];
}

/** Attempts to remove published events from an outbox when other writers come first. */
const MAX_ATTEMPTS = 5;

export type PublishOutboxes = ReturnType<typeof makePublishOutboxes>;

/** Which entries a caller publishes. Two healthy workers never publish the same entry. */
const outboxFilters = {
  /** Entries that the caller's own last write added. */
  writtenByCaller: ({ version }: OutboxEntry, request: RequestRecord) =>
    version === request.version,
  /** `workflow.created`, only in the first half of the grace period: the sweep publishes it after that. */
  createdEvent: (
    { version, sinceRealMs }: OutboxEntry,
    _: RequestRecord,
    { nowRealMs, rules }: DecisionContext,
  ) => version === 1 && nowRealMs - sinceRealMs < rules.outboxGraceMs / 2,
  /** Entries that their writer has not published within the grace period. */
  overdue: (
    { sinceRealMs }: OutboxEntry,
    _: RequestRecord,
    { nowRealMs, rules }: DecisionContext,
  ) => nowRealMs - sinceRealMs >= rules.outboxGraceMs,
} as const;

/**
 * Publishes the outbox entries of these requests in one batch and removes them
 * (G2). Never throws: entries that are not published, or not recorded as
 * published, stay for `reconcile`, with the same ids and bytes.
 */
export const makePublishOutboxes =
  (deps: PublishOutboxesDeps) =>
  async (
    requests: readonly RequestRecord[],
    filterName: keyof typeof outboxFilters = "writtenByCaller",
  ): Promise<PublishedOutboxes> => {
    const context = deps.context();
    const waiting = requests.flatMap((request) =>
      request.outbox
        .filter((entry) => outboxFilters[filterName](entry, request, context))
        .map((entry) => ({ request, entry })),
    );
    if (waiting.length === 0) return { published: 0, failures: [] };
    try {
      const loaded = await Promise.allSettled(
        waiting.map(({ request, entry }) => loadEvent(deps, request, entry)),
      );
      // An entry that cannot be read does not keep the others from being published.
      const events = loaded.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      const results = await deps.publisher.publish(events);
      const done = events.filter((_, index) => results[index]?.ok);
      const failures = [
        ...loaded.flatMap((one) => (one.status === "rejected" ? toMessageFailure(one.reason) : [])),
        ...events.flatMap((_, index) =>
          results[index]?.ok ? [] : toPublishFailure(results[index]),
        ),
      ];
      const isDone = new Set(done.map(({ id }) => id));
      // Before they leave the outbox: every published event can be read (G2).
      await deps.archive.store(done);
      await Promise.all(
        requests
          .filter(({ outbox }) => outbox.some(({ id }) => isDone.has(id)))
          .map((request) => removePublished(deps, request, isDone)),
      );
      return { published: done.length, failures };
    } catch (error) {
      return { published: 0, failures: waiting.map(() => toMessageFailure(error)) };
    }
  };

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

async function removePublished(
  { requests, context }: PublishOutboxesDeps,
  written: RequestRecord,
  done: ReadonlySet<string>,
): Promise<void> {
  await retryOnConflict({
    known: written,
    find: () => requests.find(written.requestId),
    decide(request) {
      const outbox = request.outbox.filter(({ id }) => !done.has(id));
      const isUnchanged = outbox.length === request.outbox.length;
      return isUnchanged ? undefined : withDerivedFields({ ...request, outbox }, context());
    },
    replace: (request) => requests.replace(request),
    maxAttempts: MAX_ATTEMPTS,
  });
}

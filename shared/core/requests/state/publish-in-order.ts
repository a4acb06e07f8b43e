import { failures } from "../../../contracts/failures.ts";
import type { FinalEvent } from "../../events/envelope.ts";
import type { EventPublisher } from "../../events/ports.ts";
import { toPublishFailure } from "../../events/publish-failure.ts";
import { type MessageFailure, toMessageFailure } from "../../message-failure.ts";
import type { TextStore } from "./ports.ts";
import type { OutboxEntry, RequestRecord } from "./record.ts";

export interface PublishInOrderDeps {
  texts: TextStore;
  publisher: EventPublisher;
}

/** What became of one request's outbox. */
export interface Tried {
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
export async function publishInOrder(
  deps: PublishInOrderDeps,
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
  deps: PublishInOrderDeps,
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
  { texts }: PublishInOrderDeps,
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

import { setTimeout as wait } from "node:timers/promises";
import { CallFailure } from "./call-api.ts";
import { callOperation } from "./call-operation.ts";
import type { Place } from "./place.ts";

/** An event as the operator API lists it. */
export interface FedEvent {
  clientId: string;
  id: string;
  type: string;
  createdAt: string;
  traceparent?: string;
  data: Readonly<Record<string, unknown>>;
  /** Business time at which it was received: the order of the feed. */
  listedAt: string;
  publishedAt?: string;
}

/** How far a feed has been read. It is JSON, so that it can be stored. */
export interface FeedOffset {
  /** What was received before this time is left out; absent: nothing is. */
  from?: string | undefined;
  /** `listedAt` of the newest event that was taken; absent: none was. */
  since?: string | undefined;
  /** The events that were taken and that the next look lists again: `listedAt` by id. */
  taken: Readonly<Record<string, string>>;
}

/**
 * An event can appear in the list after one that was received later: its index is behind, and two
 * functions have two clocks. So each look also covers this much real time before the offset.
 */
const OVERLAP_MS = 60_000;

const LOOK_EVERY_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** The offset after an event was taken: what the next look does not list again is forgotten. */
export function offsetAfter(
  { since, taken, ...begin }: FeedOffset,
  { id, listedAt }: Pick<FedEvent, "id" | "listedAt">,
  overlapMs: number,
): FeedOffset {
  const newest = since === undefined || listedAt > since ? listedAt : since;
  const oldest = lookFrom(newest, overlapMs);
  const kept = Object.entries({ ...taken, [id]: listedAt }).filter(([, at]) => at >= oldest);
  return { ...begin, since: newest, taken: Object.fromEntries(kept) };
}

/** Business milliseconds of the overlap, which is real time. */
export const overlapAt = (speed: number): number => OVERLAP_MS * speed;

const lookFrom = (since: string, overlapMs: number) =>
  new Date(Date.parse(since) - overlapMs).toISOString();

/**
 * Yields the events of a client, or of every client, in the order in which they were received,
 * as they come, until `signal` aborts. The reader stores `offsetAfter` each event that it is done
 * with; a feed from a stored offset yields none of these again, and misses none.
 *
 * @param overlapMs `overlapAt` the speed of the place
 * @param onWait is told when the API does not answer, and again when it does (`undefined`)
 * @throws CallFailure when the API refuses to list
 */
export async function* feedOf(
  place: Place,
  of: {
    clientId?: string | undefined;
    offset: FeedOffset;
    overlapMs: number;
    signal: AbortSignal;
    onWait: (failure: CallFailure | undefined) => void;
  },
): AsyncGenerator<FedEvent> {
  let { offset } = of;
  let pauseMs = LOOK_EVERY_MS;
  while (!of.signal.aborted) {
    try {
      const since = offset.since ? lookFrom(offset.since, of.overlapMs) : offset.from;
      const found = await listSince(place, { clientId: of.clientId, since });
      if (pauseMs !== LOOK_EVERY_MS) of.onWait(undefined);
      pauseMs = LOOK_EVERY_MS;
      for (const event of found) {
        if (offset.taken[event.id] !== undefined || event.listedAt < (offset.from ?? "")) continue;
        yield event;
        if (of.signal.aborted) return;
        offset = offsetAfter(offset, event, of.overlapMs);
      }
    } catch (error) {
      if (!(error instanceof CallFailure) || !isPassing(error)) throw error;
      if (pauseMs === LOOK_EVERY_MS) of.onWait(error);
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
    await wait(pauseMs, undefined, { signal: of.signal }).catch(() => undefined);
  }
}

const isPassing = ({ status }: CallFailure) => status === 0 || status === 429 || status >= 500;

/** Reads every page, and returns the events oldest first. */
async function listSince(
  place: Place,
  query: { clientId?: string | undefined; since?: string | undefined },
): Promise<FedEvent[]> {
  const found: FedEvent[] = [];
  let cursor: string | undefined;
  do {
    const page = (await callOperation(place, "listEvents", { ...query, cursor, limit: 100 })) as {
      items: FedEvent[];
      nextCursor?: string;
    };
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found.reverse();
}

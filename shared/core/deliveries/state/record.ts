import type { EventType } from "../../../contracts/events.ts";
import type { DeliveryStatus } from "../../../contracts/statuses.ts";
import type { StoredText } from "../../requests/state/record.ts";

/** One POST, or what took its place, as it is kept and shown. */
export interface Attempt {
  cycle: number;
  /** From 1 on in each cycle. */
  attemptNumber: number;
  /** When it began (business). */
  atMs: number;
  httpStatus?: number | undefined;
  /** Why there was no answer. */
  error?: string | undefined;
  /** Real time. */
  durationMs: number;
  /** The answer's first bytes. */
  bodyStart?: string | undefined;
}

/** Why a delivery ended without success. */
export type EndReason =
  | "attempts_used"
  /** The endpoint answered 410: it wants no more. */
  | "gone"
  | "disabled"
  /** It was resent when its body, which is large, lay in the bucket no more. */
  | "body_gone"
  | "webhook_deleted"
  | "request_cancelled";

/** What `delivery.failed` tells of one cycle. */
export interface UnpublishedFailure {
  cycle: number;
  attemptCount: number;
  reason: EndReason;
  atMs: number;
}

/**
 * A delivery of one event to one webhook as it is stored. Times are epoch
 * milliseconds of business time but where their name says `Real`.
 */
export interface DeliveryRecord {
  deliveryId: string;
  clientId: string;
  webhookId: string;
  eventId: string;
  eventType: EventType;
  /** Of an event that is not sent any more once its request is cancelled. */
  requestId?: string | undefined;
  createdMs: number;
  /** What every attempt sends, byte for byte. */
  body: StoredText;

  status: DeliveryStatus;
  reason?: EndReason | undefined;
  /** 1 at first; each resend opens the next. */
  cycle: number;
  /** Attempts of this cycle that have ended. */
  attemptsInCycle: number;
  /** How often the attempt under way was begun: workers may die over it. */
  startsOfAttempt: number;
  /** The newest attempts of all cycles, oldest first. */
  attemptHistory: readonly Attempt[];
  /** When the next attempt may begin; only while it waits. */
  nextMs?: number | undefined;

  /** Who is at it. */
  owner?: string | undefined;
  leaseUntilRealMs?: number | undefined;
  /** Its failures of which `delivery.failed` is not known to be on the bus yet. */
  unpublishedFailures: readonly UnpublishedFailure[];
  /** When it ended. */
  endedMs?: number | undefined;

  /** When somebody must see to it that it is attempted. */
  dueMs?: number | undefined;
  /** Real time from which on a worker may have died over it. */
  recoverAfterRealMs?: number | undefined;
  /** When the item may be deleted. */
  expiresMs: number;
  /** Counts the writes: one that read an older version is refused. */
  version: number;
}

const endings: readonly DeliveryStatus[] = ["delivered", "failed", "cancelled"];

export function hasEnded({ status }: Pick<DeliveryRecord, "status">): boolean {
  return endings.includes(status);
}

/** A walk over many of a client's deliveries, a page at a time, newest first. */
export interface DeliveryJob {
  jobId: string;
  clientId: string;
  /**
   * `recover`: failed deliveries of a time go out again. `end`: what waits for a
   * webhook that is disabled or deleted ends.
   */
  kind: "recover" | "end";
  /** Of `end`: which webhook's. */
  webhookId?: string | undefined;
  /** When the deliveries were made (business). */
  sinceMs: number;
  untilMs: number;
  /** Where the next page begins; absent at first. */
  before?: string | undefined;
  status: "running" | "done";
  examined: number;
  changed: number;
  skipped: number;
  createdMs: number;
  finishedMs?: number | undefined;
  /** Real time from which on its message counts as lost. */
  recoverAfterRealMs?: number | undefined;
  expiresMs: number;
  version: number;
}

/** How the endpoint of a client's present webhook behaves, as its workers have seen it. */
export interface EndpointHealth {
  clientId: string;
  webhookId: string;
  /** It has proven itself: nothing failed and nothing was slow since. */
  isFast: boolean;
  /** Prompt successes that it lacks for that. */
  fastSuccessesNeeded: number;
  /** Failed attempts in a row. */
  consecutiveFailures: number;
  /** Workers that are at it, and until when (real) each is at most. */
  workers: Readonly<Record<string, number>>;
  /** Counts the writes; 0 where none is stored. */
  version: number;
}

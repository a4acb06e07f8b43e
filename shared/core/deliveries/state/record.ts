import type { EventTypeFilter } from "../../../contracts/event-type-filter.ts";
import type { EventType } from "../../../contracts/events.ts";
import type { DeliveryStatus } from "../../../contracts/statuses.ts";
import type { StoredText } from "../../requests/state/record.ts";

/** One attempt: a POST, or an attempt that is counted because workers stopped during it. */
export interface Attempt {
  cycle: number;
  /** From 1 on, within its cycle. The API shows it as `n`. */
  attemptNumber: number;
  /** When it started (business time). */
  atMs: number;
  httpStatus?: number | undefined;
  /** Why no answer was received. */
  error?: string | undefined;
  /** Real time. */
  durationMs: number;
  /** The first bytes of the answer's body. */
  bodyStart?: string | undefined;
  /** Where a redirect, which is not followed, points to. */
  location?: string | undefined;
}

/** Why a delivery ended without success. */
export type EndReason =
  | "attempts_used"
  /** The endpoint answered 410. */
  | "gone"
  /** Its webhook is disabled. */
  | "disabled"
  /** It was resent after its body, which was too large for the item, had expired in the bucket. */
  | "body_gone"
  | "webhook_deleted"
  | "request_cancelled";

/** The failure of one cycle, as `delivery.failed` reports it. */
export interface UnpublishedFailure {
  cycle: number;
  /** Attempts of that cycle. The event shows it as `attempts`. */
  attemptCount: number;
  reason: EndReason;
  atMs: number;
}

/**
 * A delivery of one event to one webhook, as it is stored.
 *
 * Times are epoch milliseconds of business time; of real time if the name says `Real`.
 */
export interface DeliveryRecord {
  deliveryId: string;
  clientId: string;
  webhookId: string;
  eventId: string;
  eventType: EventType;
  /** Set if the delivery is cancelled together with this request. */
  requestId?: string | undefined;
  createdMs: number;
  /** The trace of its event, which each attempt names in a header. */
  traceparent?: string | undefined;
  /** Every attempt sends these bytes. */
  body: StoredText;

  status: DeliveryStatus;
  reason?: EndReason | undefined;
  /** A cycle is one series of attempts, by default up to 8. The first is 1; each resend starts the next. */
  cycle: number;
  /** Number of ended attempts in the current cycle. */
  attemptsInCycle: number;
  /** How often the current attempt was claimed; more than once if a worker stopped during it. */
  claimsOfAttempt: number;
  /** The newest attempts of all cycles, oldest first. The API shows them as `attempts`. */
  attemptHistory: readonly Attempt[];
  /** When the next attempt is due; while it is being attempted, when that attempt was due. */
  nextMs?: number | undefined;

  /** The worker that has claimed it; only while it is delivering. */
  owner?: string | undefined;
  /** When the claim expires. */
  leaseUntilRealMs?: number | undefined;
  /** Failures of which `delivery.failed` is not known to be on the bus yet. */
  unpublishedFailures: readonly UnpublishedFailure[];
  /** When it ended. */
  endedMs?: number | undefined;

  /**
   * When the sweep must send the message of the next attempt, for the first time or because it
   * counts as lost. A claim leaves it.
   */
  dueMs?: number | undefined;
  /** When the sweep must recover it: failures are unpublished, or an earlier version has claimed it. */
  sweepAtRealMs?: number | undefined;
  /** When the item may be deleted. */
  expiresMs: number;
  /** Counts the writes: a write of an older version is refused. */
  version: number;
}

const endings: readonly DeliveryStatus[] = ["delivered", "failed", "cancelled"];

export function hasEnded({ status }: Pick<DeliveryRecord, "status">): boolean {
  return endings.includes(status);
}

/** A job over many of a client's deliveries, processed page by page, newest first. */
export interface DeliveryJob {
  jobId: string;
  clientId: string;
  /**
   * `recover` sends again what was not delivered. `end` ends the waiting deliveries of a
   * webhook that is disabled or deleted.
   */
  kind: "recover" | "end";
  /** The webhook of an `end` job. */
  webhookId?: string | undefined;
  /** The types of a `recover` job; absent: every type. */
  eventTypes?: readonly EventTypeFilter[] | undefined;
  /** The range of creation times of its deliveries (business time). */
  sinceMs: number;
  untilMs: number;
  /** Cursor of the next page; absent before the first. */
  before?: string | undefined;
  status: "running" | "done";
  examined: number;
  changed: number;
  skipped: number;
  createdMs: number;
  finishedMs?: number | undefined;
  /** When the sweep must restart it: its message counts as lost (real time). */
  sweepAtRealMs?: number | undefined;
  expiresMs: number;
  version: number;
}

/**
 * The health of a client's latest endpoint, from the attempts of all workers. What earlier
 * endpoints of the client do is not recorded, so that it does not affect the latest one.
 */
export interface EndpointHealth {
  clientId: string;
  webhookId: string;
  /** As in the webhook: a higher number is a later endpoint. */
  endpointNumber: number;
  /** Fast endpoints get their first attempts through the attempts queue; the others are unproven. */
  isFast: boolean;
  /** Fast successes until the endpoint counts as fast; 0 if it is fast. */
  fastSuccessesNeeded: number;
  /** Failed attempts since the last success. */
  consecutiveFailures: number;
  /** Slots in use: the worker, and when its lease ends (real time). */
  slots: Readonly<Record<string, number>>;
  /** Counts the writes; 0 if nothing is stored. */
  version: number;
}

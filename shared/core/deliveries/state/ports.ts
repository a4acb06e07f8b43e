import type { WebhookItem } from "../../../contracts/config-items.ts";
import type { EventTypeFilter } from "../../../contracts/event-type-filter.ts";
import type { Failure } from "../../../contracts/failures.ts";
import type { AttemptMessage, DeliveryMessage } from "../../../contracts/messages/delivery.ts";
import type { DeliveryStatus } from "../../../contracts/statuses.ts";
import type { Lease } from "../../clock.ts";
import type { DeliveryJob, DeliveryRecord, EndpointHealth } from "./record.ts";

/** Every call of these ports throws DEPENDENCY_DOWN if the dependency does not answer; a write may have been made. */

export type DeliveryClaimResult =
  | { kind: "claimed"; delivery: DeliveryRecord }
  /** The next attempt is due at `nextMs` (business time). */
  | { kind: "notDue"; nextMs: number }
  /** Another worker has claimed it. */
  | { kind: "claimedByAnother" }
  /** It has ended, or there is no such delivery. */
  | { kind: "notClaimed" };

export interface DeliveryStore {
  /** Finds a delivery, strongly consistent. */
  find(deliveryId: string): Promise<DeliveryRecord | undefined>;
  /** Stores a new delivery as version 1. Returns the stored delivery if there is one already. */
  create(delivery: DeliveryRecord): Promise<DeliveryRecord | "created">;
  /**
   * Claims a delivery for one attempt, and counts it in `claimsOfAttempt`.
   *
   * A delivery can be claimed if it waits and is due (business time), or if the lease of
   * its claim has expired (real time). At most one claim of a delivery is alive at any time. What
   * is planned for the sweep stays planned.
   */
  claim(deliveryId: string, lease: Lease): Promise<DeliveryClaimResult>;
  /**
   * Replaces the version that was read; the new one is `version + 1`. Idempotent: a
   * repeated call recognises its own write.
   *
   * @returns `undefined` if another write came first
   */
  replace(delivery: DeliveryRecord): Promise<DeliveryRecord | undefined>;
  /**
   * Lists a client's deliveries that match every given filter, newest first.
   *
   * @param query.before cursor of the page: lists the deliveries that were created before it
   * @returns a page and the cursor of the next one; a page with a cursor may hold fewer
   *   than `limit` deliveries, or none
   */
  list(
    query: { clientId: string; limit: number; before?: string | undefined } & DeliveryFilter,
  ): Promise<{ deliveries: DeliveryRecord[]; before?: string | undefined }>;
  /**
   * Returns deliveries that the sweep must act on by `untilMs` (business time), earliest first,
   * after the entry `after` (exclusive). Eventually consistent: an entry may be older than its delivery.
   */
  findDue(of: {
    shard: number;
    untilMs: number;
    limit: number;
    after?: DueDelivery | undefined;
  }): Promise<DueDelivery[]>;
  /** Changes when the sweep must act on a delivery. @returns `false` if that time was changed meanwhile */
  setSweepDue(due: Pick<DueDelivery, "message" | "dueMs">, dueMs: number): Promise<boolean>;
  /**
   * Returns deliveries and jobs (`isJobId`) to be recovered before `beforeRealMs` (real time),
   * earliest first, after the entry `after` (exclusive). Eventually consistent.
   */
  findStale(of: {
    shard: number;
    beforeRealMs: number;
    limit: number;
    after?: StaleDelivery | undefined;
  }): Promise<StaleDelivery[]>;
}

/** A delivery or a job in the index of what must be recovered. */
export interface StaleDelivery {
  id: string;
  /** The time in the index (real). */
  sweepAtRealMs: number;
}

/** Each member that is present must match. */
export interface DeliveryFilter {
  statuses?: readonly DeliveryStatus[] | undefined;
  eventTypes?: readonly EventTypeFilter[] | undefined;
  eventId?: string | undefined;
  webhookId?: string | undefined;
  /** The range of creation times, both inclusive (business time). */
  sinceMs?: number | undefined;
  untilMs?: number | undefined;
}

/** A delivery in the index of due deliveries. */
export interface DueDelivery {
  message: AttemptMessage;
  /** When the sweep must act (business time). */
  dueMs: number;
  /** When the next attempt is due (business time). */
  nextMs: number;
}

export interface JobStore {
  find(jobId: string): Promise<DeliveryJob | undefined>;
  /** Stores a new job as version 1. */
  create(job: DeliveryJob): Promise<void>;
  /** Replaces the version that was read, as `DeliveryStore.replace` does. */
  replace(job: DeliveryJob): Promise<DeliveryJob | undefined>;
}

export interface HealthStore {
  /**
   * Replaces the version that was read; the new one is `version + 1`.
   *
   * @returns `stored`, the stored health, if another write came first
   */
  replace(
    health: EndpointHealth,
  ): Promise<{ written: EndpointHealth } | { stored: EndpointHealth }>;
}

export interface WebhookStore {
  /** Finds a client's webhook, strongly consistent. A deleted webhook is found too. */
  find(clientId: string): Promise<WebhookItem | undefined>;
  /**
   * Replaces the version that was read (0: there was none); the new one is `version + 1`.
   *
   * @returns `undefined` if another write came first
   */
  replace(webhook: WebhookItem): Promise<WebhookItem | undefined>;
}

/**
 * The stored webhooks, endpoint health and cancelled requests that decide about the
 * deliveries of a batch, read by one strongly consistent call.
 */
export interface DeliveryInputs {
  /** By client id. */
  webhooks: ReadonlyMap<string, WebhookItem>;
  /** Clients whose webhook is stored in a form that this version cannot read, and why. */
  unreadable: ReadonlyMap<string, Failure>;
  /** By client id. */
  health: ReadonlyMap<string, EndpointHealth>;
  /** Ids of requests. */
  cancelledRequests: ReadonlySet<string>;
}

export interface DeliveryInputKeys {
  clientIds: readonly string[];
  requestIds: readonly string[];
}

export interface DeliveryInputsReader {
  read(keys: DeliveryInputKeys): Promise<DeliveryInputs>;
}

/**
 * `attempts` carries first attempts to fast endpoints. `retries` carries all other
 * attempts (unproven, slow or failing endpoints, later attempts, resends) and jobs.
 */
export type AttemptQueueName = "attempts" | "retries";

export interface DeliveryQueue {
  /**
   * Sends messages, in as few calls as SQS allows.
   *
   * @throws DEPENDENCY_DOWN if at least one message was not sent; the others were
   */
  send(
    queue: AttemptQueueName,
    messages: readonly { message: DeliveryMessage; delayMs?: number }[],
  ): Promise<void>;
}

/** One POST to an endpoint. */
export interface WebhookPost {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** The result of a POST. */
export interface PostResult {
  /** Absent if no answer was received. */
  httpStatus?: number | undefined;
  /** Why no answer was received: a code in capitals such as `TIMEOUT`, `ECONNREFUSED`, `ADDRESS_REFUSED`. */
  error?: string | undefined;
  /** Real time. */
  durationMs: number;
  /** The first bytes of the answer's body, as text. */
  bodyStart?: string | undefined;
  /** The `Location` of a redirect, which is not followed. */
  location?: string | undefined;
  /** The answer's `Retry-After` in milliseconds. */
  retryAfterMs?: number | undefined;
}

export interface WebhookPoster {
  /**
   * Makes one POST, without retries, over a new connection and to a public address only.
   * Ends within the poster's timeout. Never rejects.
   */
  post(request: WebhookPost): Promise<PostResult>;
}

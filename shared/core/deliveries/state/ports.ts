import type { WebhookItem } from "../../../contracts/config-items.ts";
import type { AttemptMessage, DeliveryMessage } from "../../../contracts/messages/delivery.ts";
import type { DeliveryStatus } from "../../../contracts/statuses.ts";
import type { Lease } from "../../clock.ts";
import type { DeliveryJob, DeliveryRecord, EndpointHealth } from "./record.ts";

/** Every port throws DEPENDENCY_DOWN when it cannot answer: what it was to write may be written. */

export interface DeliveryStore {
  /** Strongly consistent. */
  find(deliveryId: string): Promise<DeliveryRecord | undefined>;
  /** Stores a new delivery (version 1). Gives the one that is there already, if so. */
  create(delivery: DeliveryRecord): Promise<DeliveryRecord | "created">;
  /**
   * Takes a delivery for one attempt: one that waits and whose time has come, or
   * one whose worker's lease is over. Counts `begun`.
   */
  claim(
    deliveryId: string,
    lease: Lease,
  ): Promise<
    | { kind: "claimed"; delivery: DeliveryRecord }
    /** Its time has not come. */
    | { kind: "notDue"; nextMs: number }
    /** Another worker is at it, or it has ended, or there is none. */
    | { kind: "notClaimed" }
  >;
  /**
   * Writes over the version that was read, as `version + 1`; `undefined` when
   * another write came first. May be repeated: its own write is recognised.
   */
  replace(delivery: DeliveryRecord): Promise<DeliveryRecord | undefined>;
  /** A client's deliveries, newest first, from behind `before` on; fewer than `limit` while there is a `before`. */
  list(of: {
    clientId: string;
    status?: DeliveryStatus | undefined;
    limit: number;
    before?: string | undefined;
  }): Promise<{ deliveries: DeliveryRecord[]; before?: string | undefined }>;
  /** Deliveries that somebody must see to by then (business), oldest first. */
  due(shard: number, untilMs: number, limit: number): Promise<DueDelivery[]>;
  /** Moves when somebody must see to a delivery; `false` when it was moved or changed meanwhile. */
  postpone(due: Pick<DueDelivery, "message" | "dueMs">, dueMs: number): Promise<boolean>;
  /** Ids of deliveries and jobs over which a worker may have died before this real time, oldest first. */
  stale(shard: number, beforeRealMs: number, limit: number): Promise<string[]>;
}

/** What a message needs to name of a delivery. */
export interface DueDelivery {
  message: AttemptMessage;
  dueMs: number;
  /** When its next attempt may begin. */
  nextMs: number;
}

export interface JobStore {
  find(jobId: string): Promise<DeliveryJob | undefined>;
  /** Stores a new job (version 1). */
  create(job: DeliveryJob): Promise<void>;
  /** As of a delivery. */
  replace(job: DeliveryJob): Promise<DeliveryJob | undefined>;
}

export interface HealthStore {
  /**
   * Writes over the version that was read, as `version + 1`.
   *
   * @returns what is stored instead when another write came first
   */
  replace(
    health: EndpointHealth,
  ): Promise<{ written: EndpointHealth } | { stored: EndpointHealth }>;
}

export interface WebhookStore {
  /** Strongly consistent; also one that was deleted. */
  find(clientId: string): Promise<WebhookItem | undefined>;
  /** Writes over the version that was read (0: there was none), as `version + 1`; `undefined` when another write came first. */
  replace(webhook: WebhookItem): Promise<WebhookItem | undefined>;
}

/** What a batch must know before it does anything, read in one go and strongly consistent. */
export interface DeliveryInputs {
  webhooks: ReadonlyMap<string, WebhookItem>;
  /** By client. */
  health: ReadonlyMap<string, EndpointHealth>;
  cancelledRequests: ReadonlySet<string>;
}

export interface DeliveryInputsReader {
  read(of: {
    clientIds: readonly string[];
    requestIds: readonly string[];
  }): Promise<DeliveryInputs>;
}

/** Which queue: first attempts to endpoints that answer promptly, and all else. */
export type AttemptQueue = "attempts" | "retries";

export interface DeliveryQueue {
  /**
   * In as few calls as SQS takes. What was not taken is lost: the sweep makes up for it.
   *
   * @throws DEPENDENCY_DOWN where any was not taken
   */
  send(
    queue: AttemptQueue,
    messages: readonly { message: DeliveryMessage; delayMs?: number }[],
  ): Promise<void>;
}

/** One POST to a subscriber, as it goes over the wire. */
export interface WebhookPost {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** What became of it. */
export interface Posted {
  /** Of the answer's headers; absent where none came. */
  httpStatus?: number | undefined;
  /** A code in capitals that says why there was no answer (`TIMEOUT`, `ECONNREFUSED`, `ADDRESS_REFUSED` …). */
  error?: string | undefined;
  /** Real time. */
  durationMs: number;
  /** The answer's first bytes as text. */
  bodyStart?: string | undefined;
  /** How long the answer asks to wait, in milliseconds. */
  retryAfterMs?: number | undefined;
}

export interface WebhookPoster {
  /**
   * Makes one POST without a retry, over a connection of its own, to a public
   * address only. Ends within the poster's one deadline, and never throws.
   */
  post(post: WebhookPost): Promise<Posted>;
}

import type { SubmitMessage } from "../../../contracts/messages/submit.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import type { RequestStatus } from "../../../contracts/statuses.ts";
import type { FinalEvent } from "../../events/envelope.ts";
import type { ProviderHttpCall } from "../../providers/http-call.ts";
import type { ProviderAnswer, ProviderClient } from "../../providers/provider-client.ts";
import type { LaneHead, LaneQueue } from "./lane-ports.ts";
import type { Lane, RequestRecord, StoredText } from "./record.ts";
import type { DueWork, StaleWork } from "./sweep-work.ts";

/** Every port throws DEPENDENCY_DOWN when it cannot answer. A write may have happened then. */

export interface RequestStore {
  /** Strongly consistent. */
  find(requestId: string): Promise<RequestRecord | undefined>;
  /**
   * Requests with their lanes, strongly consistent, in as few calls as possible. One that cannot
   * be read is left out, so that it does not fail the others; `find` throws for it.
   */
  findWithLanes(
    requestIds: readonly string[],
  ): Promise<Map<string, { request: RequestRecord; lane: Lane | undefined }>>;
  /** Stores a new request as version 1. Returns the stored one when the id exists already. */
  create(request: RequestRecord): Promise<RequestRecord | "created">;
  /**
   * Replaces the version that was read by `version + 1`. Returns `undefined` when
   * another write came first. Idempotent: a repeated call recognises its own write.
   */
  replace(request: RequestRecord): Promise<RequestRecord | undefined>;
  /** The requests that hold the lane and the first that wait; strongly consistent. */
  readLaneHead(lane: Pick<Lane, "lane" | "subQueues" | "isMigratedToSubQueues">): Promise<LaneHead>;
  /**
   * The requests that were taken from the lane at this time (business) or later and hold it no
   * more, in no order; strongly consistent.
   */
  findTakenSince(lane: string, sinceMs: number): Promise<RequestRecord[]>;
  /** The requests of a lane, up to `limit` of them, in no order. Eventually consistent. */
  readQueue(lane: string, limit: number): Promise<LaneQueue>;
  /**
   * Ids of the requests of the same lane that are still SCHEDULED and come before this one, in
   * the order in which they must join: by scheduled time, then by acceptance. Strongly consistent.
   */
  findScheduledBefore(request: RequestRecord, limit: number): Promise<string[]>;
  /** The first waiting request that is a login. */
  firstLogin(lane: string): Promise<RequestRecord | undefined>;
  /** Counts the waiting requests themselves, up to `limit`. */
  countWaiting(lane: string, limit: number): Promise<number>;
  /**
   * A page of a client's requests, newest first, after `before`, without those that cannot be read. The next page exists
   * when the result has a `before`, even when this page has fewer than `limit`.
   */
  list(of: {
    clientId: string;
    accountId?: string | undefined;
    status?: RequestStatus | undefined;
    group?: string | undefined;
    /** The range of times of acceptance, both inclusive (business time). */
    sinceMs?: number | undefined;
    untilMs?: number | undefined;
    limit: number;
    before?: string | undefined;
  }): Promise<{ requests: RequestRecord[]; before?: string | undefined }>;
  /**
   * The requests of a group, oldest first, after the entry `after` (exclusive), up to about `limit`. Eventually
   * consistent, like the list: an entry may be older than its item.
   */
  readGroup(of: {
    clientId: string;
    group: string;
    limit: number;
    after?: string | undefined;
  }): Promise<{ entries: GroupEntry[]; hasMore: boolean }>;
  /**
   * Requests and lanes whose sweep is due (business), oldest first, after the entry `after` (exclusive). Eventually
   * consistent: an entry may be older than its item.
   */
  findDue(of: {
    work: DueWork;
    shard: number;
    untilMs: number;
    limit: number;
    after?: DueEntry | undefined;
  }): Promise<DueEntry[]>;
  /**
   * Moves the sweep of a due request or lane to a later time (business), and keeps the version.
   *
   * @returns its client; `undefined` when its time was changed in between
   */
  postponeSweep(seen: DueEntry, dueMs: number): Promise<{ clientId: string } | undefined>;
  /** Requests to recover at this real time, oldest first, after the entry `after` (exclusive). Eventually consistent. */
  findStale(of: {
    work: StaleWork;
    shard: number;
    beforeRealMs: number;
    limit: number;
    after?: StaleEntry | undefined;
  }): Promise<StaleEntry[]>;
}

/** What is known of a request without reading it. */
export interface GroupEntry {
  requestId: string;
  status: RequestStatus;
  createdMs: number;
  submittedMs?: number | undefined;
  finishedMs?: number | undefined;
  /** Its place in the group. */
  place: string;
}

/** `requestId` is absent when the lane itself is due. */
export interface DueEntry {
  lane: string;
  requestId?: string | undefined;
  /** The due time in the index (business). */
  dueMs: number;
}

export interface StaleEntry {
  requestId: string;
  /** The time in the index (real). */
  sweepAtRealMs: number;
}

/** What a provider's id refers to: a request, perhaps with the event that was unmatched before, or an unmatched event. */
export type Reference = BoundReference | { eventId: string };

/** A provider's id that is bound to a request. */
export interface BoundReference {
  requestId: string;
  /** The event that was unmatched before. */
  eventId?: string;
}

export interface ReferenceStore {
  /** The references of these ids in one call, strongly consistent, with the time until which a submission may be in flight on each connection. */
  findByProviderIds(
    of: readonly { connectionId: string; providerRequestId: string }[],
  ): Promise<{ reference?: Reference | undefined; submittingUntilRealMs: number }[]>;
  /** Binds a provider's id to a request and returns the previous reference. Idempotent. */
  bind(of: {
    connectionId: string;
    providerRequestId: string;
    requestId: string;
  }): Promise<Reference | undefined>;
  /**
   * Records an unmatched event of this id. A final event replaces an earlier one.
   *
   * @returns the reference when the id was bound to a request in the meantime
   */
  recordUnlessBound(of: {
    connectionId: string;
    providerRequestId: string;
    eventId: string;
    isFinal: boolean;
  }): Promise<BoundReference | undefined>;
  /**
   * Records that the provider has forbidden a call for this account.
   *
   * @returns whether it has forbidden one for another account of the connection within the last
   *   hour (business), so that the connection itself is refused
   */
  noteForbidden(of: { connectionId: string; accountId: string }): Promise<boolean>;
  /** Records that a submission may be in flight on this connection until this real time. An earlier time changes nothing. */
  extendSubmittingUntil(connectionId: string, untilRealMs: number): Promise<void>;
}

/** Stores texts that may be too large for an item. */
export interface TextStore {
  store(requestId: string, text: string): Promise<StoredText>;
  open(text: StoredText): Promise<string>;
}

/** Stores published events for readers. Storing one again changes nothing. */
export interface EventArchive {
  store(events: readonly FinalEvent[]): Promise<void>;
}

export interface SubmitQueue {
  /** Sends messages that are not delayed, in as few calls as possible. */
  sendAll(messages: readonly { message: SubmitMessage; clientId: string }[]): Promise<void>;
  send(
    message: SubmitMessage,
    of?: {
      /** Business time, at most 15 minutes. */
      delayMs?: number;
      /** The client that the message belongs to: a client with many messages in flight does not delay the others. */
      clientId?: string | undefined;
    },
  ): Promise<void>;
}

export interface Schedules {
  /** Schedules the `due` message for that time (business), rounded up to the second. Idempotent. */
  create(requestId: string, atMs: number): Promise<void>;
  /** Deletes the schedule. Succeeds when there is none. */
  delete(requestId: string): Promise<void>;
}

export type CallResult =
  | { kind: "answered"; answer: ProviderAnswer }
  /** No connection was made, so nothing happened at the provider. */
  | { kind: "notSent"; reason: string }
  /** The call was or may have been sent, and there is no complete answer. */
  | { kind: "incomplete"; reason: string };

export interface ProviderCalls {
  /** Makes one call on a connection of its own, without a retry. Never throws. */
  send(provider: ProviderId, request: ProviderHttpCall, timeoutMs: number): Promise<CallResult>;
}

export interface ClientRates {
  /**
   * Counts requests against the limit, by one write at most. Several that are counted together
   * may exceed it: a call of any size is let through while the client has not reached the limit.
   *
   * @param count absent: 1
   * @returns `false` when the client has reached the limit of this second (real time)
   */
  tryConsume(clientId: string, count?: number): Promise<boolean>;
}

/** How each provider takes requests. */
export type ProviderClients = Readonly<Record<ProviderId, ProviderClient>>;

import type { SubmitMessage } from "../../../contracts/messages/submit.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import type { RequestStatus } from "../../../contracts/statuses.ts";
import type { Lease } from "../../clock.ts";
import type { FinalEvent } from "../../events/envelope.ts";
import type { ProviderHttpCall } from "../../providers/http-call.ts";
import type { ProviderAnswer } from "../../providers/provider-client.ts";
import type { Lane, LaneOwner, LanePause, RequestRecord, StoredText } from "./record.ts";

/** Every port throws DEPENDENCY_DOWN when it cannot answer: what it was to write may be written. */

export interface RequestStore {
  /** Strongly consistent. */
  find(requestId: string): Promise<RequestRecord | undefined>;
  /** Requests with their lanes, strongly consistent, in one call where they fit. */
  findWithLanes(
    requestIds: readonly string[],
  ): Promise<Map<string, { request: RequestRecord; lane: Lane | undefined }>>;
  /** Stores a new request (version 1). Gives the one that is there already, if so. */
  create(request: RequestRecord): Promise<RequestRecord | "created">;
  /**
   * Writes over the version that was read, as `version + 1`; `undefined` when
   * another write came first. May be repeated: its own write is recognised.
   */
  replace(request: RequestRecord): Promise<RequestRecord | undefined>;
  /** What holds the lane and then what waits in it, in order, strongly consistent. */
  readLaneHead(lane: string, limit: number): Promise<RequestRecord[]>;
  /** The first login that waits in the lane, if one does. */
  firstLogin(lane: string): Promise<RequestRecord | undefined>;
  /** How many wait, counted in the queue itself up to `limit`. */
  countWaiting(lane: string, limit: number): Promise<number>;
  /** A client's requests, newest first, from behind `before` on; fewer than `limit` while there is a `before`. */
  list(of: {
    clientId: string;
    accountId?: string | undefined;
    status?: RequestStatus | undefined;
    limit: number;
    before?: string | undefined;
  }): Promise<{ requests: RequestRecord[]; before?: string | undefined }>;
  /** Keys of requests and lanes whose time has come (business), oldest first. */
  findDue(shard: number, untilMs: number, limit: number): Promise<DueEntry[]>;
  /** Ids of requests whose writer may have died before this real time, oldest first. */
  findStale(shard: number, beforeRealMs: number, limit: number): Promise<string[]>;
}

/** `requestId` is absent where it is the lane itself that is due. */
export interface DueEntry {
  lane: string;
  requestId?: string | undefined;
}

export interface JoinedLane {
  position: number;
  /** True when nobody was going to look at the lane: the caller sees to it. */
  wasUnscheduled: boolean;
}

export interface LaneStore {
  find(lane: string): Promise<Lane | undefined>;
  /**
   * Gives out the next place, at or after `nowMs`, and makes sure that somebody
   * will look at the lane: at `sweepDueMs`, if nobody does before.
   *
   * @returns `"full"` when `limit` wait already; no limit where it is absent
   */
  join(
    lane: string,
    owner: LaneOwner,
    of: { nowMs: number; sweepDueMs: number; limit?: number },
  ): Promise<JoinedLane | "full">;
  /** Sets the count of what waits to what was counted; `false` while a worker has the lane, which counts itself. */
  setWaitingCount(lane: string, waiting: number): Promise<boolean>;
  /**
   * Takes the lane for one worker and puts its next look off to `sweepDueMs`.
   *
   * @returns `undefined` when another worker has it, or there is none; `wasLeft`
   *   where the worker before did not give it back, and nobody knows what it did last
   */
  acquire(
    lane: string,
    lease: Lease,
    sweepDueMs: number,
  ): Promise<(Lane & { abandonedByPrevious?: true }) | undefined>;
  /**
   * Gives the lane back. Without a `sweepDueMs` nobody looks at it again until
   * somebody joins. Only as `seen`: who has joined or hastened it meanwhile is
   * not overlooked.
   *
   * @returns `"released"`, the lane as it is when it was joined or hastened
   *   meanwhile (it is still held), or `"lost"` when the lease had passed to another
   */
  release(
    seen: Lane,
    change: {
      sweepDueMs?: number | undefined;
      nextSubmissionNotBeforeMs?: number | undefined;
      dequeuedCount?: number | undefined;
      pause?: LanePause | undefined;
    },
  ): Promise<"released" | "lost" | Lane>;
  /**
   * Brings the next look forward; `false` when nothing waits or somebody looks
   * sooner. A worker that has the lane meanwhile learns of it at its `release`.
   */
  bringSweepForward(lane: string, sweepDueMs: number): Promise<boolean>;
  /**
   * Sees to it that a lane in which something waits is looked at: by then, if
   * nobody was going to, and by the worker that has it before it is given back.
   *
   * @returns whether that was needed
   */
  ensureSweep(lane: string, sweepDueMs: number): Promise<boolean>;
  /** No submission before then; an earlier time changes nothing. */
  delaySubmissions(lane: string, notBeforeMs: number): Promise<void>;
  /** Has the lane looked at by then, whether or not something was known to wait; `false` when somebody looks sooner. */
  scheduleSweep(lane: string, sweepDueMs: number): Promise<boolean>;
  /** Makes the lane if there is none. A pause without an end is not replaced by one that has one. */
  pause(lane: string, owner: LaneOwner, pause: LanePause): Promise<void>;
  /** Ends the pause of an account that had to log in, no other, and has the lane looked at. */
  endLoginPause(lane: string, sweepDueMs: number): Promise<void>;
  /** Ends any pause and has the lane looked at. `false` when there is no such lane. */
  endAllPauses(lane: string, sweepDueMs: number): Promise<boolean>;
}

/** What is known of a provider's id: our request, or an event that belongs to none. */
export type Reference = { requestId: string } | { eventId: string };

export interface ReferenceStore {
  /** Strongly consistent; in one call for all, with what is being submitted on each connection. */
  findByProviderIds(
    of: readonly { connectionId: string; providerRequestId: string }[],
  ): Promise<{ reference?: Reference | undefined; submittingUntilRealMs: number }[]>;
  /** Binds a provider's id to a request. Gives what was there before. Repeating it changes nothing. */
  bind(of: {
    connectionId: string;
    providerRequestId: string;
    requestId: string;
  }): Promise<Reference | undefined>;
  /**
   * Notes that an event of this id belongs to no request; the last final one is kept.
   *
   * @returns the request's id where it was bound meanwhile
   */
  recordUnmatched(of: {
    connectionId: string;
    providerRequestId: string;
    eventId: string;
    isFinal: boolean;
  }): Promise<string | undefined>;
  /** Says that a submission is under way on this connection until this real time. */
  extendSubmittingUntil(connectionId: string, untilRealMs: number): Promise<void>;
}

export interface IdempotencyStore {
  /** What a key stands for, if it is known. */
  find(clientId: string, key: string): Promise<KnownKey | undefined>;
  /** Keeps a key with what it stands for, or gives what it stands for already. */
  reserve(of: {
    clientId: string;
    key: string;
    bodySha256: string;
    requestId: string;
    expiresMs: number;
  }): Promise<KnownKey>;
}

export interface KnownKey {
  bodySha256: string;
  requestId: string;
}

/** Texts that may be too large for an item. */
export interface TextStore {
  keep(requestId: string, text: string): Promise<StoredText>;
  open(text: StoredText): Promise<string>;
}

/** Published events, for those who read them later. Storing one again changes nothing. */
export interface EventArchive {
  store(events: readonly FinalEvent[]): Promise<void>;
}

export interface SubmitQueue {
  /** @param delayMs business time, at most 15 minutes */
  send(message: SubmitMessage, delayMs?: number): Promise<void>;
}

export interface Schedules {
  /** Has `due` sent at that time (business), rounded up to the second. Making it again changes nothing. */
  create(requestId: string, atMs: number): Promise<void>;
  /** There may be none any more. */
  delete(requestId: string): Promise<void>;
}

export type Exchange =
  | { kind: "answered"; answer: ProviderAnswer }
  /** No connection was made: nothing can have happened. */
  | { kind: "notSent"; reason: string }
  /** It was or may have been sent, and there is no complete answer. */
  | { kind: "incomplete"; reason: string };

export interface ProviderCalls {
  /** One call over a connection of its own, without a retry; never throws. */
  exchange(provider: ProviderId, request: ProviderHttpCall, timeoutMs: number): Promise<Exchange>;
}

/** Limits how fast a client may make requests. */
export interface ClientRates {
  /** `false` when the client has used up this second. */
  take(clientId: string): Promise<boolean>;
}

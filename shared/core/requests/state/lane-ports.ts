import type { Lease } from "../../clock.ts";
import type {
  CategoryTake,
  Lane,
  LaneAccount,
  LaneCounters,
  LanePause,
  RequestRecord,
  SubQueue,
} from "./record.ts";

/** Every port throws DEPENDENCY_DOWN when it cannot answer. A write may have happened then. */

/** What a lane's worker decides by. */
export interface LaneHead {
  /** By position; those that are read at once. */
  holders: RequestRecord[];
  /** True when more requests may hold the lane than were read. */
  hasMoreHolders: boolean;
  /** The first of each sub-queue, by position. */
  firsts: RequestRecord[];
  /** True when more requests wait than `firsts`. */
  hasMoreWaiting: boolean;
}

/** A waiting request, as the index knows it. */
export interface QueuedRequest extends SubQueue {
  requestId: string;
  position: number;
}

/** All requests of a lane that wait or hold it. */
export interface LaneQueue {
  /** Ids of those that hold it. */
  holders: readonly string[];
  waiting: readonly QueuedRequest[];
}

export interface JoinedLane {
  /** The first one where several were assigned. */
  position: number;
  /** The lane before this request joined it; absent where this is its first request. */
  before?: Lane | undefined;
  /** True when no sweep of the lane was due: the caller must send a wake-up message. */
  hadNoSweep: boolean;
}

export interface LaneStore {
  find(lane: string): Promise<Lane | undefined>;
  /**
   * Assigns the next `count` positions, at or after `nowMs`, which follow each other, counts the
   * requests as waiting in these sub-queues, and makes the lane due for the sweep at `dueMs`
   * unless it is due already: one write, however many positions.
   *
   * @param of.count absent: 1
   * @returns the first position; `"full"` when more than `limit` requests would wait, absent
   *   means no limit
   */
  join(
    lane: string,
    account: LaneAccount,
    of: {
      nowMs: number;
      dueMs: number;
      subQueues: readonly SubQueue[];
      limit?: number;
      count?: number;
    },
  ): Promise<JoinedLane | "full">;
  /** Sets the number of waiting requests. Returns `false` while a worker holds the lease, because it updates the number itself. */
  setWaitingCount(lane: string, waiting: number): Promise<boolean>;
  /**
   * Leases the lane to one worker. Its sweep is due at `dueMs` at the latest: one that is
   * planned to work the lane between now and then stays.
   *
   * @returns `undefined` when another worker holds the lease or there is no such
   *   lane; `abandonedByPrevious` when the previous worker's lease expired without a release
   */
  acquire(
    lane: string,
    lease: Lease,
    dueMs: number,
  ): Promise<(Lane & { abandonedByPrevious?: true }) | undefined>;
  /**
   * Ends the lease and writes what the worker changed. Without `dueMs` the
   * lane is not due again until a request joins. The write succeeds only when the
   * lane's sweep was not planned by another and, with `waitingSubQueues`, no request joined since `seen`.
   *
   * @returns `"released"`; the stored lane, still leased, when it differs from
   *   `seen`; `"lost"` when another worker holds the lease
   */
  release(
    seen: Lane,
    change: {
      dueMs?: number | undefined;
      /** True when nothing can be submitted at `dueMs` either: the lane is stored in the `end` partitions of index `due`. */
      isOnlyCheck?: boolean | undefined;
      nextSubmissionNotBeforeMs?: number | undefined;
      dequeuedCount?: number | undefined;
      pause?: LanePause | undefined;
      /** What the account has used, without the takes of `seen.givenBack`, which are removed. */
      counters?: LaneCounters | undefined;
      /**
       * The sub-queues in which requests wait; present when `dueMs` depends on them, or when
       * none waits. A request of another sub-queue that joins later must wake the lane.
       */
      waitingSubQueues?: readonly SubQueue[] | undefined;
      /** The worker has seen that no waiting request was stored before there were sub-queues. */
      isMigratedToSubQueues?: boolean | undefined;
    },
  ): Promise<"released" | "lost" | Lane>;
  /**
   * Notes that a request of this sub-queue waits again, and takes out of the account's use what was
   * not sent after all. A worker that has the lane sees it when it releases the lane. Idempotent
   * until a worker has released the lane.
   *
   * @param of.take absent where nothing was counted
   */
  giveBack(
    lane: string,
    of: { take?: CategoryTake | undefined; subQueue: SubQueue },
  ): Promise<void>;
  /**
   * Moves a planned sweep to this earlier time. While a worker holds the lease, a later
   * time is written too, so that the worker's `release` sees the change. Returns `false`
   * when nothing was changed.
   */
  bringSweepForward(lane: string, dueMs: number): Promise<boolean>;
  /**
   * Plans a sweep when none is planned. While a worker holds the lease, a planned sweep is
   * replaced, so that the worker's `release` sees the change. Returns whether anything was
   * changed.
   */
  ensureSweep(lane: string, dueMs: number): Promise<boolean>;
  /** Postpones the next submission. An earlier time than the stored one changes nothing. */
  delaySubmissions(lane: string, notBeforeMs: number): Promise<void>;
  /**
   * Plans a sweep when none or a later one is planned. While a worker holds the lease, any
   * planned sweep is replaced, so that the worker's `release` sees the change. Returns
   * whether anything was changed.
   */
  scheduleSweep(lane: string, dueMs: number): Promise<boolean>;
  /**
   * Pauses the lane or one category of it, and creates it if there is none. A pause with an end
   * does not replace one without.
   */
  pause(lane: string, account: LaneAccount, pause: LanePause): Promise<void>;
  /** Ends the pause that waits for a login, and no other, and makes the sweep due. */
  endLoginPause(lane: string, dueMs: number): Promise<void>;
  /** Ends every pause and makes the sweep due. Returns `false` when there is no such lane. */
  endAllPauses(lane: string, dueMs: number): Promise<boolean>;
}

import type { EventType } from "../../../contracts/events.ts";
import type { Category } from "../../../contracts/pace.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import type { RequestStatus } from "../../../contracts/statuses.ts";
import type { UnclearReport } from "../../events/provider-event.ts";
import type { Usage } from "../../pace/usage.ts";
import type { CorrelatedType } from "../../providers/correlation.ts";

/** A text in the item, or the key of a text in the bucket when it is too large for the item. */
export type StoredText = { inline: string } | { key: string };

/**
 * An event of a state write that is not known to be on the bus yet. The entries of a request are
 * published in order: only one worker at a time has the right to publish them.
 */
export interface OutboxEntry {
  id: string;
  type: EventType;
  /** The version that the write gave the record. Its writer publishes the entry if none was before it. */
  version: number;
  /** The version of a later write by which a worker took over the right to publish it. */
  claimedInVersion?: number | undefined;
  /** Time of the write that gave the right to publish it (real). */
  sinceRealMs: number;
  /** The envelope's final bytes. */
  envelope: StoredText;
  /** The webhook's exact bytes in Base64, when the envelope could not keep every digit. */
  raw?: StoredText | undefined;
}

/** A report of the provider that is not clear, as a request keeps it. */
export interface KeptUnclearReport extends UnclearReport {
  /** Business time. */
  atMs: number;
  /** `answer`: the answer to a submission or a poll. */
  source: "webhook" | "answer";
  digest: string;
}

/** What a request waits for before it joins its lane. Times are business time. */
export interface Dependency {
  /** The predecessor, a request of the same account. */
  requestId: string;
  on: "succeeded" | "event";
  /** Present with `on: "event"`. */
  event?: CorrelatedType | undefined;
  /** Until when the condition must be met. */
  untilMs: number;
  /** Delay between the condition and the request's time. */
  afterMs: number;
  /** An event that keeps the request from being sent, until it is submitted. */
  unless?: "message.reply" | undefined;
  /** When the predecessor was accepted: its events count from then. */
  eventSinceMs: number;
  /** When the first request of the sequence was accepted: `unless` counts from then. */
  unlessSinceMs: number;
  /** The predecessor, its predecessor and so on. */
  ancestors: readonly string[];
  /** The correlation keys of the ancestors that are watched. */
  keys: readonly string[];
  /** When the condition was met. */
  metMs?: number | undefined;
}

/** The account whose requests share one lane. */
export interface LaneAccount {
  clientId: string;
  provider: ProviderId;
  connectionId: string;
  accountId: string;
}

/** Why a request failed. */
export interface RequestError {
  code: string;
  message: string;
}

/**
 * A request as it is stored. Times are epoch milliseconds of business time,
 * unless their name contains `Real`.
 */
export interface RequestRecord extends LaneAccount {
  lane: string;
  requestId: string;
  action: string;
  /** What it counts as against the account's limits; absent where it was stored before there were limits. */
  category?: Category | undefined;
  /** The client's name of the requests that it belongs to. */
  group?: string | undefined;
  /** Its priority is `high`; absent for `normal`. */
  isHigh?: true | undefined;
  status: RequestStatus;
  createdMs: number;
  scheduledMs?: number | undefined;
  joinedMs?: number | undefined;
  submittedMs?: number | undefined;
  finishedMs?: number | undefined;

  /** The recurring request that made it. */
  recurringId?: string | undefined;
  /** The trace that it belongs to, as W3C Trace Context: its client's, or its own while tracing is on. */
  traceparent?: string | undefined;
  /** The caller's span in that trace, while tracing is on. */
  parentSpanId?: string | undefined;
  dependsOn?: Dependency | undefined;
  /** Requests that depend on this one and were registered before it ended. */
  dependents?: readonly string[] | undefined;
  /** Digests of the people and conversations that its params and its result name. */
  correlationKeys?: readonly string[] | undefined;

  /**
   * Position in the lane, assigned when it joined: the time (epoch milliseconds, business), or the
   * lane's last position plus one if that is later. A request that returns to its lane keeps it.
   */
  lanePosition?: number | undefined;
  /** Whether it waits in its lane or holds it; absent when neither. */
  laneState?: "waiting" | "holding" | undefined;
  /** When a worker took it from its lane to submit it. Absent while it is proven that nothing was sent. */
  takenMs?: number | undefined;
  /** It ends when it has not been submitted until then. */
  notAfterMs?: number | undefined;
  /** How long the lane had been blocked for its category when it joined. */
  blockedAtJoinMs?: number | undefined;
  /** Until when no other request of the lane is submitted. */
  holdUntilMs?: number | undefined;

  /** Params as JSON text; absent after they are erased. */
  params?: StoredText | undefined;
  /** The params of an action with secrets, sealed. */
  sealedParams?: string | undefined;
  /** A person's input that is to be sent, sealed. */
  sealedInput?: string | undefined;

  /** Submitted also while the account is paused until a login succeeds. */
  isLogin?: true | undefined;

  attempts: number;
  /** The worker that sends it. */
  owner?: string | undefined;
  /** Real time at which that worker counts as dead. */
  sendingUntilRealMs?: number | undefined;
  providerRequestId?: string | undefined;

  /** JSON text. */
  result?: StoredText | undefined;
  /** A number of `result` that JavaScript and the bus cannot represent is text. */
  numbersAsText?: true | undefined;
  error?: RequestError | undefined;
  /** The last other outcome that the provider reported after the request had ended. JSON text. */
  lateResult?: StoredText | undefined;
  /** The other outcomes before `lateResult`, oldest first. JSON texts. */
  earlierLateResults?: readonly StoredText[] | undefined;
  /** Digests of all of these outcomes, by which a copy is recognised. */
  lateResultDigests?: readonly string[] | undefined;
  /** Reports of the provider that are not clear, oldest first. */
  unclearReports?: readonly KeptUnclearReport[] | undefined;
  /** The provider has forbidden its submission once. */
  wasForbidden?: true | undefined;
  /** Digest of the provider's outcome that ended it, by which a duplicate is recognised. */
  outcomeDigest?: string | undefined;

  /** Why the provider has not started it yet, in the provider's words. */
  pendingReason?: string | undefined;
  /**
   * When it times out in its current state. While it runs, that is counted from the last answer
   * by which the provider said that it has it.
   */
  deadlineMs?: number | undefined;
  /** How often its timeout at `deadlineMs` was postponed, because the provider gave no clear answer. */
  endTries?: number | undefined;
  /** Until when it accepts a person's input. */
  actionDeadlineMs?: number | undefined;
  /** When the sweep processes it: a poll, a timeout, or a schedule that did not fire. */
  dueMs?: number | undefined;
  /** Real time at which the sweep looks whether its last writer has completed its work. */
  sweepAtRealMs?: number | undefined;
  polls: number;
  /** True once `workflow.started` is in the outbox or published. */
  isStarted: boolean;
  /** The latest `createdAt` of its events; absent while that is `workflow.created`. */
  lastEventMs?: number | undefined;
  /** The earliest `createdAt` of its prompts and its end, before which it has started. */
  firstAfterStartMs?: number | undefined;
  /** Digests of the prompts for a person's input, oldest first. The last one may be open. An input that was not sent is asked for again with the same digest. */
  prompts: readonly string[];
  /** Earliest time of the account's next submission. */
  nextSubmissionNotBeforeMs?: number | undefined;

  outbox: readonly OutboxEntry[];
  /** When the item may be deleted. */
  expiresMs?: number | undefined;
  /** Number of writes. A write that is based on an older version is refused. */
  version: number;
}

const terminalStatuses: readonly RequestStatus[] = ["SUCCEEDED", "FAILED", "CANCELLED"];

export function isTerminal({ status }: Pick<RequestRecord, "status">): boolean {
  return terminalStatuses.includes(status);
}

/** Requests of a lane that keep their order among each other. */
export interface SubQueue {
  category: Category;
  isHigh: boolean;
}

/** A request that was taken from its lane and counts against the limits of its category. */
export interface CategoryTake {
  category: Category;
  atMs: number;
}

/** How long a category could not be submitted, whatever waited. */
export interface BlockedTime {
  /** Until `sinceMs`, milliseconds in total. */
  totalMs: number;
  /** The block that the last worker saw; equal times where there was none. */
  sinceMs: number;
  untilMs: number;
}

/**
 * How much of its limits the account has used, which decides what it may still submit. Only the
 * worker that holds the lease writes it.
 */
export interface LaneCounters {
  usage: Usage;
  /** The last request that is counted. */
  lastTaken?: { requestId: string; atMs: number } | undefined;
  /** Requests of high priority that were taken since one of normal priority was. */
  highInARow: number;
  blocked: Readonly<Partial<Record<Category, BlockedTime>>>;
}

/** An account's queue, as it is stored beside its requests. */
export interface Lane extends LaneAccount {
  lane: string;
  /** The last position that was assigned, in epoch milliseconds: see `lanePosition`. */
  lastPosition: number;
  /** Number of waiting requests. It is never too low; counting the queue corrects it. */
  waitingCount: number;
  /** Earliest time of the next submission. */
  nextSubmissionNotBeforeMs: number;
  /** When the sweep sends a wake-up message, unless a worker runs before. Absent while no request waits. */
  dueMs?: number | undefined;
  pause?: LanePause | undefined;
  /** Pauses of single categories, which may be over. */
  categoryPauses: Readonly<Partial<Record<Category, LanePause>>>;
  owner?: string | undefined;
  leaseUntilRealMs?: number | undefined;
  counters: LaneCounters;
  /** The sub-queues that may have waiting requests: each that has some is among them. */
  subQueues: readonly SubQueue[];
  /** The sub-queues that the worker knew of that planned `dueMs`: a request of another one must wake the lane. */
  plannedSubQueues: readonly SubQueue[];
  /** True when no request waits that was stored before there were sub-queues. */
  isMigratedToSubQueues: boolean;
  /** Takes for which it was shown later that nothing was sent. The next worker takes them out of `counters`. */
  givenBack: readonly CategoryTake[];
  /** How often another than its worker planned its sweep, or gave a request back; absent: never. */
  wakes?: number | undefined;
  /** When the provider last restricted the account. */
  restrictedMs?: number | undefined;
}

/** Reason of a pause that the client requested. A login neither passes nor ends it. */
export const PAUSED_BY_CLIENT = "PAUSED_BY_CLIENT";

export interface LanePause {
  reason: string;
  /** Absent: until a login succeeds or a person resumes the account. */
  untilMs?: number | undefined;
  /** Present: only this category pauses. Such a pause has an end. */
  category?: Category | undefined;
  /**
   * The provider cannot be reached or is out of order, or the worker held the call back: the
   * requests go on ageing (G8).
   */
  isOutage?: true | undefined;
  /** The provider has restricted the account: its warm-up begins again. */
  isRestriction?: true | undefined;
}

import type { EventType } from "../../../contracts/events.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import type { RequestStatus } from "../../../contracts/statuses.ts";

/** A text that lies in the item, or in the bucket where it is too large for that. */
export type StoredText = { inline: string } | { key: string };

/** An event that a state write caused and that is not known to be on the bus yet. */
export interface OutboxEntry {
  id: string;
  type: EventType;
  /** The write that caused it: whoever made that write publishes it. */
  version: number;
  /** When that was (real). */
  sinceRealMs: number;
  /** The envelope's final bytes. */
  envelope: StoredText;
  /** The webhook's exact bytes, Base64, where the envelope could not carry each digit. */
  raw?: StoredText | undefined;
}

/** Whose requests go through one lane. */
export interface LaneOwner {
  clientId: string;
  provider: ProviderId;
  connectionId: string;
  accountId: string;
}

/**
 * A request as it is stored. Times are epoch milliseconds of business time but
 * where their name says `Real`.
 */
export interface RequestRecord extends LaneOwner {
  lane: string;
  requestId: string;
  action: string;
  status: RequestStatus;
  createdMs: number;
  scheduledMs?: number | undefined;
  joinedMs?: number | undefined;
  submittedMs?: number | undefined;
  finishedMs?: number | undefined;

  /** Its place in the lane, given when it joined; a request that returns has its old one. */
  lanePosition?: number | undefined;
  /** Where it stands in the lane now; absent once it neither waits nor holds. */
  laneState?: "waiting" | "holding" | undefined;
  /** Until when it keeps the lane to itself. */
  holdUntilMs?: number | undefined;

  /** JSON text of the provider's own body; absent once it is erased. */
  params?: StoredText | undefined;
  /** The same, sealed, where it holds secrets. */
  sealedParams?: string | undefined;
  /** A person's input that is on its way, sealed. */
  sealedInput?: string | undefined;

  /** Taken past the pause of an account that must log in. */
  isLogin?: true | undefined;

  attempts: number;
  /** Who is sending it. */
  owner?: string | undefined;
  /** Real time until which that worker may be at it. */
  sendingUntilRealMs?: number | undefined;
  providerRequestId?: string | undefined;

  /** JSON text. */
  result?: StoredText | undefined;
  error?: { code: string; message: string } | undefined;
  /** What the provider said after the request had ended otherwise. JSON text. */
  lateResult?: StoredText | undefined;
  /** Digest of the provider's words that ended it: the same words again are a duplicate. */
  outcomeDigest?: string | undefined;

  /** When it ends by itself in its present state. */
  deadlineMs?: number | undefined;
  /** When an input that it waits for comes too late. */
  actionDeadlineMs?: number | undefined;
  /** When somebody must look at it. */
  sweepDueMs?: number | undefined;
  /** Real time from which on its writer counts as dead. */
  recoverAfterRealMs?: number | undefined;
  polls: number;
  /** Whether `workflow.started` was caused already. */
  isStarted: boolean;
  /** Digests of the prompts for a person's input, in order; the last is the one that waits. */
  prompts: readonly string[];
  /** The account's next submission comes no earlier. */
  nextSubmissionNotBeforeMs?: number | undefined;

  outbox: readonly OutboxEntry[];
  /** When the item may be deleted. */
  expiresMs?: number | undefined;
  /** Counts the writes: one that read an older version is refused. */
  version: number;
}

export const terminalStatuses: readonly RequestStatus[] = ["SUCCEEDED", "FAILED", "CANCELLED"];

export function isTerminal({ status }: Pick<RequestRecord, "status">): boolean {
  return terminalStatuses.includes(status);
}

/** A lane as it is stored beside its requests. */
export interface Lane extends LaneOwner {
  lane: string;
  /** The last place that was given out. */
  lastPosition: number;
  /** At least as many as wait; a count of the queue itself corrects it. */
  waitingCount: number;
  /** No submission before this time. */
  nextSubmissionNotBeforeMs: number;
  /** When somebody looks at the lane next; absent while nothing waits in it. */
  sweepDueMs?: number | undefined;
  pause?: LanePause | undefined;
  owner?: string | undefined;
  leaseUntilRealMs?: number | undefined;
}

/** The reason of a pause that the client itself has made: no login passes it, and none ends it. */
export const PAUSED_BY_CLIENT = "PAUSED_BY_CLIENT";

export interface LanePause {
  reason: string;
  /** Absent: until a person resumes it, or a login succeeds. */
  untilMs?: number | undefined;
}

import type { MessageFailure } from "../message-failure.ts";
import type { RequestRecord } from "./state/record.ts";

export interface RequestSweepResult {
  /** Scheduled requests that joined their lane because their schedule did not fire. */
  joined: number;
  /** Lanes to which a wake-up message was sent. */
  wokenLanes: number;
  polled: number;
  timedOut: number;
  /** Requests whose worker died during the submission. */
  unknown: number;
  published: number;
  /** Why events stay in their outbox, one for each. */
  unpublished: MessageFailure[];
  pausedAccounts: number;
  pausedConnections: number;
  /** Answers that are not clear and were kept on their request. */
  unclearReports: number;
  /** Why items and index reads failed, one for each. The next run tries them again. */
  failed: MessageFailure[];
  /** Requests of which a person should know, for the log. */
  notices: SweepNotice[];
  /** Requests of whose acceptance no message was processed in time. */
  lostAccepts: RequestRecord[];
}

export interface SweepNotice {
  kind: "timedOut" | "unknown" | "connectionPaused" | "accountPaused" | "unclearReport";
  request: RequestRecord;
}

/** The result of a run that has not done anything yet. */
export function emptyResult(): RequestSweepResult {
  return {
    joined: 0,
    wokenLanes: 0,
    polled: 0,
    timedOut: 0,
    unknown: 0,
    published: 0,
    unpublished: [],
    pausedAccounts: 0,
    pausedConnections: 0,
    unclearReports: 0,
    failed: [],
    notices: [],
    lostAccepts: [],
  };
}

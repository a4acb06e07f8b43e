import { randomBytes } from "node:crypto";
import { laneId, newRequestId } from "../../../shared/core/requests/acceptance/request-id.ts";
import type { LaneAccount, RequestRecord } from "../../../shared/core/requests/state/record.ts";

let accounts = 0;

/** An account of its own for each test. */
export function newOwner(of: Partial<LaneAccount> = {}): LaneAccount {
  const n = ++accounts;
  return {
    clientId: `cl_${n}`,
    provider: "we-link",
    connectionId: `cn_${n}`,
    accountId: `account ${n}`,
    ...of,
  };
}

/** A request that waits in its lane, with the fields of `of` replaced. */
export function requestRecord(
  owner: LaneAccount = newOwner(),
  of: Partial<RequestRecord> = {},
): RequestRecord {
  const lane = laneId(owner);
  return {
    ...owner,
    lane,
    requestId: newRequestId(lane, randomBytes(10).toString("hex")),
    action: "invite",
    status: "QUEUED",
    createdMs: Date.UTC(2026, 5, 25, 12),
    attempts: 0,
    polls: 0,
    isStarted: false,
    prompts: [],
    outbox: [],
    version: 1,
    ...of,
  };
}

import { expect } from "vitest";
import { providerPacks } from "../../../shared/contracts/providers.ts";
import { isTerminal, type RequestRecord } from "../../../shared/core/requests/state/record.ts";
import { canTransition } from "../../../shared/core/requests/state/request-state.ts";

/** The secrets in the params and in the inputs of these tests. */
export const PASSWORD = "a secret password";
export const PIN = "a secret pin";

/** What was observed of one request, for the invariants that span several writes. */
export interface Seen {
  /** Events that writes added to the outbox, by id. */
  caused: Map<string, { type: string; data: Record<string, unknown> }>;
  /** Ids of events that the bus accepted. */
  published: string[];
  statuses: Set<string>;
  /** Submissions after which the provider may have the request. */
  mayHaveApplied: number;
  resolvedAsNotSubmitted: number;
  inputsTaken: number;
  inputsSent: number;
  /** A worker was frozen while it published, for so long that it counted as dead. */
  isFrozenPublishing: boolean;
}

export function nothingSeen(): Seen {
  return {
    caused: new Map(),
    published: [],
    statuses: new Set(),
    mayHaveApplied: 0,
    resolvedAsNotSubmitted: 0,
    inputsTaken: 0,
    inputsSent: 0,
    isFrozenPublishing: false,
  };
}

/** Checks the invariants of each single write. */
export function checkWrite(
  seen: Seen,
  after: RequestRecord,
  before: RequestRecord | undefined,
): void {
  const { status } = after;
  seen.statuses.add(status);
  if (before) {
    const isStep = before.status === status || canTransition(before.status, status);
    expect([before.status, status, isStep]).toEqual([before.status, status, true]);
    // A terminal state never changes (G4).
    if (isTerminal(before)) {
      const { result, error, finishedMs, outcomeDigest } = before;
      expect(after).toMatchObject({ status: before.status, finishedMs });
      expect([after.result, after.error, after.outcomeDigest]).toEqual([
        result,
        error,
        outcomeDigest,
      ]);
    }
  }
  const known = new Set(before?.outbox.map(({ id }) => id));
  for (const { id, type, envelope } of after.outbox.filter(({ id }) => !known.has(id))) {
    expect(seen.caused.has(id), `${id} is added a second time`).toBe(false);
    const { data } = JSON.parse("inline" in envelope ? envelope.inline : "{}") as {
      data: Record<string, unknown>;
    };
    seen.caused.set(id, { type, data });
  }
  checkRecord(after);
}

/** Checks the invariants of a stored request. */
function checkRecord(request: RequestRecord): void {
  const { status, laneState, outbox, owner } = request;
  const isOver = isTerminal(request);
  const holds = request.holdUntilMs !== undefined;
  if (status === "QUEUED") expect(laneState).toBe("waiting");
  else if (status === "SUBMITTING") expect(laneState).toBe("holding");
  else if (isOver || status === "SCHEDULED") expect(laneState).toBeUndefined();
  else expect(laneState).toBe(holds ? "holding" : undefined);
  if (isOver) expect(holds).toBe(false);
  expect(request.lanePosition === undefined).toBe(request.joinedMs === undefined);
  // The sweep is always due until the request ends (G1, G12).
  if (isOver) expect(request).toMatchObject({ dueMs: undefined, deadlineMs: undefined });
  else if (status !== "SUBMITTING") expect(request.dueMs).toEqual(expect.any(Number));
  if (isOver) expect(request.expiresMs).toBeGreaterThan(request.finishedMs ?? Number.NaN);
  const isSwept = status === "SUBMITTING" || outbox.length > 0;
  expect(request.sweepAtRealMs !== undefined).toBe(isSwept);
  // Only a request that is being sent has a worker.
  if (status !== "SUBMITTING")
    expect([owner, request.sendingUntilRealMs]).toEqual([undefined, undefined]);
  // Cancelled is silent (G9).
  if (status === "CANCELLED") expect(outbox).toEqual([]);
  checkSecrets(request);
}

const sent = ["RUNNING", "ACTION_REQUIRED", "SUCCEEDED", "FAILED", "CANCELLED"];

/** Secrets are stored sealed only, and erased after the send. */
function checkSecrets(request: RequestRecord): void {
  if (sent.includes(request.status)) {
    const { params, sealedParams, sealedInput } = request;
    expect([params, sealedParams, sealedInput]).toEqual([undefined, undefined, undefined]);
  }
  // An input is sent at most once.
  if (request.status !== "SUBMITTING") expect(request.sealedInput).toBeUndefined();
  const text = JSON.stringify(request);
  expect(text).not.toContain(PIN);
  const isSecret = providerPacks[request.provider].client.isSecret(request.action);
  if (isSecret) expect(text).not.toContain(PASSWORD);
  if (isSecret) expect(request.params).toBeUndefined();
}

/** Checks the invariants of the whole run after the request has ended. */
export function checkEnd(seen: Seen, request: RequestRecord): void {
  expect(isTerminal(request)).toBe(true);
  const ends = [...seen.caused.values()].filter(({ type }) => type === "workflow.completed");
  expect(ends).toHaveLength(request.status === "CANCELLED" ? 0 : 1);
  for (const { data } of ends) {
    const isSuccess = request.status === "SUCCEEDED";
    expect(data.status).toBe(isSuccess ? "completed" : "failed");
    expect(data.error).toEqual(request.error);
    const { result } = request;
    expect(data.result).toEqual(
      result && "inline" in result ? JSON.parse(result.inline) : undefined,
    );
  }
  // Every event of the outbox is on the bus, except for those that a cancel dropped.
  const ids = new Set(seen.published);
  for (const id of ids) expect(seen.caused.has(id)).toBe(true);
  if (request.status !== "CANCELLED")
    expect([...ids].sort()).toEqual([...seen.caused.keys()].sort());
  // Without a fault each event is published once (G2).
  if (!seen.isFrozenPublishing) expect(seen.published).toEqual([...ids]);
  // At most one submission (G3), and each input at most once.
  expect(seen.inputsSent).toBeLessThanOrEqual(seen.inputsTaken);
  expect(seen.mayHaveApplied).toBeLessThanOrEqual(1 + seen.resolvedAsNotSubmitted);
}

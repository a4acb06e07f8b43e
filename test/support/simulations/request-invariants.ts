import { expect } from "vitest";
import { providerPacks } from "../../../shared/contracts/providers.ts";
import { isTerminal, type RequestRecord } from "../../../shared/core/requests/state/record.ts";
import { canTransition } from "../../../shared/core/requests/state/request-state.ts";

/** What stands in the params and in the inputs of these tests. */
export const PASSWORD = "a secret password";
export const PIN = "a secret pin";

/** What was seen of a request, on which the laws are checked as it goes. */
export interface Seen {
  /** Events that writes caused, by id: what they say. */
  caused: Map<string, { type: string; data: Record<string, unknown> }>;
  /** Ids of events that the bus took. */
  published: string[];
  statuses: Set<string>;
  /** Submissions after which the provider may have it. */
  mayHaveApplied: number;
  resolvedAsNotSubmitted: number;
  inputsTaken: number;
  inputsSent: number;
  /** Somebody was so slow to publish that he counted as dead. */
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

/** The laws that hold of each single write. */
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
    // One terminal state, and it never changes (G4).
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
    expect(seen.caused.has(id), `${id} is caused a second time`).toBe(false);
    const { data } = JSON.parse("inline" in envelope ? envelope.inline : "{}") as {
      data: Record<string, unknown>;
    };
    seen.caused.set(id, { type, data });
  }
  checkRecord(after);
}

/** The laws that hold of a request as it stands. */
function checkRecord(request: RequestRecord): void {
  const { status, laneState, outbox, owner } = request;
  const isOver = isTerminal(request);
  // Where it stands in its lane.
  const holds = request.holdUntilMs !== undefined;
  if (status === "QUEUED") expect(laneState).toBe("waiting");
  else if (status === "SUBMITTING") expect(laneState).toBe("holding");
  else if (isOver || status === "SCHEDULED") expect(laneState).toBeUndefined();
  else expect(laneState).toBe(holds ? "holding" : undefined);
  if (isOver) expect(holds).toBe(false);
  expect(request.lanePosition === undefined).toBe(request.joinedMs === undefined);
  // Somebody always looks at it again until it ends (G1, G12).
  if (isOver) expect(request).toMatchObject({ sweepDueMs: undefined, deadlineMs: undefined });
  else if (status !== "SUBMITTING") expect(request.sweepDueMs).toEqual(expect.any(Number));
  if (isOver) expect(request.expiresMs).toBeGreaterThan(request.finishedMs ?? Number.NaN);
  const isSwept = status === "SUBMITTING" || outbox.length > 0;
  expect(request.recoverAfterRealMs !== undefined).toBe(isSwept);
  // Nobody is sending what is not being sent.
  if (status !== "SUBMITTING")
    expect([owner, request.sendingUntilRealMs]).toEqual([undefined, undefined]);
  // Cancelled is silent (G9).
  if (status === "CANCELLED") expect(outbox).toEqual([]);
  checkSecrets(request);
}

const sent = ["RUNNING", "ACTION_REQUIRED", "SUCCEEDED", "FAILED", "CANCELLED"];

/** Secrets are only ever sealed, and gone with the send. */
function checkSecrets(request: RequestRecord): void {
  if (sent.includes(request.status)) {
    const { params, sealedParams, sealedInput } = request;
    expect([params, sealedParams, sealedInput]).toEqual([undefined, undefined, undefined]);
  }
  // An input is sent once, whatever becomes of it.
  if (request.status !== "SUBMITTING") expect(request.sealedInput).toBeUndefined();
  const text = JSON.stringify(request);
  expect(text).not.toContain(PIN);
  const isSecret = providerPacks[request.provider].requests.isSecret(request.action);
  if (isSecret) expect(text).not.toContain(PASSWORD);
  if (isSecret) expect(request.params).toBeUndefined();
}

/** The laws that hold of the whole story, once it is over. */
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
  // Each that was caused is on the bus; but for those that a cancel made silent.
  const ids = new Set(seen.published);
  for (const id of ids) expect(seen.caused.has(id)).toBe(true);
  if (request.status !== "CANCELLED")
    expect([...ids].sort()).toEqual([...seen.caused.keys()].sort());
  // Without a fault, once (G2).
  if (!seen.isFrozenPublishing) expect(seen.published).toEqual([...ids]);
  // At most one submission (G3), and each input once.
  expect(seen.inputsSent).toBeLessThanOrEqual(seen.inputsTaken);
  expect(seen.mayHaveApplied).toBeLessThanOrEqual(1 + seen.resolvedAsNotSubmitted);
}

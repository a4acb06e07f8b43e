import { Failure, type FailureCode, failures } from "../../contracts/failures.ts";
import type { AuditRecord } from "../../contracts/operator-action.ts";
import { type Clock, toIso } from "../clock.ts";
import { isObject } from "../json/json.ts";

/** A record before its change: who wants to do what. */
export type AuditIntent = Omit<AuditRecord, "outcome" | "code" | "created" | "finishedAt">;

/** What became of a change. */
export type AuditOutcome = Pick<AuditRecord, "outcome" | "code" | "created" | "finishedAt">;

/** A record that is not known to be published. */
export interface PendingAudit {
  intent: AuditIntent;
  /** Until when the process that makes the change may still tell its outcome (real time). */
  awaitedUntilRealMs: number;
}

/**
 * The audit records. Nothing that is stored is changed: a record and its outcome are two items.
 * Every method throws DEPENDENCY_DOWN.
 */
export interface AuditStore {
  /** Stores a record, and that it is to be published. Idempotent. */
  begin(pending: PendingAudit): Promise<void>;
  /** Stores the outcome; the first one stays. */
  finish(of: Pick<AuditIntent, "id" | "at">, outcome: AuditOutcome): Promise<void>;
  /** Reads a record with its outcome, strongly consistent. */
  find(of: Pick<AuditIntent, "id" | "at">): Promise<AuditRecord | undefined>;
  /** A page, newest first, after the position `before`, with the position of the next one. */
  list(of: {
    limit: number;
    before?: string | undefined;
    /** Business time, inclusive. */
    untilMs?: number | undefined;
    matches: (record: AuditRecord) => boolean;
  }): Promise<{ records: AuditRecord[]; before?: string | undefined }>;
  /** The records to be published, oldest first. */
  pending(limit: number): Promise<PendingAudit[]>;
  /** A published record is no longer pending. Idempotent. */
  forget(of: Pick<AuditIntent, "id" | "at">): Promise<void>;
}

export interface AuditDeps {
  audit: AuditStore;
  clock: Clock;
  /** Returns this many random bytes as hex. */
  randomHex: (bytes: number) => string;
  /** Real time for which the outcome of a change is awaited, before its record counts as incomplete. */
  awaitOutcomeMs: number;
  /** Is told that the outcome of a change that was made could not be stored. */
  onNonFatalError: (error: unknown) => void;
}

/** Who makes a change, what, and why. */
export type AuditedChange = Omit<AuditIntent, "id" | "at">;

/**
 * Makes changes of persons, each with an audit record: stored before the change, so that no crash
 * loses it, and completed with the outcome. `reconcile` publishes it.
 *
 * @param idsOf returns the ids of what was created, by the result of the change; must not throw
 * @throws DEPENDENCY_DOWN, and nothing was changed, when the record cannot be stored; what the
 *   change throws
 */
export function makeAudited({ audit, clock, randomHex, ...deps }: AuditDeps) {
  return async <Result>(
    of: AuditedChange,
    change: () => Promise<Result>,
    idsOf: (result: Result) => Record<string, string> = () => ({}),
  ): Promise<Result> => {
    const intent = { id: `au_${randomHex(16)}`, at: toIso(clock.businessMs()), ...of };
    const awaitedUntilRealMs = clock.realMs() + deps.awaitOutcomeMs;
    await audit.begin({ intent, awaitedUntilRealMs });
    const finish = (outcome: Omit<AuditOutcome, "finishedAt">) =>
      audit
        .finish(intent, { ...outcome, finishedAt: toIso(clock.businessMs()) })
        .catch(deps.onNonFatalError);
    try {
      const result = await change();
      const created = idsOf(result);
      await finish({ outcome: "done", ...(Object.keys(created).length > 0 ? { created } : {}) });
      return result;
    } catch (error) {
      await finish(outcomeOf(error));
      throw error;
    }
  };
}

export type Audited = ReturnType<typeof makeAudited>;

/** The ids that a value has as members of these names. One that is absent is left out. */
export function idsIn(value: unknown, names: readonly string[]): Record<string, string> {
  if (!isObject(value)) return {};
  const ids = names.map((name) => [name, value[name]] as const);
  return Object.fromEntries(
    ids.flatMap(([name, id]) => (typeof id === "string" ? [[name, id] as const] : [])),
  );
}

function outcomeOf(error: unknown): Omit<AuditOutcome, "finishedAt"> {
  if (!(error instanceof Failure)) return { outcome: "failed", code: "INTERNAL_ERROR" };
  const isRefused = failures[error.code as FailureCode].disposition === "refuse";
  return { outcome: isRefused ? "refused" : "failed", code: error.code };
}

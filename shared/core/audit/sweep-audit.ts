import {
  type AuditRecord,
  OPERATOR_ACTION,
  type OperatorAction,
} from "../../contracts/operator-action.ts";
import type { Clock } from "../clock.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type { AuditStore } from "./audit.ts";

/** Publishes operator actions on the bus. @throws PUBLISH_FAILED, PUBLISH_REFUSED */
export type PublishOperatorAction = (of: { detail: string }) => Promise<void>;

export interface SweepAuditDeps {
  audit: AuditStore;
  publish: PublishOperatorAction;
  clock: Clock;
  /** Most records that one run publishes. */
  limit: number;
}

export interface SweepAuditResult {
  published: number;
  /** Of those, the records whose change never told its outcome. */
  incomplete: number;
  failures: MessageFailure[];
}

/**
 * Publishes the records of changes that have ended, and, once their outcome is no longer awaited,
 * of those whose process was killed. A crash between publishing and forgetting publishes the same
 * event twice, with the same id.
 */
export function makeSweepAudit({ audit, publish, clock, limit }: SweepAuditDeps) {
  async function publishIfEnded(of: Awaited<ReturnType<AuditStore["pending"]>>[number]) {
    const { intent, awaitedUntilRealMs } = of;
    let record = await audit.find(intent);
    if (record === undefined) {
      // Its process was killed before it stored the record itself: nothing was changed.
      if (awaitedUntilRealMs > clock.realMs()) return "awaited";
      await audit.begin(of);
      record = { ...intent, outcome: "incomplete" };
    }
    if (record.outcome === "incomplete" && awaitedUntilRealMs > clock.realMs()) return "awaited";
    await publish({ detail: detailOf(record) });
    await audit.forget(intent);
    return record.outcome === "incomplete" ? "incomplete" : "published";
  }

  return async (): Promise<SweepAuditResult> => {
    const result: SweepAuditResult = { published: 0, incomplete: 0, failures: [] };
    const pending = await audit.pending(limit).catch((error: unknown) => {
      result.failures.push(toMessageFailure(error));
      return [];
    });
    for (const one of pending) {
      try {
        const outcome = await publishIfEnded(one);
        if (outcome !== "awaited") result.published++;
        if (outcome === "incomplete") result.incomplete++;
      } catch (error) {
        result.failures.push(toMessageFailure(error));
      }
    }
    return result;
  };
}

function detailOf(record: AuditRecord): string {
  const { clientId, id, at } = record;
  const detail: OperatorAction = {
    id: `${OPERATOR_ACTION}:${id}`,
    type: OPERATOR_ACTION,
    createdAt: at,
    ...(clientId === undefined ? {} : { clientId }),
    data: record,
  };
  return JSON.stringify(detail);
}

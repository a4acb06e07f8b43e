import { Failure } from "../../../contracts/failures.ts";
import { toIso } from "../../clock.ts";
import type { ExplainWaits } from "../lanes/explain-waits.ts";
import type { IdempotencyStore, KeyReservation } from "../state/idempotency-store.ts";
import type { RequestRecord } from "../state/record.ts";

/**
 * @throws NOT_AFTER_UNREACHABLE when the request cannot be submitted by its `notAfter`. Where
 *   nobody knows when it will be, it is accepted, and ends at that time.
 */
export async function refuseIfTooLate(
  deps: {
    explainWaits: ExplainWaits;
    idempotency: Pick<IdempotencyStore, "releaseReservation">;
    onNonFatalError: (error: unknown) => void;
  },
  request: RequestRecord,
  reservation: KeyReservation | undefined,
): Promise<void> {
  const { notAfterMs, requestId } = request;
  if (notAfterMs === undefined) return;
  const { expectedMs = 0 } = (await deps.explainWaits([request])).get(requestId) ?? {};
  if (expectedMs <= notAfterMs) return;
  if (reservation)
    await deps.idempotency.releaseReservation(reservation).catch(deps.onNonFatalError);
  const expectedAt = toIso(expectedMs);
  throw new Failure(
    "NOT_AFTER_UNREACHABLE",
    `its turn would be at ${expectedAt}: send a later notAfter, or none`,
    { expectedAt },
  );
}

import type { RecurringItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import type { SubmitMessage } from "../../../contracts/messages/submit.ts";
import { parseJson } from "../../json/json.ts";
import type { NewRequest } from "../acceptance/idempotency.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { IdempotencyStore } from "../state/idempotency-store.ts";
import type { RequestStore } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import type { RecurringStore } from "./ports.ts";

export interface FireRecurringDeps {
  recurring: Pick<RecurringStore, "find">;
  requests: Pick<RequestStore, "find">;
  idempotency: Pick<IdempotencyStore, "find">;
  acceptRequest: (of: NewRequest) => Promise<RequestRecord>;
  context: () => DecisionContext;
}

/** Real time that accepting the request of a firing may take, which is that of an invocation. */
const MAX_FIRING_MS = 30_000;

export type FireRecurring = ReturnType<typeof makeFireRecurring>;

/**
 * Accepts the request of one firing, once, however often the scheduler and the queue deliver it:
 * its idempotency key consists of the recurring request and the planned time. The key is
 * remembered for longer than a firing is accepted late. A recurring request that is paused or
 * deleted makes none, also when this call is frozen after it has looked.
 *
 * @throws MESSAGE_STALE for a firing that is later than that; what accepting a request throws, and
 *   the message must be processed again
 */
export const makeFireRecurring =
  (deps: FireRecurringDeps) =>
  async (firing: Extract<SubmitMessage, { kind: "recur" }>): Promise<void> => {
    const { clientId, recurringId, firesAt } = firing;
    const { nowMs, nowRealMs, rules } = deps.context();
    // A key is remembered for this time after its request has ended, and so at least as long.
    if (nowMs - Date.parse(firesAt) >= rules.idempotencyMs) {
      throw new Failure("MESSAGE_STALE", "the request of this firing may have been made already");
    }
    const item = await deps.recurring.find(clientId, recurringId);
    if (item?.status !== "active") return;
    // No client can send a key with a line break.
    const idempotencyKey = `recurring\n${recurringId}\n${firesAt}`;
    try {
      const expiresRealMs = nowRealMs + MAX_FIRING_MS;
      await deps.acceptRequest({ ...newRequestOf(item), idempotencyKey, expiresRealMs });
    } catch (error) {
      const isConflict = error instanceof Failure && error.code === "IDEMPOTENCY_CONFLICT";
      // The recurring request was changed after this firing had made its request.
      if (!isConflict || !(await isAccepted(deps, clientId, idempotencyKey))) throw error;
    }
  };

async function isAccepted(
  { idempotency, requests }: FireRecurringDeps,
  clientId: string,
  key: string,
): Promise<boolean> {
  const entry = await idempotency.find(clientId, key);
  return entry !== undefined && (await requests.find(entry.requestId)) !== undefined;
}

function newRequestOf(item: RecurringItem): NewRequest {
  const { clientId, recurringId, provider, connectionId, accountId, action, group } = item;
  return {
    ...{ clientId, recurringId, provider, connectionId, accountId, action },
    ...(group === undefined ? {} : { group }),
    ...(item.isHigh ? { priority: "high" } : {}),
    params: parseJson(Buffer.from(item.params), "exact").value,
  };
}

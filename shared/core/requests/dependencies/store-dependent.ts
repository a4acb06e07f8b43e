import type { CorrelationStore } from "../state/correlation-ports.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import { keysOfRequest, watchedUntilMs } from "../state/dependency.ts";
import type { SubmitQueue } from "../state/ports.ts";
import type { Dependency, RequestRecord } from "../state/record.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import type { SettleDependent } from "./settle-dependent.ts";

export interface StoreDependentDeps {
  writer: RequestWriter;
  correlations: CorrelationStore;
  settleDependent: SettleDependent;
  submitQueue: SubmitQueue;
  context: () => DecisionContext;
  onNonFatalError: (error: unknown) => void;
}

/**
 * Stores a request that waits for another one. It watches before it is stored: an event that
 * comes in between finds it either here, where it is settled, or by its watch. What fails after
 * it is stored, the sweep repeats.
 *
 * @throws DEPENDENCY_DOWN
 */
export async function storeDependent(
  deps: StoreDependentDeps,
  request: RequestRecord & { dependsOn: Dependency },
): Promise<RequestRecord> {
  const { requestId, clientId } = request;
  await watchKeysOf(deps, request);
  const created = await deps.writer.create(request);
  if (!created.isCreated) return created.request;
  const accepted = { v: 1, kind: "accepted", requestId, wakesLane: false } as const;
  const [settled] = await Promise.all([
    deps.settleDependent(requestId).catch(deps.onNonFatalError),
    deps.submitQueue.send(accepted, { clientId }).catch(deps.onNonFatalError),
  ]);
  return settled ?? created.request;
}

async function watchKeysOf(
  { correlations, context }: StoreDependentDeps,
  request: RequestRecord & { dependsOn: Dependency },
): Promise<void> {
  const { requestId, connectionId, dependsOn } = request;
  if ((dependsOn.event ?? dependsOn.unless) === undefined) return;
  const keys = keysOfRequest(request);
  if (keys.length === 0) return;
  const untilMs = watchedUntilMs(dependsOn, context());
  await correlations.watch({ connectionId, requestId, keys, untilMs });
}

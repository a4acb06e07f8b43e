import type { CorrelatedType } from "../../providers/correlation.ts";
import type { CorrelationStore, FoundEvent } from "../state/correlation-ports.ts";
import { dependencyStopped, keysOfRequest } from "../state/dependency.ts";
import type { RequestStore } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";

/** When the event that the request waits for was received first, if it was. @throws DEPENDENCY_DOWN */
export async function findReleasingEvent(
  correlations: CorrelationStore,
  request: RequestRecord,
  ancestorKeys: readonly string[],
): Promise<number | undefined> {
  const { event, eventSinceMs = 0 } = request.dependsOn ?? {};
  if (event === undefined) return undefined;
  return findFirst(correlations, request, { type: event, sinceMs: eventSinceMs, ancestorKeys });
}

/** When an event that stops the request was received first, if one was. @throws DEPENDENCY_DOWN */
export async function findStoppingEvent(
  correlations: CorrelationStore,
  request: RequestRecord,
  ancestorKeys: readonly string[],
): Promise<number | undefined> {
  const { unless, unlessSinceMs = 0 } = request.dependsOn ?? {};
  if (unless === undefined) return undefined;
  return findFirst(correlations, request, { type: unless, sinceMs: unlessSinceMs, ancestorKeys });
}

async function findFirst(
  correlations: CorrelationStore,
  request: RequestRecord,
  of: { type: CorrelatedType; sinceMs: number; ancestorKeys: readonly string[] },
): Promise<number | undefined> {
  const { connectionId, accountId } = request;
  const { type, sinceMs, ancestorKeys } = of;
  const keys = [...new Set([...ancestorKeys, ...keysOfRequest(request)])];
  if (keys.length === 0) return undefined;
  const found = await correlations.findEvents({ connectionId, type, sinceMs, keys });
  // What happened to another account of the connection is not about this sequence.
  const isOurs = (event: FoundEvent) =>
    event.accountId === undefined || event.accountId === accountId;
  const times = found.filter(isOurs).map(({ receivedMs }) => receivedMs);
  return times.length === 0 ? undefined : Math.min(...times);
}

export type FindStop = ReturnType<typeof makeFindStop>;

/**
 * Returns why a request must not be sent: an event that it names in `unless` was acknowledged.
 * `submit` asks after it has claimed the request and directly before it sends it: everything that
 * was acknowledged before this read stops the request, whether `consume` has processed it or not.
 * A request without `unless` needs no read.
 *
 * @throws DEPENDENCY_DOWN
 */
export const makeFindStop =
  ({
    requests,
    correlations,
  }: {
    requests: Pick<RequestStore, "find">;
    correlations: CorrelationStore;
  }) =>
  async (request: RequestRecord): Promise<RequestRecord["error"]> => {
    const { dependsOn } = request;
    if (dependsOn?.unless === undefined) return undefined;
    const ancestors = await Promise.all(dependsOn.ancestors.map((id) => requests.find(id)));
    const keys = ancestors.flatMap((one) => (one ? keysOfRequest(one) : []));
    // The last read before the call: nothing else is awaited behind it.
    const stoppedMs = await findStoppingEvent(correlations, request, keys);
    return stoppedMs === undefined ? undefined : dependencyStopped;
  };

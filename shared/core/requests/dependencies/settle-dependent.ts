import { MAX_SQS_DELAY_MS } from "../../../contracts/limits.ts";
import type { CorrelationStore } from "../state/correlation-ports.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import {
  type DependencyFacts,
  type DependencyVerdict,
  dependencyStopped,
  isStoppable,
  judgeDependency,
  keysOfRequest,
  waitsForDependency,
  watchedUntilMs,
} from "../state/dependency.ts";
import { failRequest } from "../state/endings.ts";
import type { ProviderClients, RequestStore, SubmitQueue } from "../state/ports.ts";
import { type Dependency, isTerminal, type RequestRecord } from "../state/record.ts";
import { OVERDUE_MS, withDerivedFields } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { findReleasingEvent, findStoppingEvent } from "./dependency-events.ts";

export interface SettleDependentDeps {
  requests: RequestStore;
  writer: RequestWriter;
  correlations: CorrelationStore;
  submitQueue: SubmitQueue;
  providerClients: ProviderClients;
  context: () => DecisionContext;
  onNonFatalError: (error: unknown) => void;
}

export type SettleDependent = ReturnType<typeof makeSettleDependent>;

/**
 * Looks at a dependent request: registers it with its predecessor, watches for the events that
 * it waits for or that stop it, and releases or ends it when what is known says so. It may be
 * called at any time and any number of times: everything is read from the tables, and each write
 * is conditional.
 *
 * It watches before it reads, so that what happens after the read finds the request among the
 * watchers or the dependents.
 *
 * @returns the request when this call changed it; the caller publishes its outbox
 * @throws DEPENDENCY_DOWN
 */
export function makeSettleDependent(deps: SettleDependentDeps) {
  const { requests, writer, correlations } = deps;

  return async (requestId: string): Promise<RequestRecord | undefined> => {
    const request = await requests.find(requestId);
    const { dependsOn } = request ?? {};
    if (!request || !dependsOn) return undefined;
    if (!waitsForDependency(request) && !isStoppable(request)) return undefined;
    const ancestors = await findAncestors(request, dependsOn);
    const keys = await watchKeys(request, dependsOn, ancestors);
    const [predecessor] = ancestors;
    const [eventMs, stoppedMs] = await Promise.all([
      findReleasingEvent(correlations, request, keys),
      findStoppingEvent(correlations, request, keys),
    ]);
    const facts = { predecessor, eventMs, stoppedMs };
    const changed = await writer.change(requestId, (now) => decide(now, facts, keys));
    if (!changed?.isChanged) return undefined;
    await sendIfDueSoon(changed.request);
    return changed.request;
  };

  /** The predecessor, which knows of the request from then on unless it has ended, and those before it. */
  async function findAncestors(
    request: RequestRecord,
    { ancestors: [first = "", ...others] }: Dependency,
  ): Promise<[RequestRecord | undefined, ...(RequestRecord | undefined)[]]> {
    return Promise.all([
      waitsForDependency(request) ? register(first, request.requestId) : requests.find(first),
      ...others.map((id) => requests.find(id)),
    ]);
  }

  /** Its acceptance has done so already, unless an earlier version has accepted it. */
  async function register(
    predecessorId: string,
    requestId: string,
  ): Promise<RequestRecord | undefined> {
    const changed = await writer.change(predecessorId, (predecessor) => {
      const { dependents = [] } = predecessor;
      if (isTerminal(predecessor) || dependents.includes(requestId)) return undefined;
      return { ...predecessor, dependents: [...dependents, requestId] };
    });
    return changed?.request;
  }

  /** Watches the keys that have become known since. @returns all keys */
  async function watchKeys(
    request: RequestRecord,
    dependsOn: Dependency,
    ancestors: readonly (RequestRecord | undefined)[],
  ): Promise<string[]> {
    const known = new Set([...dependsOn.keys, ...keysOfRequest(request)]);
    const keys = ancestors.flatMap((one) => (one ? keysOfRequest(one) : []));
    const added = [...new Set(keys)].filter((key) => !known.has(key));
    const { requestId, connectionId } = request;
    const isWatching = (dependsOn.event ?? dependsOn.unless) !== undefined;
    if (isWatching && added.length > 0) {
      const untilMs = watchedUntilMs(dependsOn, deps.context());
      await correlations.watch({ connectionId, requestId, keys: added, untilMs });
    }
    return [...dependsOn.keys, ...added];
  }

  function decide(
    request: RequestRecord,
    facts: DependencyFacts,
    keys: readonly string[],
  ): RequestRecord | undefined {
    const context = deps.context();
    const provider = deps.providerClients[request.provider];
    const end = (error: NonNullable<RequestRecord["error"]>) =>
      failRequest(request, error, context, provider);
    if (!waitsForDependency(request)) {
      const isStopped = isStoppable(request) && facts.stoppedMs !== undefined;
      return isStopped ? end(dependencyStopped) : undefined;
    }
    const verdict = judgeDependency(request, facts, context.nowMs);
    if (verdict.kind === "ends") return end(verdict.error);
    const { dependsOn } = request;
    const watching = { ...request, dependsOn: { ...dependsOn, keys } };
    if (verdict.kind === "met") return release(watching, verdict, context);
    return keys.length === dependsOn.keys.length ? undefined : watching;
  }

  /** Sends the message with which a released request joins its lane. Without it, the sweep joins it. */
  async function sendIfDueSoon({ requestId, status, scheduledMs, clientId }: RequestRecord) {
    if (status !== "SCHEDULED" || scheduledMs === undefined) return;
    const delayMs = Math.max(0, scheduledMs - deps.context().nowMs);
    if (delayMs > MAX_SQS_DELAY_MS) return;
    const message = { v: 1, kind: "due", requestId } as const;
    await deps.submitQueue.send(message, { delayMs, clientId }).catch(deps.onNonFatalError);
  }
}

/** Gives the request its time. The sweep joins it then, or later where a message does. */
function release(
  request: RequestRecord & { dependsOn: Dependency },
  { atMs: metMs }: Extract<DependencyVerdict, { kind: "met" }>,
  context: DecisionContext,
): RequestRecord {
  const { dependsOn, createdMs } = request;
  const scheduledMs = Math.max(createdMs, metMs + dependsOn.afterMs);
  const hasMessage = scheduledMs - context.nowMs <= MAX_SQS_DELAY_MS;
  const dueMs = scheduledMs + (hasMessage ? OVERDUE_MS : 0);
  const dependsOnMet = { ...dependsOn, metMs };
  return withDerivedFields({ ...request, dependsOn: dependsOnMet, scheduledMs, dueMs }, context);
}

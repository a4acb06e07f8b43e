import { Failure } from "../../../contracts/failures.ts";
import type { ProviderClient } from "../../providers/provider-client.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import { takeOf } from "../state/lane-counters.ts";
import type { LaneStore } from "../state/lane-ports.ts";
import type { ProviderClients, ReferenceStore } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import { transition, withStartedEvent } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { subQueueOf } from "../state/sub-queue.ts";
import { hasBeenSubmitted, returnToPreviousState } from "../state/submission-transitions.ts";

/** What a person found out at the provider about a request whose outcome was unknown. */
export type Resolution = { as: "submitted"; providerRequestId?: string } | { as: "not-submitted" };

/**
 * Resolves an UNKNOWN request as a person says (G3). A submitted request becomes
 * RUNNING. One that was not submitted returns to the head of its lane, or to
 * ACTION_REQUIRED when it was an input that was not sent.
 *
 * @throws NOT_FOUND, CONFLICT when the outcome is known or the provider's id belongs to another request, DEPENDENCY_DOWN
 */
export const makeResolveRequest =
  (deps: {
    writer: RequestWriter;
    references: ReferenceStore;
    lanes: Pick<LaneStore, "giveBack">;
    providerClients: ProviderClients;
    laneScheduler: LaneScheduler;
    context: () => DecisionContext;
  }) =>
  async (before: RequestRecord, as: Resolution): Promise<RequestRecord> => {
    const { requestId, connectionId } = before;
    if (before.status !== "UNKNOWN")
      throw new Failure("CONFLICT", "the outcome of this request is known");
    if (as.as === "submitted" && as.providerRequestId !== undefined) {
      // Before the write: binding is idempotent, and fails when the id belongs to another request.
      const { providerRequestId } = as;
      const known = await deps.references.bind({ connectionId, providerRequestId, requestId });
      if (known && "requestId" in known && known.requestId !== requestId) {
        throw new Failure("CONFLICT", "this provider's id belongs to another request");
      }
    }
    if (as.as === "not-submitted") {
      // Before the write: if this call dies after it, the sweep works the lane, whose worker looks
      // for such a request.
      await deps.laneScheduler.ensureSweep(before);
      if (!hasBeenSubmitted(before)) {
        await deps.lanes.giveBack(before.lane, { subQueue: subQueueOf(before) });
      }
    }
    const decided = await deps.writer.change(requestId, (request) => {
      if (request.status !== "UNKNOWN")
        throw new Failure("CONFLICT", "the outcome of this request is known");
      const context = deps.context();
      const provider = deps.providerClients[request.provider];
      if (as.as === "not-submitted") return returnedByPerson(request, context, provider);
      return resumeAsRunning(request, as.providerRequestId, context, provider);
    });
    if (!decided) throw new Failure("NOT_FOUND", "there is no such request");
    const { request } = decided;
    if (as.as === "not-submitted" && !hasBeenSubmitted(request)) {
      const subQueue = subQueueOf(request);
      await deps.lanes.giveBack(request.lane, { take: takeOf(before), subQueue });
      await deps.laneScheduler.wakeUp(request);
    }
    return request;
  };

/** Its wait begins anew: it did not wait for its turn while its outcome was unknown (G8). */
function returnedByPerson(
  request: RequestRecord,
  context: DecisionContext,
  provider: ProviderClient,
): RequestRecord {
  const { nowMs } = context;
  const joinedMs = hasBeenSubmitted(request) ? request.joinedMs : nowMs;
  return returnToPreviousState({ ...request, joinedMs }, context, provider);
}

function resumeAsRunning(
  request: RequestRecord,
  providerRequestId: string | undefined,
  context: DecisionContext,
  provider: ProviderClient,
): RequestRecord {
  const { nowMs, rules } = context;
  const knownId = providerRequestId ?? request.providerRequestId;
  const deadlineMs = nowMs + rules.resultTimeoutMs;
  // The request became UNKNOWN when its submission got no answer: the hold begins there (G5).
  const submittedMs =
    (request.deadlineMs ?? nowMs + rules.unknownTimeoutMs) - rules.unknownTimeoutMs;
  const holdUntilMs = submittedMs + rules.laneHoldMs;
  const running = transition(request, "RUNNING", context, {
    providerRequestId: knownId,
    submittedMs: request.submittedMs ?? submittedMs,
    holdUntilMs: holdUntilMs > nowMs ? holdUntilMs : undefined,
    deadlineMs,
    // The result may exist already, so the request is polled at once if its id is known.
    dueMs: knownId === undefined ? deadlineMs : nowMs,
    polls: 0,
  });
  return provider.startsWhenAccepted ? withStartedEvent(running, context) : running;
}

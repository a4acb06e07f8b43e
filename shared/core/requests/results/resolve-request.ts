import { Failure } from "../../../contracts/failures.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import type { ProviderClient } from "../../providers/provider-client.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { ReferenceStore } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import { transition } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { emitStarted } from "../state/started.ts";
import { isContinuation, requeue } from "../state/submission-transitions.ts";

/** What a person found out at the provider. */
export type Resolution = { as: "submitted"; providerRequestId?: string } | { as: "not-submitted" };

/**
 * Settles a request whose outcome was unknown by a person's word (G3): what was
 * not submitted goes back to the head of its lane, or to waiting for its input.
 *
 * @throws NOT_FOUND, CONFLICT, DEPENDENCY_DOWN
 */
export const makeResolveRequest =
  (deps: {
    writer: RequestWriter;
    references: ReferenceStore;
    providers: Readonly<Record<ProviderId, ProviderClient>>;
    laneScheduler: LaneScheduler;
    context: () => DecisionContext;
  }) =>
  async (before: RequestRecord, as: Resolution): Promise<RequestRecord> => {
    const { requestId, connectionId } = before;
    if (before.status !== "UNKNOWN") throw new Failure("CONFLICT", "its outcome is known");
    if (as.as === "submitted" && as.providerRequestId !== undefined) {
      // First, because it can be repeated, and may show that the id is another's.
      const { providerRequestId } = as;
      const known = await deps.references.bind({ connectionId, providerRequestId, requestId });
      if (known && "requestId" in known && known.requestId !== requestId) {
        throw new Failure("CONFLICT", "this provider's id is that of another request");
      }
    }
    const decided = await deps.writer.change(requestId, (request) => {
      if (request.status !== "UNKNOWN") throw new Failure("CONFLICT", "its outcome is known");
      const context = deps.context();
      if (as.as === "not-submitted") return requeue(request, context);
      const provider = deps.providers[request.provider];
      return submitted(request, as.providerRequestId, context, provider);
    });
    if (!decided) throw new Failure("NOT_FOUND", "there is no such request");
    const { request } = decided;
    if (as.as === "not-submitted" && !isContinuation(request))
      await deps.laneScheduler.wakeUp(request.lane);
    return request;
  };

function submitted(
  request: RequestRecord,
  providerRequestId: string | undefined,
  context: DecisionContext,
  provider: ProviderClient,
): RequestRecord {
  const { nowMs, rules } = context;
  const knownId = providerRequestId ?? request.providerRequestId;
  const deadlineMs = nowMs + rules.resultTimeoutMs;
  const running = transition(request, "RUNNING", context, {
    providerRequestId: knownId,
    submittedMs: request.submittedMs ?? nowMs,
    deadlineMs,
    // Its result may be there already: the provider is asked, if it can be.
    sweepDueMs: knownId === undefined ? deadlineMs : nowMs,
    polls: 0,
  });
  return provider.startsWhenAccepted ? emitStarted(running, context) : running;
}

import type { ProviderHttpCall } from "../../providers/http-call.ts";
import { submissionSpanId, type TracingDeps, traceHeader } from "../../tracing/derived-ids.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { ProviderCalls, ProviderClients } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import type { SendOutcome } from "../state/submission-transitions.ts";
import { SEND_WITHIN_MS } from "./submitting-until.ts";

export interface SendCallDeps extends TracingDeps {
  calls: ProviderCalls;
  providerClients: ProviderClients;
  /** Whether the providers are told the trace of a submission. */
  tracesProviders?: boolean | undefined;
  context: () => DecisionContext;
}

/** A call to a provider that was made, with the number of the submission. */
export interface MadeCall {
  attempts: number;
  /** Business time. */
  startedMs: number;
  startedRealMs: number;
  endedRealMs: number;
}

/**
 * Makes the one call of a submission, if its worker still has the time for it.
 *
 * @param of.claimedAtRealMs when the request was claimed
 * @param of.leaseUntilRealMs until when this worker has the lane
 * @returns the outcome; `call` is absent where no call was made
 */
export function makeSendCall(deps: SendCallDeps) {
  return async (
    request: RequestRecord,
    call: ProviderHttpCall,
    of: { claimedAtRealMs: number; leaseUntilRealMs: number },
  ): Promise<{ sent: SendOutcome; call?: MadeCall }> => {
    const { nowMs, nowRealMs: startedRealMs, rules } = deps.context();
    // Another worker may have the lane before a call that begins now has ended.
    const outlivesLease = startedRealMs + rules.submitTimeoutMs > of.leaseUntilRealMs;
    if (outlivesLease || startedRealMs - of.claimedAtRealMs > SEND_WITHIN_MS) {
      return { sent: { kind: "notSent", code: "WORKER_FROZEN_BEFORE_SEND" } };
    }
    if (request.sealedInput !== undefined && nowMs >= (request.actionDeadlineMs ?? nowMs)) {
      return { sent: { kind: "notSent", code: "INPUT_TOO_LATE" } };
    }
    const sent = await exchange(request, traced(call, request), rules.submitTimeoutMs);
    const { attempts } = request;
    const endedRealMs = deps.context().nowRealMs;
    return { sent, call: { attempts, startedMs: nowMs, startedRealMs, endedRealMs } };
  };

  async function exchange(
    { provider, action }: RequestRecord,
    call: ProviderHttpCall,
    timeoutMs: number,
  ): Promise<SendOutcome> {
    const result = await deps.calls.send(provider, call, timeoutMs);
    if (result.kind === "notSent") return { kind: "notSent", code: result.reason };
    if (result.kind === "incomplete") return { kind: "unknown", code: result.reason };
    return deps.providerClients[provider].readSubmission(result.answer, action);
  }

  /** The call with the header that names the request's trace, where providers are told it. */
  function traced(call: ProviderHttpCall, request: RequestRecord): ProviderHttpCall {
    if (!deps.tracesProviders) return call;
    const header = traceHeader(request, deps, () => submissionSpanId(request));
    return { ...call, headers: { ...call.headers, ...header } };
  }
}

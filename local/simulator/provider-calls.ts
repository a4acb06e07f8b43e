import type { JsonAnswer, JsonRequest, NoAnswer } from "../json-server.ts";
import { type Behaviour, type CallFault, drawCallFault } from "./behaviour.ts";
import type { Change, Jobs } from "./jobs.ts";
import type { Endpoint, Handled, ProviderApi } from "./provider-api.ts";
import { withoutSecrets } from "./submissions.ts";

/** The `retry-after` of a 429, in seconds. */
const RETRY_AFTER_SECONDS = 60;

/**
 * Handles the calls to the providers with the faults of the behaviour. A response
 * is sent after the change is durable.
 */
export function makeProviderCalls(options: {
  apis: readonly ProviderApi[];
  jobs: Jobs;
  behaviour: () => Behaviour;
  nowMs: () => number;
}) {
  /** Returns undefined for a call to no provider. */
  return (request: JsonRequest): JsonAnswer | NoAnswer | undefined => {
    const call = { ...request, body: parsed(request.text), nowMs: options.nowMs() };
    for (const api of options.apis) {
      const endpoint = api.endpoint(call);
      if (!endpoint) continue;
      const fault = drawCallFault(options.behaviour());
      const handled = handle(api, endpoint, fault);
      const isLost = fault === "lostAnswer" && handled.answer.status < 300;
      const { answer, providerRequestId } = handled;
      const change: Change = { ...handled.change };
      if (endpoint.isSubmission) {
        change.submission = {
          at: new Date(call.nowMs).toISOString(),
          provider: api.provider,
          accountId: endpoint.accountId,
          path: call.path,
          body: withoutSecrets(call.body),
          status: isLost ? 0 : answer.status,
          ...(providerRequestId === undefined ? {} : { providerRequestId }),
        };
      }
      if (Object.keys(change).length > 0) options.jobs.commit(change);
      return isLost ? withheld() : answer;
    }
    return undefined;
  };
}

/** Rejected credentials come before all faults: such a call is not counted and gets no 429. */
function handle(api: ProviderApi, endpoint: Endpoint, fault: CallFault | undefined): Handled {
  if (endpoint.unauthorised) return { answer: endpoint.unauthorised };
  if (fault === "tooManyRequests") {
    const refusal = api.failed(429, api.tooManyRequests, "Too many requests: wait a while");
    const headers = { "retry-after": String(RETRY_AFTER_SECONDS) };
    return { answer: { ...refusal, headers } };
  }
  if (fault === "error") return { answer: api.failed(500, api.internalError, "Simulated error") };
  return endpoint.handle();
}

/** Simulates both a provider that hangs and a connection that breaks. */
function withheld(): NoAnswer {
  return { withheld: Math.random() < 0.5 ? "hold" : "cut" };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Each endpoint handles a body that is not JSON itself.
    return undefined;
  }
}

import type { JsonAnswer, JsonRequest, NoAnswer } from "../json-server.ts";
import { type Behaviour, type CallFault, drawCallFault } from "./behaviour.ts";
import type { Change, Jobs } from "./jobs.ts";
import type { Endpoint, Handled, ProviderApi } from "./provider-api.ts";
import { withoutSecrets } from "./submissions.ts";

/** What a 429 asks a caller to wait, in seconds. */
const RETRY_AFTER_SECONDS = 60;

/** Answers the providers' calls as the behaviour says, once what they change is durable. */
export function makeProviderCalls(options: {
  apis: readonly ProviderApi[];
  jobs: Jobs;
  behaviour: () => Behaviour;
  nowMs: () => number;
}) {
  /** `undefined` where the call is no provider's. */
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

/** A call whose credentials are not taken is not counted either: it gets no 429. */
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

/** Both are real: a provider that hangs, and a connection that breaks. */
function withheld(): NoAnswer {
  return { withheld: Math.random() < 0.5 ? "hold" : "cut" };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Each call says itself what it makes of a body that is no JSON.
    return undefined;
  }
}

import type { ProviderId } from "../../../shared/contracts/providers.ts";
import type { ProviderHttpCall } from "../../../shared/core/providers/http-call.ts";
import type { CallResult } from "../../../shared/core/requests/state/ports.ts";

type Call = (
  provider: ProviderId,
  request: ProviderHttpCall,
  timeoutMs: number,
) => Promise<CallResult>;

let call: Call | undefined;

export function receiveProviderCalls(by: Call): void {
  call = by;
}

/** Takes the place of `shared/adapters/http/http-provider-calls.ts`. */
export function makeHttpProviderCalls() {
  return {
    async send(
      provider: ProviderId,
      request: ProviderHttpCall,
      timeoutMs: number,
    ): Promise<CallResult> {
      if (!call) throw new Error("no simulation is running");
      return call(provider, request, timeoutMs);
    },
  };
}

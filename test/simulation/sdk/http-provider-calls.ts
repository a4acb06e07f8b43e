import type { ProviderHttpCall } from "../../../shared/core/providers/http-call.ts";
import type { CallResult } from "../../../shared/core/requests/state/ports.ts";

type Call = (request: ProviderHttpCall, timeoutMs: number) => Promise<CallResult>;

let call: Call | undefined;

export function receiveProviderCalls(by: Call): void {
  call = by;
}

/** Takes the place of `shared/adapters/http/http-provider-calls.ts`. */
export function makeHttpProviderCalls() {
  return {
    async send(_: string, request: ProviderHttpCall, timeoutMs: number): Promise<CallResult> {
      if (!call) throw new Error("no simulation is running");
      return call(request, timeoutMs);
    },
  };
}

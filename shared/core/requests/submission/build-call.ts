import { Failure } from "../../../contracts/failures.ts";
import { type MasterKeys, unseal } from "../../crypto/master-keys.ts";
import { parseJson } from "../../json/json.ts";
import type { ProviderHttpCall } from "../../providers/http-call.ts";
import type { Credentials, SubmitInput } from "../../providers/provider-client.ts";
import type { ProviderClients, TextStore } from "../state/ports.ts";
import type { RequestError, RequestRecord } from "../state/record.ts";
import { hasBeenSubmitted } from "../state/submission-transitions.ts";

export interface BuildCallDeps {
  texts: TextStore;
  providerClients: ProviderClients;
  masterKeys: (sealed: string) => Promise<MasterKeys>;
}

/** Returns the provider's call for the request, or why it cannot be built. @throws DEPENDENCY_DOWN */
export async function buildCall(
  deps: BuildCallDeps,
  request: RequestRecord,
  credentials: Credentials,
): Promise<{ call: ProviderHttpCall } | { error: RequestError; cause?: unknown }> {
  const provider = deps.providerClients[request.provider];
  try {
    if (hasBeenSubmitted(request)) return await buildContinuation(deps, request, credentials);
    const params = await paramsOf(deps, request);
    const { requestId, accountId, action } = request;
    return { call: provider.submitCall({ requestId, accountId, action, params }, credentials) };
  } catch (cause) {
    if (cause instanceof Failure && cause.code === "DEPENDENCY_DOWN") throw cause;
    const message = "The stored params of this request cannot be read";
    return { error: { code: "CANNOT_BE_SENT", message }, cause };
  }
}

async function buildContinuation(
  { masterKeys, providerClients }: BuildCallDeps,
  { provider, providerRequestId = "", accountId, sealedInput = "", requestId }: RequestRecord,
  credentials: Credentials,
): Promise<{ call: ProviderHttpCall } | { error: RequestError }> {
  const input = unseal(await masterKeys(sealedInput), requestId, sealedInput);
  const of = { providerRequestId, accountId, input };
  const call = providerClients[provider].continuation?.call(of, credentials);
  if (call) return { call };
  return { error: { code: "NO_CONTINUATION", message: "This provider accepts no input" } };
}

async function paramsOf(
  deps: BuildCallDeps,
  { sealedParams, params, requestId }: RequestRecord,
): Promise<SubmitInput["params"]> {
  const text = sealedParams
    ? unseal(await deps.masterKeys(sealedParams), requestId, sealedParams)
    : await deps.texts.open(params ?? { inline: "" });
  return parseJson(Buffer.from(text), "exact").value as SubmitInput["params"];
}

import { setTimeout } from "node:timers/promises";
import type { JsonAnswer, JsonRequest, NoAnswer } from "../json-server.ts";
import { type Behaviour, type CallFault, drawCallFault } from "./behaviour.ts";
import type { Change, Jobs } from "./jobs.ts";
import type { Endpoint, Handled, ProviderApi, ProviderCall } from "./provider-api.ts";
import type { Script } from "./script.ts";
import type { Facts, ScriptBook } from "./script-book.ts";
import { bytesOf, encoded, headersOf, scriptedBody } from "./scripted-content.ts";
import { withoutSecrets } from "./submissions.ts";

/** The `retry-after` of a 429, in seconds. */
const RETRY_AFTER_SECONDS = 60;

/**
 * Handles the calls to the providers, with the scripts and the faults of the
 * behaviour; a script takes precedence. A response is sent after the change is
 * durable.
 */
export function makeProviderCalls(options: {
  apis: readonly ProviderApi[];
  jobs: Jobs;
  scripts: ScriptBook;
  behaviour: () => Behaviour;
  nowMs: () => number;
}) {
  const { apis, jobs, scripts } = options;

  function commit(
    call: ProviderCall,
    of: { api: ProviderApi; endpoint: Endpoint; handled: Partial<Handled>; status: number },
  ): void {
    const { endpoint, handled } = of;
    const change: Change = { ...handled.change };
    if (endpoint.kind === "submission") {
      change.submission = {
        at: new Date(call.nowMs).toISOString(),
        provider: of.api.provider,
        accountId: endpoint.accountId,
        path: call.path,
        body: withoutSecrets(call.body),
        status: of.status,
        ...(handled.providerRequestId === undefined
          ? {}
          : { providerRequestId: handled.providerRequestId }),
      };
    }
    if (Object.keys(change).length > 0) jobs.commit(change);
  }

  /** Answers by a script, and carries the call out if the script lets it take effect. */
  async function answerByScript(
    script: Script,
    call: ProviderCall,
    { api, endpoint }: { api: ProviderApi; endpoint: Endpoint | undefined },
  ): Promise<JsonAnswer | NoAnswer> {
    const { drop = false, hang = false, delayMs = 0, body, bodyBase64, patch } = script;
    const isWithheld = hang || drop === true;
    const takesEffect = script.effect ?? (isWithheld || (script.status ?? 200) < 300);
    const handled =
      endpoint && (takesEffect || patch) && !endpoint.unauthorised
        ? endpoint.handle(givenId(api, script))
        : undefined;
    const isOwn = body === undefined && bodyBase64 === undefined;
    const status = script.status ?? (isOwn ? handled?.answer.status : undefined) ?? 200;
    if (endpoint) {
      const effective = takesEffect && handled ? handled : {};
      commit(call, { api, endpoint, handled: effective, status: isWithheld ? 0 : status });
    }
    if (delayMs > 0) await setTimeout(delayMs, undefined, { ref: false });
    if (isWithheld) return { withheld: hang ? "hold" : "cut" };
    const code = status === 429 ? api.tooManyRequests : api.internalError;
    const own =
      handled?.answer ?? (status < 400 ? { body: {} } : api.failed(status, code, "Scripted"));
    const requestId = handled?.providerRequestId ?? endpoint?.requestId;
    const content = scriptedBody(script, own.body, {
      now: new Date(call.nowMs).toISOString(),
      ...(requestId === undefined ? {} : { requestId }),
      ...(endpoint === undefined ? {} : { accountId: endpoint.accountId }),
    });
    return {
      status,
      headers: headersOf(script),
      body: encoded(bytesOf(content), script),
      isCut: drop === "mid-body",
    };
  }

  /** Returns undefined for a call to no provider. */
  return async (request: JsonRequest): Promise<JsonAnswer | NoAnswer | undefined> => {
    if (request.path.startsWith("/_control/")) return undefined;
    const call = { ...request, body: parsed(request.text), nowMs: options.nowMs() };
    const [found] = apis.flatMap((api) => {
      const endpoint = api.endpoint(call);
      return endpoint ? [{ api, endpoint }] : [];
    });
    const script = scripts.take(
      found && found.endpoint.kind !== "other" ? ["call", found.endpoint.kind] : ["call"],
      () => factsOf(call, found),
    );
    if (script) {
      const api = found?.api ?? apis.find(({ provider }) => provider === providerOf(call));
      if (api) return answerByScript(script, call, { api, endpoint: found?.endpoint });
    }
    if (!found) return undefined;
    const { api, endpoint } = found;
    const fault = drawCallFault(options.behaviour());
    const handled = handle(api, endpoint, fault);
    const isLost = fault === "lostAnswer" && handled.answer.status < 300;
    commit(call, { api, endpoint, handled, status: isLost ? 0 : handled.answer.status });
    return isLost ? withheld() : handled.answer;
  };
}

function factsOf(
  call: ProviderCall & { text: string },
  found: { api: ProviderApi; endpoint: Endpoint } | undefined,
): Facts {
  const { method, path, text } = call;
  if (!found) return { provider: providerOf(call), method, path, text };
  const { api, endpoint } = found;
  const { actions, requestId } = endpoint;
  // Reading a status changes nothing; what a submission will be answered has no state yet.
  const own = endpoint.kind === "poll" && !endpoint.unauthorised ? endpoint.handle() : undefined;
  const state = api.stateIn(own?.answer.body);
  return {
    provider: api.provider,
    method,
    path,
    text,
    actions,
    account: endpoint.accountId,
    ...(requestId === undefined ? {} : { requestId }),
    ...(state === undefined ? {} : { state }),
  };
}

/** All calls of We-Link are below one path; every other path is Linked API's. */
function providerOf({ path }: ProviderCall) {
  return path.startsWith("/api/v1/") ? "we-link" : "linked-api";
}

/** Returns the id that a script's answer assigns; a placeholder is none. */
function givenId(api: ProviderApi, { body, patch }: Script): string | undefined {
  const id = api.idIn(typeof body === "string" ? parsed(body) : (body ?? patch));
  return id?.startsWith("{") ? undefined : id;
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

import { type Operation, operations, routeKeyOf } from "../../contracts/http/operations.ts";
import { refusal, statusAndBody, timeout } from "./answer.ts";
import type { ApiCall, ApiOutcome } from "./api-call.ts";
import { type ApiHandlerDeps, makeApiHandlers } from "./api-handlers.ts";
import {
  type AuthenticateDeps,
  type Caller,
  makeAuthenticate,
  mayWrite,
  requireScope,
} from "./authentication/authenticate.ts";
import { makeFindRoute, type NoRoute, noSuchOperation } from "./find-route.ts";
import { validateCall } from "./validate-call.ts";

export type ServeApiDeps = AuthenticateDeps & ApiHandlerDeps;

const operationByRoute = new Map(operations.map((one) => [routeKeyOf(one), one]));

/**
 * Serves every operation of the HTTP API: `routeOf` finds the operation, its caller is
 * authenticated, `validateCall` validates the input, and the handler of `makeApiHandlers` with the
 * operation's id answers. A refused call has a code of `failures`; other errors are thrown.
 */
export function makeServeApi(deps: ServeApiDeps) {
  const authenticate = makeAuthenticate(deps);
  const handlers = makeApiHandlers(deps);

  async function serve(
    operation: Operation,
    call: ApiCall,
    onCaller: (caller: Caller) => void,
  ): Promise<ApiOutcome> {
    const handler = handlers[operation.operationId];
    if (!handler) throw new Error(`The operation ${operation.operationId} has no handler`);
    const caller = operation.isPublic ? undefined : await authenticate(operation, call.headers);
    if (caller) {
      onCaller(caller);
      requireScope(operation, caller);
    }
    const input = validateCall(operation, call);
    const by = {
      clientId: caller?.clientId ?? "",
      accountId: caller?.accountId ?? "",
      keyExpiresAt: caller?.expiresAt,
      ...(caller && mayWrite(caller) ? { mayWrite: true } : {}),
    };
    // `validateCall` has validated the input by the contract of this operation.
    const answer = await handler({ ...input, ...by } as never);
    return { kind: "answered", ...statusAndBody(operation, answer), keyId: caller?.keyId };
  }

  return async (received: ApiCall): Promise<ApiOutcome> => {
    const route = routeOf(received);
    if (route.kind === "none") return noSuchOperation(route);
    const { operation, call } = route;
    let caller: Caller | undefined;
    const onCaller = (known: Caller) => {
      caller = known;
    };
    try {
      return await Promise.race([serve(operation, call, onCaller), timeout(call.signal)]);
    } catch (error) {
      const known = caller && { clientId: caller.clientId, keyId: caller.keyId };
      return refusal(error, operation, known);
    }
  };
}

const findRoute = makeFindRoute(operations);

/** The operation of a call, with the call as that operation gets it. */
function routeOf(
  call: ApiCall,
): { kind: "operation"; operation: Operation; call: ApiCall } | NoRoute {
  const operation = operationByRoute.get(call.routeKey);
  if (operation) return { kind: "operation", operation, call };
  const { method = "", path = "" } = call.unmatched ?? {};
  const found = findRoute({ method, path, headers: call.headers });
  if (found.kind === "none") return found;
  return { ...found, call: { ...call, params: found.params } };
}

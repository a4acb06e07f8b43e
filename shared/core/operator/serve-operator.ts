import { Failure } from "../../contracts/failures.ts";
import type { HandlerAnswer } from "../../contracts/http/operation.ts";
import { isLook, type OperatorOperation } from "../../contracts/http/operator/operation.ts";
import { operatorOperationList } from "../../contracts/http/operator/operations.ts";
import { parseJsonOrUndefined } from "../../contracts/json-text.ts";
import { refusal, statusAndBody, timeout } from "../api/answer.ts";
import type { ApiCall, ApiOutcome } from "../api/api-call.ts";
import { makeFindRoute, noSuchOperation } from "../api/find-route.ts";
import { validateCall } from "../api/validate-call.ts";
import { type Audited, type AuditedChange, idsIn } from "../audit/audit.ts";
import {
  type AuthenticateOperatorDeps,
  makeAuthenticateOperator,
  type OperatorCaller,
  requireOperatorScope,
} from "./authenticate-operator.ts";

/** The validated input of an operation: what its contract's schemas return. */
export interface OperatorInput {
  caller: OperatorCaller;
  origin: string;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, unknown>>;
  body: Readonly<Record<string, unknown>> | undefined;
}

export type OperatorHandler = (input: never) => Promise<HandlerAnswer>;

export interface ServeOperatorDeps extends AuthenticateOperatorDeps {
  /** By operation id. */
  handlers: Readonly<Record<string, OperatorHandler>>;
  audited: Audited;
  /** The client of a connection, request or delivery that a change names; for its audit record. */
  clientOf: (params: Readonly<Record<string, string>>) => Promise<string | undefined>;
}

const findRoute = makeFindRoute(operatorOperationList);

/**
 * Serves every operation of the operator API: finds it, authenticates its caller, checks the
 * caller's scope, validates the input, and answers by the handler with the operation's id. A
 * portal link is held to its own client here, whatever the handler does. Every change is audited.
 */
export function makeServeOperator(deps: ServeOperatorDeps) {
  const authenticate = makeAuthenticateOperator(deps);

  async function serve(operation: OperatorOperation, call: ApiCall): Promise<ApiOutcome> {
    const handler = deps.handlers[operation.operationId];
    if (!handler) throw new Error(`The operation ${operation.operationId} has no handler`);
    const caller = await authenticate(call.headers);
    requireOperatorScope(operation, caller);
    const valid = validateCall(operation, call) as Omit<OperatorInput, "caller">;
    const input = { ...valid, caller, ...ofPortal(operation, caller, valid) };
    const handle = () => handler(input as never);
    const idsOf = (given: HandlerAnswer) => idsInAnswer(operation, given);
    const answer = isLook(operation)
      ? await handle()
      : await deps.audited(await changeOf(operation, input), handle, idsOf);
    const keyId = caller.kind === "operator" ? caller.keyId : undefined;
    return { kind: "answered", ...statusAndBody(operation, answer), keyId };
  }

  async function changeOf(operation: OperatorOperation, input: OperatorInput) {
    const { params, query, body = {} } = input;
    const named = typeof query.clientId === "string" ? query.clientId : params.clientId;
    const clientId = named ?? (await deps.clientOf(params).catch(() => undefined));
    return auditedChange(operation, input.caller, { ...input, body, clientId });
  }

  return async (call: ApiCall): Promise<ApiOutcome> => {
    const { method, path } = call.unmatched ?? splitRoute(call.routeKey);
    const route = findRoute({ method, path, headers: call.headers });
    if (route.kind === "none") return noSuchOperation(route);
    const { operation, params } = route;
    try {
      const serving = serve(operation, { ...call, params });
      return await Promise.race([serving, timeout(call.signal)]);
    } catch (error) {
      return refusal(error, operation, undefined);
    }
  };
}

/** The audit record of a change, before it is made. */
export function auditedChange(
  { operationId, audited = [], auditedOrigins = [] }: AuditedOperation,
  caller: OperatorCaller,
  of: {
    params: Readonly<Record<string, string>>;
    query?: Readonly<Record<string, unknown>>;
    body: Readonly<Record<string, unknown>>;
    clientId?: string | undefined;
  },
): AuditedChange {
  const { params, query = {}, body, clientId } = of;
  const details = [
    ...audited.map((name) => [name, body[name]] as const),
    ...auditedOrigins.map((name) => [`${name}Origin`, originOf(body[name])] as const),
  ].filter(([, value]) => value !== undefined);
  return {
    ...(caller.kind === "operator"
      ? { who: `operator:${caller.keyId}`, whoName: caller.name }
      : { who: `portal:${caller.clientId}` }),
    action: operationId,
    target: { ...params, ...idsInQuery(query) },
    ...(clientId === undefined ? {} : { clientId }),
    ...(details.length === 0 ? {} : { details: Object.fromEntries(details) }),
    ...(typeof body.why === "string" ? { why: body.why } : {}),
  };
}

type AuditedOperation = Pick<OperatorOperation, "operationId" | "audited" | "auditedOrigins">;

/** The ids of what an operation created, by its answer, for its audit record. */
export function idsInAnswer(
  { auditedAnswer = [] }: Pick<OperatorOperation, "auditedAnswer">,
  answer: HandlerAnswer,
): Record<string, string> {
  return typeof answer === "string" ? idsIn(parseJsonOrUndefined(answer), auditedAnswer) : {};
}

/** What the query names besides the path. The client is a member of its own in a record. */
function idsInQuery({ clientId: _, ...query }: Readonly<Record<string, unknown>>) {
  return idsIn(query, Object.keys(query));
}

/** Scheme, host and port of a URL; undefined for another text, which the handler refuses. */
function originOf(value: unknown): string | undefined {
  const origin = typeof value === "string" ? URL.parse(value)?.origin : undefined;
  // Of a URL without a host.
  return origin === "null" ? undefined : origin;
}

/**
 * Holds a portal link to its client: another client's id in the path or the query is not found,
 * and a list without one is of its own client.
 *
 * @throws NOT_FOUND
 */
function ofPortal(
  operation: OperatorOperation,
  caller: OperatorCaller,
  { params, query }: Pick<OperatorInput, "params" | "query">,
): Partial<OperatorInput> {
  if (caller.kind !== "portal") return {};
  for (const named of [params.clientId, query.clientId]) {
    if (named !== undefined && named !== caller.clientId) {
      throw new Failure("NOT_FOUND", "there is no such record");
    }
  }
  const isByQuery = params.clientId === undefined && operation.operationId !== "getMe";
  return isByQuery ? { query: { ...query, clientId: caller.clientId } } : {};
}

function splitRoute(routeKey: string) {
  const [method = "", path = ""] = routeKey.split(" ");
  return { method, path };
}

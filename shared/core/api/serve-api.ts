import { Failure, type HttpFailureCode } from "../../contracts/failures.ts";
import { IDEMPOTENCY_KEY_FORM } from "../../contracts/http/new-request.ts";
import type { HandlerAnswer, RelayedAnswer } from "../../contracts/http/operation.ts";
import { type Operation, operations, routeKeyOf } from "../../contracts/http/operations.ts";
import { limits } from "../../contracts/limits.ts";
import { type ProviderId, providerPacks } from "../../contracts/providers.ts";
import { readTraceparent, TRACEPARENT_HEADER } from "../../contracts/traceparent.ts";
import { byContract } from "../input/by-contract.ts";
import { closest } from "../input/closest.ts";
import { membersOf } from "../input/describe-issue.ts";
import { type FieldError, InvalidRequest, validate } from "../input/invalid-request.ts";
import { parseJson, parseJsonObject } from "../json/json.ts";
import type { Refusal } from "../providers/dialect.ts";
import { type ApiHandlerDeps, makeApiHandlers } from "./api-handlers.ts";
import {
  type AuthenticateDeps,
  type Caller,
  type Headers,
  makeAuthenticate,
  Unauthenticated,
} from "./authentication/authenticate.ts";
import { findRoute } from "./find-route.ts";

export type ServeApiDeps = AuthenticateDeps & ApiHandlerDeps;

export interface ApiCall {
  /** Method and path template of the contract, such as `GET /v1/events/{id}`, or `$default`. */
  routeKey: string;
  /** Of a call that no other route matched. */
  unmatched?: { method: string; path: string } | undefined;
  headers: Headers;
  params: Readonly<Record<string, string | undefined>>;
  query: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
  /** Scheme and host under which the API was called. */
  origin: string;
  /** Aborts the wait for dependencies, so that the caller gets its answer in time. */
  signal: AbortSignal;
}

export type ApiOutcome =
  /** `body` is JSON text, or the bytes of a provider's answer, and absent from a 204. */
  | {
      kind: "answered";
      status: number;
      body?: string | Uint8Array | undefined;
      /** Of a provider's answer. */
      headers?: Readonly<Record<string, string>> | undefined;
      keyId?: string | undefined;
    }
  | (Refusal & {
      kind: "refused";
      /** The caller, when the key was valid. */
      caller?: { clientId: string; keyId: string } | undefined;
      /** The provider whose protocol the call speaks: errors have that provider's shape. */
      dialect?: ProviderId | undefined;
      /** When a repeated call can succeed (real time); absent where that is not known. */
      retryAfterMs?: number | undefined;
      /** When the refused request would be submitted. */
      expectedAt?: string | undefined;
    });

/** Most bodies are settings and secrets of a few hundred bytes; new requests have their own limit. */
const MAX_BODY_BYTES = 64_000;
const MAX_REQUEST_BYTES = limits.maxParamsBytes + 4_000;

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
    if (caller) onCaller(caller);
    const input = validateCall(operation, call);
    const callerIds = { clientId: caller?.clientId ?? "", accountId: caller?.accountId ?? "" };
    // `validateCall` has validated the input by the contract of this operation.
    const answer = await handler({ ...input, ...callerIds } as never);
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
      if (!(error instanceof Failure)) throw error;
      return {
        kind: "refused",
        code: error.code as HttpFailureCode,
        detail: error.message,
        caller: caller && { clientId: caller.clientId, keyId: caller.keyId },
        errors: error instanceof InvalidRequest ? error.errors : undefined,
        operationId: operation.operationId,
        dialect: operation.dialect,
        authFailure: error instanceof Unauthenticated ? error.authFailure : undefined,
        remedy: error.remedy,
        retryAfterMs: error.retryAfterMs,
        expectedAt: error.expectedAt,
      };
    }
  };
}

/** The headers of a provider's answer that say how to read it and when to come again. */
const RELAYED_HEADERS = ["content-type", "retry-after"];

function relayed({ status, headers, body }: RelayedAnswer) {
  const kept = RELAYED_HEADERS.flatMap((name) =>
    headers[name] === undefined ? [] : [[name, headers[name]]],
  );
  return { status, body, headers: Object.fromEntries(kept) as Record<string, string> };
}

type NoRoute = Extract<ReturnType<typeof findRoute>, { kind: "none" }>;

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

/** The path is not in the texts: it may be an inbound URL, which contains a secret. */
function noSuchOperation({ allow, suggestion, dialect }: NoRoute): ApiOutcome {
  const route = { allow, suggestion };
  if (allow.length > 0) {
    const detail = `this path has ${allow.join(" and ")} only`;
    return { kind: "refused", code: "METHOD_NOT_ALLOWED", detail, dialect, route };
  }
  const hint = suggestion === undefined ? "" : `: did you mean ${suggestion}?`;
  const detail = `there is no such operation${hint}`;
  return { kind: "refused", code: "NOT_FOUND", detail, dialect, route };
}

function statusAndBody({ answer, repeatedAnswer }: Operation, given: HandlerAnswer) {
  if (typeof given !== "object") return { status: answer.status, body: given };
  if ("body" in given) return relayed(given);
  return { status: repeatedAnswer?.status ?? answer.status, body: given.repeated };
}

/** @throws REQUEST_INVALID with all invalid fields of path, query and body; BODY_TOO_LARGE, BODY_NOT_JSON */
function validateCall(operation: Operation, { params, query, body, origin, headers }: ApiCall) {
  if (operation.isPublic) return { origin };
  const isRequest = operation.takesIdempotencyKey || operation.isRelayed;
  const maxBytes = operation.maxBodyBytes ?? (isRequest ? MAX_REQUEST_BYTES : MAX_BODY_BYTES);
  if (body.byteLength > maxBytes) {
    const detail = `the body has ${body.byteLength} bytes; at most ${maxBytes} are allowed`;
    throw new Failure("BODY_TOO_LARGE", detail);
  }
  if (operation.isRelayed) {
    const { text, value } = body.byteLength === 0 ? {} : parseJson(body, "exact");
    return { origin, query, body: value, bodyText: text };
  }
  const bodySchema = operation.validatedBody ?? operation.body;
  const checked = {
    params: validate(operation.params, params),
    query: validate(operation.query, query),
    body: bodySchema
      ? validate(bodySchema, byContract(bodySchema, readBody(operation, { body, headers })))
      : { errors: [] },
  };
  const idempotencyKey = operation.takesIdempotencyKey && headers["idempotency-key"];
  const errors = [
    ...Object.values(checked).flatMap((one) => one.errors),
    ...idempotencyKeyErrors(idempotencyKey),
  ];
  if (errors.length > 0) {
    throw new InvalidRequest(
      errors.map((error, n) => (n < MAX_PLACED ? withPlace(operation, error) : error)),
    );
  }
  const outputs = Object.entries(checked).map(([part, one]) => [
    part,
    "output" in one ? one.output : undefined,
  ]);
  const traceparent = operation.takesIdempotencyKey && readTraceparent(headers[TRACEPARENT_HEADER]);
  return { origin, idempotencyKey, traceparent, ...Object.fromEntries(outputs) };
}

/** Further errors do not say where a member belongs: the cost is bounded whatever is sent. */
const MAX_PLACED = 20;

/** Says where a member that is not known belongs, if it is one of another part of the call. */
function withPlace(operation: Operation, error: FieldError): FieldError {
  if (!error.message.startsWith("is not known") || error.message.includes("did you mean")) {
    return error;
  }
  const places: [place: string, names: readonly string[]][] = [
    ["in the header", operation.takesIdempotencyKey ? ["Idempotency-Key"] : []],
    ["in the path, as", membersOf(operation.params)],
    ["in the query, as", membersOf(operation.query)],
    ["in the body, as", membersOf(operation.body)],
  ];
  for (const [place, names] of places) {
    const name = closest(error.field, names);
    if (name) return { ...error, message: `is not known here: it belongs ${place} ${name}` };
  }
  return error;
}

/** Parses the body; numbers keep every digit. @throws BODY_NOT_JSON, BODY_NOT_UTF8, BODY_TOO_DEEP */
function readBody(
  { dialect }: Operation,
  { body, headers }: Pick<ApiCall, "body" | "headers">,
): unknown {
  const takesAnyJson = dialect && providerPacks[dialect].dialect?.takesAnyJson;
  try {
    return (takesAnyJson ? parseJson : parseJsonObject)(body, "exact").value;
  } catch (error) {
    const [encoding] = /^[a-z]{1,20}$/i.exec(headers["content-encoding"] ?? "") ?? [];
    if (!(error instanceof Failure) || encoding === undefined) throw error;
    const detail = `the body has the content-encoding ${encoding}: send it without one`;
    throw new Failure(error.code, detail, { cause: error });
  }
}

function idempotencyKeyErrors(key: string | undefined): FieldError[] {
  if (key === undefined || IDEMPOTENCY_KEY_FORM.test(key)) return [];
  const message = "must be 1 to 255 printable ASCII characters without spaces";
  return [{ field: "Idempotency-Key", message }];
}

function timeout(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () =>
      reject(new Failure("DEPENDENCY_DOWN", "a dependency did not answer in time"));
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

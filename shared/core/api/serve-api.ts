import { Failure, type HttpFailureCode } from "../../contracts/failures.ts";
import {
  type Operation,
  type OperationId,
  operations,
  routeKeyOf,
} from "../../contracts/http/operations.ts";
import { limits } from "../../contracts/limits.ts";
import type { ProviderId } from "../../contracts/providers.ts";
import { check, type FieldError, InvalidRequest } from "../input/invalid-request.ts";
import { readJson, readJsonObject } from "../json/json.ts";
import { type ApiHandlerDeps, makeApiHandlers } from "./api-handlers.ts";
import {
  type AuthenticateDeps,
  type AuthFailure,
  type Headers,
  makeAuthenticate,
  Unauthenticated,
} from "./authentication/authenticate.ts";
import type { ApiHandlers, ApiInput } from "./handlers/api-operations.ts";

export type ServeApiDeps = AuthenticateDeps & ApiHandlerDeps;

export interface ApiCall {
  /** Method and path template, as the contract has them. */
  routeKey: string;
  headers: Headers;
  params: Readonly<Record<string, string | undefined>>;
  query: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
  /** Scheme and host under which the API was called. */
  origin: string;
  /** Ends the wait for every dependency: the caller is answered in time. */
  signal: AbortSignal;
}

export type ApiOutcome =
  /** `body` is JSON text, and absent from a 204. */
  | { kind: "answered"; status: number; body?: string | undefined; keyId?: string | undefined }
  | {
      kind: "refused";
      code: HttpFailureCode;
      detail: string;
      errors?: readonly FieldError[] | undefined;
      /** Of a call in a provider's own protocol: errors have that provider's shape. */
      dialect?: ProviderId | undefined;
      /** Absent where there is no such operation. */
      operationId?: OperationId | undefined;
      lacks?: AuthFailure | undefined;
    };

/** Bodies of this API are settings and secrets, a few hundred bytes, but for those of new requests. */
const MAX_BODY_BYTES = 64_000;
const MAX_REQUEST_BYTES = limits.maxParamsBytes + 4_000;

const idByRouteKey = new Map(
  Object.values(operations).map((one) => [routeKeyOf(one), one.operationId] as const),
);

/** Answers every call of the HTTP API; what it refuses has one of our codes. */
export function makeServeApi(deps: ServeApiDeps) {
  const authenticate = makeAuthenticate(deps);
  const handlers = makeApiHandlers(deps);

  async function serve(call: ApiCall): Promise<ApiOutcome> {
    const id = idByRouteKey.get(call.routeKey);
    if (id === undefined) throw new Failure("NOT_FOUND", "there is no such operation");
    const operation: Operation = operations[id];
    const caller = operation.isPublic ? undefined : await authenticate(operation, call.headers);
    const input = checkCall(operation, call);
    const body = await run(handlers, id, {
      ...input,
      clientId: caller?.clientId ?? "",
      accountId: caller?.accountId ?? "",
    });
    return { kind: "answered", status: operation.answer.status, body, keyId: caller?.keyId };
  }

  return async (call: ApiCall): Promise<ApiOutcome> => {
    try {
      return await Promise.race([serve(call), tooLate(call.signal)]);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const errors = error instanceof InvalidRequest ? error.errors : undefined;
      return {
        kind: "refused",
        code: error.code as HttpFailureCode,
        detail: error.message,
        errors,
        ...spokenOf(call.routeKey),
        lacks: error instanceof Unauthenticated ? error.lacks : undefined,
      };
    }
  };
}

/** What the words of a refusal go by. */
function spokenOf(routeKey: string) {
  const operationId = idByRouteKey.get(routeKey);
  const operation: Operation | undefined = operationId && operations[operationId];
  return { operationId, dialect: operation?.dialect };
}

function run<Id extends OperationId>(handlers: ApiHandlers, id: Id, input: unknown) {
  return handlers[id](input as ApiInput<Id>);
}

/** @throws REQUEST_INVALID with the bad fields of path, query and body together; BODY_… */
function checkCall(operation: Operation, { params, query, body, origin, headers }: ApiCall) {
  if (operation.isPublic) return { origin };
  const maxBytes = operation.takesIdempotencyKey ? MAX_REQUEST_BYTES : MAX_BODY_BYTES;
  if (body.byteLength > maxBytes) {
    throw new Failure("BODY_TOO_LARGE", `${body.byteLength} bytes; at most ${maxBytes}`);
  }
  const checked = {
    params: check(operation.params, params),
    query: check(operation.query, query),
    body: operation.body ? check(operation.body, readBody(operation, body)) : { errors: [] },
  };
  const idempotencyKey = operation.takesIdempotencyKey && headers["idempotency-key"];
  const errors = [
    ...Object.values(checked).flatMap((one) => one.errors),
    ...idempotencyKeyErrors(idempotencyKey),
  ];
  if (errors.length > 0) throw new InvalidRequest(errors);
  const outputs = Object.entries(checked).map(([part, one]) => [
    part,
    "output" in one ? one.output : undefined,
  ]);
  return { origin, idempotencyKey, ...Object.fromEntries(outputs) };
}

/** Passed on digit by digit; only Linked API takes a list. */
function readBody({ dialect }: Operation, body: Uint8Array): unknown {
  return (dialect === "linked-api" ? readJson : readJsonObject)(body, "exact").value;
}

function idempotencyKeyErrors(key: string | undefined): FieldError[] {
  if (key === undefined || /^[\x21-\x7e]{1,255}$/.test(key)) return [];
  const message = "must be 1 to 255 printable ASCII characters without spaces";
  return [{ field: "Idempotency-Key", message }];
}

function tooLate(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = () => reject(new Failure("DEPENDENCY_DOWN", "no answer in time"));
    signal.addEventListener("abort", give, { once: true });
  });
}

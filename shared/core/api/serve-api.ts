import { Failure, type HttpFailureCode } from "../../contracts/failures.ts";
import { type Operation, operations, routeKeyOf } from "../../contracts/http/operations.ts";
import { limits } from "../../contracts/limits.ts";
import { type ProviderId, providerPacks } from "../../contracts/providers.ts";
import { type FieldError, InvalidRequest, validate } from "../input/invalid-request.ts";
import { parseJson, parseJsonObject } from "../json/json.ts";
import type { AuthFailure } from "../providers/dialect.ts";
import { type ApiHandlerDeps, makeApiHandlers } from "./api-handlers.ts";
import {
  type AuthenticateDeps,
  type Headers,
  makeAuthenticate,
  Unauthenticated,
} from "./authentication/authenticate.ts";

export type ServeApiDeps = AuthenticateDeps & ApiHandlerDeps;

export interface ApiCall {
  /** Method and path template of the contract, such as `GET /v1/events/{id}`. */
  routeKey: string;
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
  /** `body` is JSON text, and absent from a 204. */
  | { kind: "answered"; status: number; body?: string | undefined; keyId?: string | undefined }
  | {
      kind: "refused";
      code: HttpFailureCode;
      detail: string;
      errors?: readonly FieldError[] | undefined;
      /** The provider whose protocol the call speaks: errors have that provider's shape. */
      dialect?: ProviderId | undefined;
      /** Absent where no operation has this route. */
      operationId?: string | undefined;
      authFailure?: AuthFailure | undefined;
    };

/** Most bodies are settings and secrets of a few hundred bytes; new requests have their own limit. */
const MAX_BODY_BYTES = 64_000;
const MAX_REQUEST_BYTES = limits.maxParamsBytes + 4_000;

const operationByRoute = new Map(operations.map((one) => [routeKeyOf(one), one]));

/** Serves every operation of the HTTP API. A refused call has a code of `failures`; other errors are thrown. */
export function makeServeApi(deps: ServeApiDeps) {
  const authenticate = makeAuthenticate(deps);
  const handlers = makeApiHandlers(deps);

  async function serve(call: ApiCall): Promise<ApiOutcome> {
    const operation = operationByRoute.get(call.routeKey);
    const handler = operation && handlers[operation.operationId];
    if (!handler) throw new Failure("NOT_FOUND", "there is no such operation");
    const caller = operation.isPublic ? undefined : await authenticate(operation, call.headers);
    const input = validateCall(operation, call);
    const callerIds = { clientId: caller?.clientId ?? "", accountId: caller?.accountId ?? "" };
    // `validateCall` has validated the input by the contract of this operation.
    const body = await handler({ ...input, ...callerIds } as never);
    return { kind: "answered", status: operation.answer.status, body, keyId: caller?.keyId };
  }

  return async (call: ApiCall): Promise<ApiOutcome> => {
    try {
      return await Promise.race([serve(call), timeout(call.signal)]);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const errors = error instanceof InvalidRequest ? error.errors : undefined;
      return {
        kind: "refused",
        code: error.code as HttpFailureCode,
        detail: error.message,
        errors,
        ...operationInfoOf(call.routeKey),
        authFailure: error instanceof Unauthenticated ? error.authFailure : undefined,
      };
    }
  };
}

/** Returns the operation and the dialect, which decide the shape of an error. */
function operationInfoOf(routeKey: string) {
  const { operationId, dialect } = operationByRoute.get(routeKey) ?? {};
  return { operationId, dialect };
}

/** @throws REQUEST_INVALID with all invalid fields of path, query and body; BODY_TOO_LARGE, BODY_NOT_JSON */
function validateCall(operation: Operation, { params, query, body, origin, headers }: ApiCall) {
  if (operation.isPublic) return { origin };
  const maxBytes = operation.takesIdempotencyKey ? MAX_REQUEST_BYTES : MAX_BODY_BYTES;
  if (body.byteLength > maxBytes) {
    throw new Failure("BODY_TOO_LARGE", `${body.byteLength} bytes; at most ${maxBytes}`);
  }
  const checked = {
    params: validate(operation.params, params),
    query: validate(operation.query, query),
    body: operation.body ? validate(operation.body, readBody(operation, body)) : { errors: [] },
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

/** Parses the body; numbers keep every digit. */
function readBody({ dialect }: Operation, body: Uint8Array): unknown {
  const takesAnyJson = dialect && providerPacks[dialect].dialect?.takesAnyJson;
  return (takesAnyJson ? parseJson : parseJsonObject)(body, "exact").value;
}

function idempotencyKeyErrors(key: string | undefined): FieldError[] {
  if (key === undefined || /^[\x21-\x7e]{1,255}$/.test(key)) return [];
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

import { Failure } from "../../contracts/failures.ts";
import { IDEMPOTENCY_KEY_FORM } from "../../contracts/http/new-request.ts";
import type { Operation } from "../../contracts/http/operations.ts";
import { limits } from "../../contracts/limits.ts";
import { providerPacks } from "../../contracts/providers.ts";
import { readTraceparent, TRACEPARENT_HEADER } from "../../contracts/traceparent.ts";
import { byContract } from "../input/by-contract.ts";
import { closest } from "../input/closest.ts";
import { membersOf } from "../input/describe-issue.ts";
import { type FieldError, InvalidRequest, validate } from "../input/invalid-request.ts";
import { parseJson, parseJsonObject } from "../json/json.ts";
import type { ApiCall } from "./api-call.ts";

/** Most bodies are settings and secrets of a few hundred bytes; new requests have their own limit. */
const MAX_BODY_BYTES = 64_000;
const MAX_REQUEST_BYTES = limits.maxParamsBytes + 4_000;

/** @throws REQUEST_INVALID with all invalid fields of path, query and body; BODY_TOO_LARGE, BODY_NOT_JSON */
export function validateCall(
  operation: Operation,
  { params, query, body, origin, headers }: ApiCall,
) {
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

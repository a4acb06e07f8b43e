import type * as z from "zod/mini";
import type { ClientScope } from "../client-scope.ts";

/** The contract of one operation of the HTTP API. */
export interface ApiOperation {
  operationId: string;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  summary: string;
  /** Needs no API key. */
  isPublic: boolean;
  /** `false` for an operation of a dialect that names no account. */
  needsAccount?: false;
  params: z.ZodMiniType<Record<string, string>>;
  query: z.ZodMiniType<Record<string, unknown>>;
  body?: z.ZodMiniType;
  /** Schema checked before the handler instead of `body`; the handler validates the rest. */
  validatedBody?: z.ZodMiniType;
  /** Absent: `MAX_REQUEST_BYTES` of `serve-api.ts` if it takes an idempotency key or is relayed, else `MAX_BODY_BYTES`. */
  maxBodyBytes?: number;
  /** Real time in which the call is answered; absent: `DEADLINE_MS`. */
  deadlineMs?: number;
  answer: { status: 200 | 201 | 202 | 204; description: string; schema?: z.ZodMiniType };
  /** The answer where the call's effect was there already; its body has the schema of `answer`. */
  repeatedAnswer?: { status: 200; description: string };
  /** Statuses of its error answers besides those that every operation with a key may have. */
  problems: readonly (404 | 409 | 422)[];
  /**
   * The call is passed to the provider as it is: its query and its body are the
   * provider's to judge, and any answer of the provider may be its answer.
   */
  isRelayed?: true;
  /** It is served for callers of an earlier version, and is not in the OpenAPI document. */
  isUndocumented?: true;
  /** The scope that a client's key needs; absent: `read` for a GET, and else `write`. */
  needsScope?: ClientScope;
  /** A call repeated with the same `Idempotency-Key` gets the same answer. */
  takesIdempotencyKey?: true;
}

/** The scope that a client's key needs for an operation. */
export function clientScopeOf({
  method,
  needsScope,
}: Pick<ApiOperation, "method" | "needsScope">): ClientScope {
  return needsScope ?? (method === "GET" ? "read" : "write");
}

/** The validated input of one operation, and who calls it. */
export interface OperationInput<Operation extends ApiOperation> {
  clientId: string;
  /** When the key of the call expires (business); absent: never. */
  keyExpiresAt?: string | undefined;
  /** The account that the caller's token names; empty where the protocol has no such token. */
  accountId: string;
  /** Present where the caller's key may change something: its scope is not `read` alone. */
  mayWrite?: true;
  /** Only for operations that take one. */
  idempotencyKey?: string | undefined;
  /** The trace of the call, where its header names one. Only for the same operations. */
  traceparent?: string | undefined;
  /** Scheme and host under which the API was called. */
  origin: string;
  params: z.output<Operation["params"]>;
  query: z.output<Operation["query"]>;
  body: Operation extends { validatedBody: infer Body extends z.ZodMiniType }
    ? z.output<Body>
    : Operation extends { body: infer Body extends z.ZodMiniType }
      ? z.output<Body>
      : unknown;
  /** The body's text; absent where the body is empty. Only for operations that are relayed. */
  bodyText?: string | undefined;
}

/** A provider's answer, which the API passes on as it is. */
export interface RelayedAnswer {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
}

/**
 * The answer's JSON text, or `undefined` for a 204; `repeated`: the text of a
 * `repeatedAnswer`; a provider's whole answer.
 */
export type HandlerAnswer = string | undefined | { repeated: string } | RelayedAnswer;

/** One handler per operation. */
export type OperationHandlers<Operations extends Readonly<Record<string, ApiOperation>>> = {
  [Id in keyof Operations]: (input: OperationInput<Operations[Id]>) => Promise<HandlerAnswer>;
};

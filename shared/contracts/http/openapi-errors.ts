import * as z from "zod/mini";
import { type ProviderId, providerPacks } from "../providers.ts";
import { referenceTo } from "./json-schema.ts";
import type { Operation } from "./operations.ts";
import { named } from "./parts.ts";

/** The body of API Gateway's own answers, which no function has made. */
export const gatewayMessage = named("GatewayMessage", z.object({ message: z.string() }));

/** The schema of a dialect's errors: `my-provider` has `MyProviderError`. */
export function dialectErrorName(dialect: ProviderId): string {
  const words = dialect.split("-").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join("")}Error`;
}

const GATEWAY = "API Gateway's own answer has a `message` alone.";

const meanings = {
  400: `The request is not valid: \`errors\` names each invalid field. ${GATEWAY}`,
  401: "The API key is missing or not valid: `detail` says which.",
  403: "The key is valid, and may not do this: `detail` names the scope that it needs.",
  404: "Not found, or it belongs to another client.",
  405: "The path does not have this method: `allow` lists those that it has.",
  409: "The resource's current state does not allow this operation, it was changed meanwhile, or the idempotency key was used with another body.",
  422: "The request is valid, and what it names does not allow it: `code` says why.",
  413: `The body is too large. ${GATEWAY}`,
  429: `Too many requests: repeat the call after \`retry-after\` seconds. ${GATEWAY}`,
  431: "The headers, the path and the query have more than 10,240 bytes together; answered by API Gateway.",
  500: `Internal error. ${GATEWAY}`,
  503: `A dependency is down: repeat the call after \`retry-after\` seconds. ${GATEWAY}`,
  504: "The provider did not answer in time; the call may have taken effect.",
} as const;

type ErrorStatus = keyof typeof meanings;

/** Statuses that API Gateway answers too, before or instead of the function. */
const answeredByGateway: readonly ErrorStatus[] = [400, 413, 429, 431, 500, 503];

const retryAfter = {
  description: "Seconds after which to repeat the call.",
  schema: { type: "integer", minimum: 1 },
};

/** The error answers of an operation, by status. */
export function errorAnswers({ isPublic, problems, body, dialect, isRelayed }: Operation) {
  const own = isPublic
    ? ([400, 429, 431, 500, 503] as const)
    : ([
        400,
        401,
        403,
        ...problems,
        ...(body ? ([413] as const) : []),
        429,
        431,
        500,
        503,
        ...(isRelayed ? ([504] as const) : []),
      ] as const);
  return Object.fromEntries(own.map((status) => [status, errorAnswer(status, dialect)]));
}

/** One error answer: a problem document or the dialect's error, and what API Gateway answers. */
export function errorAnswer(status: ErrorStatus, dialect?: ProviderId) {
  const isRepeatable = status === 429 || status === 503;
  return {
    description: meanings[status],
    ...(isRepeatable ? { headers: { "retry-after": retryAfter } } : {}),
    content: contentOf(status, dialect),
  };
}

function contentOf(status: ErrorStatus, dialect: ProviderId | undefined) {
  const gateway = { $ref: referenceTo("GatewayMessage") };
  if (status === 431) return { "application/json": { schema: gateway } };
  const isGateways = answeredByGateway.includes(status);
  if (dialect === undefined) {
    return {
      "application/problem+json": { schema: { $ref: referenceTo("Problem") } },
      ...(isGateways ? { "application/json": { schema: gateway } } : {}),
    };
  }
  const own = { $ref: referenceTo(dialectErrorName(dialect)) };
  return { "application/json": { schema: isGateways ? { anyOf: [own, gateway] } : own } };
}

/** The errors' schemas that only error answers refer to. */
export const dialectErrors = Object.values(providerPacks).flatMap(({ id, dialect }) =>
  dialect ? [{ name: dialectErrorName(id), schema: dialect.errorSchema }] : [],
);

import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { failures } from "../../shared/contracts/failures.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import type { ApiCall, ApiOutcome } from "../../shared/core/api/serve-api.ts";

/** Converts an event of API Gateway (payload format 2.0) to a call. The body may be Base64. */
export function toCall(event: APIGatewayProxyEventV2, signal: AbortSignal): ApiCall {
  const { headers, body = "", isBase64Encoded } = event;
  return {
    routeKey: event.routeKey,
    ...(event.routeKey === "$default"
      ? { unmatched: { method: event.requestContext.http.method, path: event.rawPath } }
      : {}),
    headers,
    params: event.pathParameters ?? {},
    query: event.queryStringParameters ?? {},
    body: Buffer.from(body, isBase64Encoded ? "base64" : "utf8"),
    origin: `${headers["x-forwarded-proto"] ?? "http"}://${headers.host ?? ""}`,
    signal,
  };
}

/** Responses may hold secrets that are shown once, so that no cache may store them. */
const common = { "cache-control": "no-store" };

export function toResult(outcome: ApiOutcome): APIGatewayProxyStructuredResultV2 {
  if (outcome.kind === "answered") {
    const { status: statusCode, body } = outcome;
    if (body === undefined) return { statusCode, headers: common };
    const headers = { ...common, "content-type": "application/json", ...outcome.headers };
    if (typeof body === "string") return { statusCode, headers, body };
    return {
      statusCode,
      headers,
      body: Buffer.from(body).toString("base64"),
      isBase64Encoded: true,
    };
  }
  const dialect = outcome.dialect && providerPacks[outcome.dialect].dialect;
  const status = failures[outcome.code].httpStatus;
  const { allow = [] } = outcome.route ?? {};
  return {
    statusCode: status,
    headers: {
      ...common,
      "content-type": dialect === undefined ? "application/problem+json" : "application/json",
      ...(status === 401 && dialect === undefined ? { "www-authenticate": "Bearer" } : {}),
      ...(allow.length > 0 ? { allow: allow.join(", ") } : {}),
      ...(status === 503 || status === 429 ? { "retry-after": "5" } : {}),
    },
    body: JSON.stringify(dialect ? dialect.errorBody(outcome) : problemOf(outcome)),
  };
}

function problemOf({ code, detail, errors }: Extract<ApiOutcome, { kind: "refused" }>) {
  const { httpStatus: status, title } = failures[code];
  return {
    type: "about:blank",
    title,
    status,
    // The log names the failed dependency; every 401 is the same.
    ...(status === 401 || status === 503 ? {} : { detail }),
    code,
    ...(errors ? { errors } : {}),
  };
}

import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { providerPacks } from "../contracts/providers.ts";
import type { ApiCall, ApiOutcome } from "../core/api/api-call.ts";
import { problemAnswer } from "./problem-answer.ts";

/** Converts an event of API Gateway (payload format 2.0) to a call. The body may be Base64. */
export function toCall(event: APIGatewayProxyEventV2, signal: AbortSignal): ApiCall {
  const { headers, body = "", isBase64Encoded } = event;
  return {
    routeKey: event.routeKey,
    ...(/^(\$default$|ANY )/.test(event.routeKey)
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
  const refusal = refusalOf(outcome);
  const { allow = [] } = outcome.route ?? {};
  return {
    ...refusal,
    headers: {
      ...common,
      ...refusal.headers,
      ...(allow.length > 0 ? { allow: allow.join(", ") } : {}),
    },
  };
}

/** The problem document of a refused call, or the error in the shape of its dialect. */
function refusalOf(outcome: Extract<ApiOutcome, { kind: "refused" }>) {
  const dialect = outcome.dialect && providerPacks[outcome.dialect].dialect;
  const { statusCode, headers, body } = problemAnswer(outcome);
  if (dialect === undefined) {
    const challenge = statusCode === 401 ? { "www-authenticate": "Bearer" } : {};
    return { statusCode, headers: { ...headers, ...challenge }, body };
  }
  return {
    statusCode,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(dialect.errorBody(outcome)),
  };
}

import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { failures } from "../../shared/contracts/failures.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import type { ApiCall, ApiOutcome } from "../../shared/core/api/serve-api.ts";

/** API Gateway's event (payload format 2.0) as our call. The body may come as Base64. */
export function toCall(event: APIGatewayProxyEventV2, signal: AbortSignal): ApiCall {
  const { headers, body = "", isBase64Encoded } = event;
  return {
    routeKey: event.routeKey,
    headers,
    params: event.pathParameters ?? {},
    query: event.queryStringParameters ?? {},
    body: Buffer.from(body, isBase64Encoded ? "base64" : "utf8"),
    origin: `${headers["x-forwarded-proto"] ?? "http"}://${headers.host ?? ""}`,
    signal,
  };
}

/** Answers may hold what is shown once, so that no cache may keep them. */
const common = { "cache-control": "no-store" };

export function toResult(outcome: ApiOutcome): APIGatewayProxyStructuredResultV2 {
  if (outcome.kind === "answered") {
    const { status: statusCode, body } = outcome;
    if (body === undefined) return { statusCode, headers: common };
    return { statusCode, headers: { ...common, "content-type": "application/json" }, body };
  }
  const dialect = outcome.dialect && providerPacks[outcome.dialect].dialect;
  const status = failures[outcome.code].httpStatus;
  return {
    statusCode: status,
    headers: {
      ...common,
      "content-type": dialect === undefined ? "application/problem+json" : "application/json",
      ...(status === 401 && dialect === undefined ? { "www-authenticate": "Bearer" } : {}),
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
    // Which dependency failed is for the log; a 401 says the same always.
    ...(status === 401 || status === 503 ? {} : { detail }),
    code,
    ...(errors ? { errors } : {}),
  };
}

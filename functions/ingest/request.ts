import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { failures } from "../../shared/contracts/failures.ts";
import type { IngestCommand, IngestOutcome } from "../../shared/core/inbound/ingest-webhook.ts";

/** Converts an event of API Gateway (payload format 2.0) to a command. The body may be Base64. */
export function toCommand(event: APIGatewayProxyEventV2, signal: AbortSignal): IngestCommand {
  const { provider = "", connectionId = "", token = "" } = event.pathParameters ?? {};
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  return { provider, connectionId, token, body, headers: event.headers, signal };
}

export function toResult(outcome: IngestOutcome): APIGatewayProxyStructuredResultV2 {
  if (outcome.kind !== "refused") {
    return {
      statusCode: 200,
      headers: { "content-type": "application/json" },
      body: '{"accepted":true}',
    };
  }
  const { httpStatus, title } = failures[outcome.code];
  return {
    statusCode: httpStatus,
    headers: {
      "content-type": "application/problem+json",
      ...(httpStatus === 503 ? { "retry-after": "5" } : {}),
    },
    body: JSON.stringify({
      title,
      status: httpStatus,
      code: outcome.code,
      // Only an authenticated sender sees the detail. All 401 answers are equal, and all 404 answers
      // are, so that they reveal nothing.
      ...(httpStatus === 400 || httpStatus === 413 ? { detail: outcome.detail } : {}),
    }),
  };
}

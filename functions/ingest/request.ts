import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { IngestCommand, IngestOutcome } from "../../shared/core/inbound/ingest-webhook.ts";
import { problemAnswer } from "../../shared/runtime/problem-answer.ts";

/** Converts an event of API Gateway (payload format 2.0) to a command. The body may be Base64. */
export function toCommand(event: APIGatewayProxyEventV2, signal: AbortSignal): IngestCommand {
  const { provider = "", connectionId = "", token = "" } = event.pathParameters ?? {};
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  const { sourceIp } = event.requestContext.http;
  return { provider, connectionId, token, body, headers: event.headers, sourceIp, signal };
}

export function toResult(outcome: IngestOutcome): APIGatewayProxyStructuredResultV2 {
  if (outcome.kind !== "refused") {
    return {
      statusCode: 200,
      headers: { "content-type": "application/json" },
      body: '{"accepted":true}',
    };
  }
  return problemAnswer(outcome);
}

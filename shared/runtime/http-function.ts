import middy from "@middy/core";
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";
import { logMessages } from "../contracts/log-messages.ts";
import type { Telemetry } from "./telemetry.ts";

/**
 * A function behind the HTTP API. What nobody foresaw is logged and answered as
 * 500: never 2xx, so the sender tries again.
 */
export function makeHttpFunction(
  telemetry: Telemetry,
  handle: (
    event: APIGatewayProxyEventV2,
    context: Context,
  ) => Promise<APIGatewayProxyStructuredResultV2>,
) {
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .use({
      // In braces: what a middleware returns would replace the handler's answer.
      after: () => {
        telemetry.flush();
      },
      onError: (request) => {
        const error = request.error ?? undefined;
        telemetry.log("error", logMessages.httpRequestFailed, error ? { error } : {});
        telemetry.flush();
        request.response = {
          statusCode: 500,
          headers: { "content-type": "application/problem+json" },
          body: '{"title":"Not accepted: try again later","status":500}',
        };
      },
    })
    .handler(handle);
}

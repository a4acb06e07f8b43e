import middy from "@middy/core";
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";
import { failures } from "../contracts/failures.ts";
import { logMessages } from "../contracts/log-messages.ts";
import type { Telemetry } from "./telemetry.ts";
import { telemetryMiddleware } from "./telemetry-middleware.ts";

/** A function behind the HTTP API. Answers 500 when `handle` throws, so that the sender retries. */
export function makeHttpFunction(
  telemetry: Telemetry,
  handle: (
    event: APIGatewayProxyEventV2,
    context: Context,
  ) => Promise<APIGatewayProxyStructuredResultV2>,
) {
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .use({
      onError: (request) => {
        request.response = internalError;
      },
    })
    .use(telemetryMiddleware(telemetry, logMessages.httpRequestFailed))
    .handler(handle);
}

const { httpStatus: status, title } = failures.INTERNAL_ERROR;

const internalError: APIGatewayProxyStructuredResultV2 = {
  statusCode: status,
  headers: { "content-type": "application/problem+json" },
  body: JSON.stringify({ type: "about:blank", title, status, code: "INTERNAL_ERROR" }),
};

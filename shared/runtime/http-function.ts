import middy from "@middy/core";
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";
import { logMessages } from "../contracts/log-messages.ts";
import { problemAnswer } from "./problem-answer.ts";
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
        request.response = problemAnswer({ code: "INTERNAL_ERROR", detail: "" });
      },
    })
    .use(telemetryMiddleware(telemetry, logMessages.httpRequestFailed))
    .handler(handle);
}

import middy from "@middy/core";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { logMessages } from "../contracts/log-messages.ts";
import type { Telemetry } from "./telemetry.ts";
import { telemetryMiddleware } from "./telemetry-middleware.ts";

/**
 * A function behind a queue. `handle` returns the records that must stay in the
 * queue; when it throws, all of them stay.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function makeQueueFunction(
  telemetry: Telemetry,
  handle: (records: SQSRecord[], context: Context) => Promise<SQSRecord[]>,
) {
  return middy<SQSEvent, SQSBatchResponse>()
    .use(telemetryMiddleware(telemetry, logMessages.batchFailed))
    .handler(async (event, context) => {
      const failed = await handle(event.Records, context);
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });
}

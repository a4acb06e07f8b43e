import middy from "@middy/core";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { logMessages } from "../contracts/log-messages.ts";
import type { Telemetry } from "./telemetry.ts";

/**
 * A function behind a queue. `handle` answers with the records that must stay in
 * the queue; if it throws, all of them do.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function makeQueueFunction(
  telemetry: Telemetry,
  handle: (records: SQSRecord[], context: Context) => Promise<SQSRecord[]>,
) {
  return middy<SQSEvent, SQSBatchResponse>()
    .use({
      // In braces: what a middleware returns would replace the handler's answer.
      after: () => {
        telemetry.flush();
      },
      onError: (request) => {
        const error = request.error ?? undefined;
        telemetry.log("error", logMessages.batchFailed, error ? { error } : {});
        telemetry.flush();
      },
    })
    .handler(async (event, context) => {
      const failed = await handle(event.Records, context);
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });
}

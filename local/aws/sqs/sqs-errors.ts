import { AwsError } from "../protocol.ts";

/**
 * The codes of SQS's older protocol where they differ. The SDK prefers them:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
 */
const queryCodes: Record<string, string> = {
  QueueDoesNotExist: "AWS.SimpleQueueService.NonExistentQueue",
  QueueNameExists: "QueueAlreadyExists",
};
for (const code of [
  "BatchEntryIdsNotDistinct",
  "BatchRequestTooLong",
  "EmptyBatchRequest",
  "InvalidBatchEntryId",
  "MessageNotInflight",
  "PurgeQueueInProgress",
  "TooManyEntriesInBatchRequest",
  "UnsupportedOperation",
]) {
  queryCodes[code] = `AWS.SimpleQueueService.${code}`;
}

export function sqsError(code: string, message: string): AwsError {
  const headers = { "x-amzn-query-error": `${queryCodes[code] ?? code};Sender` };
  return new AwsError(`com.amazonaws.sqs#${code}`, message, { headers });
}

/** Runs an action of fauxqs and converts its errors to `AwsError`. */
export function translated(run: () => unknown): unknown {
  const translate = (error: unknown): never => {
    const { code, message, queryErrorHeader } = error as Record<string, unknown>;
    if (typeof queryErrorHeader !== "string") throw error;
    throw sqsError(String(code), String(message));
  };
  try {
    const result = run();
    return result instanceof Promise ? result.catch(translate) : result;
  } catch (error) {
    return translate(error);
  }
}

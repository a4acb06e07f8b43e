import type { MessageAttributeValue } from "@aws-sdk/client-sqs";
import { sqsError } from "./sqs-errors.ts";

/**
 * Rejects what SQS rejects and fauxqs does not.
 *
 * <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
 *
 * @throws AwsError for an attribute without a type that SQS knows, or with an empty value
 */
export function assertMessageAttributes(attributes: unknown): void {
  for (const [name, value] of Object.entries((attributes ?? {}) as Attributes)) {
    const { DataType = "", StringValue, BinaryValue } = value;
    if (!/^(String|Number|Binary)(\.|$)/.test(DataType)) {
      throw sqsError(
        "InvalidParameterValue",
        `The type of message (user) attribute '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
      );
    }
    if ((StringValue ?? BinaryValue ?? "").length === 0) {
      throw sqsError(
        "InvalidParameterValue",
        `Message (user) attribute '${name}' must contain a non-empty value of type '${DataType}'.`,
      );
    }
  }
}

type Attributes = Record<string, MessageAttributeValue>;

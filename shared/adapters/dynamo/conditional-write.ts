import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { callDependency } from "../dependency-down.ts";

/**
 * Runs a write whose condition may fail.
 *
 * @returns the write's response, or the existing item when the condition failed. The existing
 *   item is `undefined` where there is none, or where the write does not request `ALL_OLD`.
 * @throws DEPENDENCY_DOWN; the write may or may not be applied
 */
export async function conditionalWrite<Written>(
  operation: string,
  write: () => Promise<Written>,
): Promise<{ written: Written } | { existing: Record<string, unknown> | undefined }> {
  return callDependency(`DynamoDB ${operation}`, async () => {
    try {
      return { written: await write() };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { existing: error.Item && unmarshall(error.Item) };
    }
  });
}

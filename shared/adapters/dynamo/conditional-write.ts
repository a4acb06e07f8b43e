import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { callDependency } from "../dependency-down.ts";

/**
 * Runs a write that asks for `ALL_OLD` on a failed condition.
 *
 * @returns what it gave, or the item that the condition met: `undefined` when there was none
 * @throws DEPENDENCY_DOWN; the write may or may not be applied
 */
export async function conditionalWrite<Written>(
  operation: string,
  write: () => Promise<Written>,
): Promise<{ written: Written } | { met: Record<string, unknown> | undefined }> {
  return callDependency(`DynamoDB ${operation}`, async () => {
    try {
      return { written: await write() };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { met: error.Item && unmarshall(error.Item) };
    }
  });
}

import * as z from "zod/mini";
import type { InvokeResult } from "../lambda/invoke-result.ts";

const responseSchema = z.nullish(
  z.object({
    batchItemFailures: z.nullish(
      z.array(z.object({ itemIdentifier: z.string().check(z.minLength(1)) })),
    ),
  }),
);

/**
 * Which messages of a batch go back to the queue, as Lambda reads a function's
 * answer: a failure of the function, and an answer that it cannot make sense of,
 * fail the whole batch; no answer, or an empty list, fails none.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 *
 * @returns the failed ids and, where the whole batch failed, why
 */
export function failedMessages(
  result: InvokeResult,
  options: { messageIds: string[]; reportsFailures: boolean },
): { ids: Set<string>; reason?: string } {
  const { messageIds, reportsFailures } = options;
  const all = (reason: string) => ({ ids: new Set(messageIds), reason });
  if (result.functionError) return all(result.functionError.errorType);
  if (!reportsFailures) return { ids: new Set() };
  const parsed = responseSchema.safeParse(result.payload);
  if (!parsed.success) return all("its answer is no batch response");
  const ids = (parsed.data?.batchItemFailures ?? []).map((failure) => failure.itemIdentifier);
  const isKnown = ids.every((id) => messageIds.includes(id));
  return isKnown
    ? { ids: new Set(ids) }
    : all("its answer names a message that is not in the batch");
}

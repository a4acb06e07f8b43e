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
 * Returns which messages of a batch failed, as Lambda interprets the response of
 * a function: a function error and an invalid response fail the whole batch; no
 * response, or an empty list, means that none failed.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 *
 * @returns the failed ids and, when the whole batch failed, the reason
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
  if (!parsed.success) return all("its response is not a batch response");
  const ids = (parsed.data?.batchItemFailures ?? []).map((failure) => failure.itemIdentifier);
  const isKnown = ids.every((id) => messageIds.includes(id));
  return isKnown
    ? { ids: new Set(ids) }
    : all("its response names a message that is not in the batch");
}

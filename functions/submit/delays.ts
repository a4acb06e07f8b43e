import type { SQSRecord } from "aws-lambda";
import { parseJsonOrUndefined } from "../../shared/contracts/json-text.ts";
import { type SubmitMessage, submitMessage } from "../../shared/contracts/messages/submit.ts";
import type { SubmitBatchResult } from "../../shared/core/requests/submission/handle-submit-messages.ts";

/**
 * Returns how late (business milliseconds) each submission of a batch was: from the time at which
 * its lane was due, by the messages that started the work, to the call to the provider. The time in
 * which a gap, a limit, hours, a pause or another request's hold kept it waiting is before that. A
 * submission without such a message is not measured.
 */
export function submissionDelays(
  { accepted, submissions }: Pick<SubmitBatchResult, "accepted" | "submissions">,
  records: readonly Pick<SQSRecord, "body">[],
): number[] {
  const messages = records.flatMap(
    ({ body }) => submitMessage.safeParse(parseJsonOrUndefined(body)).data ?? [],
  );
  return submissions.flatMap((submission) => {
    if (submission.kind !== "attempted" || !submission.call) return [];
    const { request, call } = submission;
    const due = [
      ...messages.flatMap((message) => dueOf(message, request)),
      ...accepted.flatMap(({ request: { lane, joinedMs } }) =>
        lane === request.lane && joinedMs !== undefined ? [joinedMs] : [],
      ),
    ].filter((ms) => ms <= call.startedMs);
    return due.length === 0 ? [] : [call.startedMs - Math.max(...due)];
  });
}

/** When a message says that this request's lane, or the request itself, was due. */
function dueOf(
  message: SubmitMessage,
  {
    lane,
    requestId,
    scheduledMs,
  }: { lane: string; requestId: string; scheduledMs?: number | undefined },
): number[] {
  if (message.kind === "wakeUp" && message.lane === lane) return [message.dueMs ?? []].flat();
  return message.kind === "due" && message.requestId === requestId
    ? [scheduledMs ?? []].flat()
    : [];
}

import type { DecisionContext } from "../state/decision-context.ts";
import type { ReferenceStore } from "../state/ports.ts";

/**
 * Longest real time between the write that claims a request and its sending. A
 * worker that was frozen in between does not send.
 */
export const SEND_WITHIN_MS = 5_000;

/** Real time for storing the answer, while webhooks wait to be joined with the request. */
const ANSWER_MARGIN_MS = 5_000;

/** Real time that a submission needs in addition to the call itself. The lease must be longer than both. */
export const SUBMISSION_MARGIN_MS = SEND_WITHIN_MS + ANSWER_MARGIN_MS;

/** Added to the time that is written, so that the next submissions of this process need no write. */
const SUBMITTING_UNTIL_AHEAD_MS = 10_000;

/**
 * Records until when (real time) a submission may be in flight on a connection. A
 * webhook that matches no request waits until then.
 */
export function makeExtendSubmittingUntil(references: ReferenceStore) {
  /** The latest time that this process wrote, by connection. */
  const writtenUntilRealMs = new Map<string, number>();

  return async (connectionId: string, { rules, nowRealMs }: DecisionContext): Promise<void> => {
    const neededMs = nowRealMs + rules.submitTimeoutMs + SUBMISSION_MARGIN_MS;
    if ((writtenUntilRealMs.get(connectionId) ?? 0) >= neededMs) return;
    const untilRealMs = neededMs + SUBMITTING_UNTIL_AHEAD_MS;
    await references.extendSubmittingUntil(connectionId, untilRealMs);
    writtenUntilRealMs.set(connectionId, untilRealMs);
  };
}

import type { DecisionContext } from "../state/decision-context.ts";
import { postponeTimeout, timeoutError } from "../state/endings.ts";
import { isTerminal, type RequestRecord } from "../state/record.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { type CancelAtProviderDeps, cancelAtProvider } from "./cancel-at-provider.ts";
import type { PollAvailability, Polled, PollRequest } from "./poll-request.ts";

/** What a poll right before showed. */
export interface LastPoll {
  /** `skipped`: there was none, because the provider answers nothing or asks to wait. */
  kind: PollAvailability["kind"] | "skipped";
  /** When the provider may be asked again (business); a time that has passed: at once. */
  againMs: number;
}

export interface TimeoutVerdict {
  /** `end`: it times out now. `continue`: it has ended by itself, still runs, or the provider is asked again later. */
  verdict: "end" | "cancelled" | "continue";
  /** Present where the provider was polled. */
  polled?: Polled;
}

export type CancelBeforeTimeout = ReturnType<typeof makeCancelBeforeTimeout>;

/**
 * Asks the provider to cancel a running request before it ends by its time limit, so that the
 * provider does not carry out what the client was told had failed. A provider that refuses,
 * because it runs the request or has ended it, is polled again, and that answer counts. One that
 * gives no clear answer is asked again later, a limited number of times.
 *
 * A crash at any point is safe: the request stays as it is, and the next run begins anew. A
 * provider that has cancelled it says so again, or reports that it has ended.
 */
export function makeCancelBeforeTimeout(
  deps: CancelAtProviderDeps & {
    writer: RequestWriter;
    pollRequest: PollRequest;
    context: () => DecisionContext;
    onNonFatalError: (error: unknown) => void;
  },
) {
  /** @returns `end` if the timeout was postponed as often as allowed */
  async function postpone({ requestId }: RequestRecord, againMs: number): Promise<TimeoutVerdict> {
    let isLast = false;
    await deps.writer.change(requestId, (now) => {
      const context = deps.context();
      isLast = false;
      if (now.status !== "RUNNING" || !timeoutError(now, context)) return undefined;
      const later = postponeTimeout(now, context, againMs);
      isLast = later === undefined;
      return later;
    });
    return { verdict: isLast ? "end" : "continue" };
  }

  return async (request: RequestRecord, { kind, againMs }: LastPoll): Promise<TimeoutVerdict> => {
    if (request.status !== "RUNNING" || kind === "notAsked") return { verdict: "end" };
    if (kind !== "answered") return postpone(request, againMs);
    const answer = await cancelAtProvider(deps, request).catch((error: unknown) => {
      deps.onNonFatalError(error);
      return "unknown" as const;
    });
    switch (answer) {
      case "cancelled":
        return { verdict: "cancelled" };
      case "impossible":
      case "paused":
        return { verdict: "end" };
      case "unknown":
        return postpone(request, againMs);
      case "refused": {
        const polled = await deps.pollRequest(request);
        const goesOn = isTerminal(polled.request) || !timeoutError(polled.request, deps.context());
        return {
          ...(goesOn ? { verdict: "continue" } : await postpone(polled.request, againMs)),
          polled,
        };
      }
    }
  };
}

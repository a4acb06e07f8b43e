import type { Request } from "./api-types.ts";
import type { CallOptions } from "./call.ts";
import { startDeadline } from "./waiting.ts";

export interface WaitOptions {
  /** Ends the wait; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Default: five minutes. */
  timeoutMs?: number | undefined;
  /** What to wait for. Default: the request has ended, or a person must act. */
  until?: ((request: Request) => boolean) | undefined;
}

const settled: readonly Request["status"][] = [
  "SUCCEEDED",
  "FAILED",
  "CANCELLED",
  "ACTION_REQUIRED",
];

/** A request's pace is minutes: reading it more often than every ten seconds gains nothing. */
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 10_000;

export async function waitForRequest(
  get: (requestId: string, options: CallOptions) => Promise<Request>,
  requestId: string,
  options: WaitOptions = {},
): Promise<Request> {
  const { timeoutMs = 300_000, until = ({ status }) => settled.includes(status) } = options;
  const deadline = startDeadline(timeoutMs, options.signal, `${requestId} has not ended`);
  try {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LAST_PAUSE_MS)) {
      const request = await get(requestId, {
        signal: deadline.signal,
        timeoutMs: Math.max(1, deadline.remainingMs()),
      });
      if (until(request)) return request;
      await deadline.wait(pauseMs * (0.8 + Math.random() * 0.4));
    }
  } catch (error) {
    throw deadline.reasonOf(error);
  } finally {
    deadline.close();
  }
}

import type { MessageFailure } from "../message-failure.ts";
import type { PublishResult } from "./ports.ts";

/** Returns the failure of an event that is not on the bus. */
export function toPublishFailure(
  result: Exclude<PublishResult, { ok: true }> | undefined,
): MessageFailure {
  const code = result?.isFinal ? "PUBLISH_REFUSED" : "PUBLISH_FAILED";
  const detail = result?.reason ?? "EventBridge returned no result for this event";
  return { kind: "failed", code, detail };
}

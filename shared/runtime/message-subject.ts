import { parseJsonOrUndefined } from "../contracts/json-text.ts";
import type { LogFields } from "./telemetry.ts";

const ids = [
  "clientId",
  "connectionId",
  "provider",
  "requestId",
  "deliveryId",
  "webhookId",
] as const satisfies (keyof LogFields)[];

/** Form of every id: nothing else of a message may get into a log. */
const ID = /^[\w-]{1,64}$/;

/**
 * Returns the ids that the body of a queue message has at its top level, for the log line of a
 * message that was not processed. Accepts any text.
 */
export function subjectOf(body: string): LogFields {
  const message = parseJsonOrUndefined(body);
  if (typeof message !== "object" || message === null) return {};
  const fields = message as Record<string, unknown>;
  return Object.fromEntries(
    ids.flatMap((name) => {
      const value = fields[name];
      return typeof value === "string" && ID.test(value) ? [[name, value]] : [];
    }),
  );
}

import { randomUUID } from "node:crypto";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { needsPin, requestedFailure, WRONG_PASSWORD } from "./magic-values.ts";

/** The content of a webhook and of `get_response`, without the request id. */
export type WeLinkOutcome = { status: string } & JsonObject;

/** Returns the outcome of an action that ends at a business time. */
export function weLinkOutcome(action: string, body: JsonObject, atMs: number): WeLinkOutcome {
  const failure = requestedFailure(body);
  if (failure !== undefined) return { status: "FAILED", error: failure };
  if (action.startsWith("login")) {
    if (body.password === WRONG_PASSWORD) return { status: "FAILED", error: "WRONG_PASSWORD" };
    const email = textOr(body.email, "jane.doe@example.com");
    return needsPin(email) ? pinPrompt() : loggedIn(email);
  }
  return { status: "SUCCESS", result: resultOf(action, body, atMs) };
}

/** Always the same object, because the provider repeats its prompt unchanged. */
export function pinPrompt(): WeLinkOutcome {
  return {
    status: "PIN_REQUIRED",
    message: "Please provide the verification code sent to the user",
  };
}

export function loggedIn(email: string): WeLinkOutcome {
  return {
    status: "SUCCESS",
    result: {
      first_name: "Jane",
      last_name: "Doe",
      profile_id: "jane-doe-123",
      public_identifier: "jane-doe-public",
      premium: true,
      occupation: "Software Engineer",
      email,
    },
  };
}

function resultOf(action: string, body: JsonObject, atMs: number): JsonObject {
  const profileId = textOr(body.profile_id, "target-user-456");
  if (action === "connect") return { connected: true, profile_id: profileId };
  if (action.startsWith("send_")) {
    return {
      thread_id: textOr(body.thread_id, `thread-${profileId}`),
      message_id: `message-${randomUUID()}`,
      sent_at: new Date(atMs).toISOString(),
    };
  }
  return { done: true };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}

import { randomUUID } from "node:crypto";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { askedFailure, needsPin, WRONG_PASSWORD } from "./magic-values.ts";

/** What a webhook and `get_response` say of a request, but for its id. */
export type WeLinkOutcome = { status: string } & JsonObject;

/** What comes of an action that ends at a business time. */
export function weLinkOutcome(action: string, body: JsonObject, atMs: number): WeLinkOutcome {
  const asked = askedFailure(body);
  if (asked !== undefined) return { status: "FAILED", error: asked };
  if (action.startsWith("login")) {
    if (body.password === WRONG_PASSWORD) return { status: "FAILED", error: "WRONG_PASSWORD" };
    const email = textOr(body.email, "jane.doe@example.com");
    return needsPin(email) ? pinPrompt() : loggedIn(email);
  }
  return { status: "SUCCESS", result: resultOf(action, body, atMs) };
}

/** The same each time: a provider that asks again says nothing else. */
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

import { type Defect, defect, defectOf } from "./defect.ts";

const dependency = "shared/core/requests/state/dependency.ts";
const events = "shared/core/requests/dependencies/dependency-events.ts";
const settle = "shared/core/requests/dependencies/settle-dependent.ts";
const firing = "shared/core/requests/recurring/fire-recurring.ts";
const batchKey = "shared/core/requests/acceptance/batch-key.ts";

/** Defects of batches, of requests that depend on others, of recurring requests, and of Linked API. */
export const sequenceDefects: readonly Defect[] = [
  defect(
    "any-end-is-success",
    "G7: a request that depends on the success of another one is sent when that one fails",
    dependency,
    'isMet = dependsOn.on === "event" ? eventMs !== undefined : status === "SUCCEEDED"',
    'isMet = dependsOn.on === "event" ? eventMs !== undefined : finishedMs < nowMs',
  ),
  defect(
    "delay-forgotten",
    "G7: a dependent request is sent without its delay",
    settle,
    "Math.max(createdMs, metMs + dependsOn.afterMs)",
    "Math.max(createdMs, metMs)",
  ),
  defect(
    "event-of-anyone",
    "G4, G7, G12: a request waits for an event of another type",
    events,
    "type: event, sinceMs: eventSinceMs, ancestorKeys",
    'type: event && "message.reply", sinceMs: eventSinceMs, ancestorKeys',
  ),
  defectOf(
    "reply-not-looked-for",
    "G9: a request is sent although a reply was acknowledged",
    [
      events,
      "if (dependsOn?.unless === undefined) return undefined;\n    const ancestors",
      "if (dependsOn?.unless !== null) return undefined;\n    const ancestors",
    ],
    [
      dependency,
      "return dependsOn?.unless !== undefined && (status",
      "return dependsOn === null && (status",
    ],
  ),
  defect(
    "expires-at-once",
    "G4: a dependent request ends before its time is over",
    dependency,
    "return nowMs >= dependsOn.untilMs",
    "return nowMs >= dependsOn.untilMs - 30_000",
  ),
  defect(
    "firing-has-no-key",
    "G3: a firing that is delivered twice makes two requests",
    firing,
    "await deps.acceptRequest({ ...newRequestOf(item), idempotencyKey, expiresRealMs });",
    "await deps.acceptRequest(newRequestOf(item));",
  ),
  defect(
    "batch-key-forgotten",
    "G3: a repeated batch makes its requests again",
    batchKey,
    "if (idempotencyKey === undefined) return undefined;",
    "if (idempotencyKey !== null) return undefined;",
  ),
  defect(
    "refused-cancel-is-cancelled",
    "G4: a request is cancelled that its provider goes on with",
    "shared/providers/linked-api/answers.ts",
    'return result.cancelled === false ? "refused" : "unknown";',
    'return "cancelled";',
  ),
  defect(
    "linked-api-rate-limit-is-unknown",
    "G4, G5: a 429 of Linked API leaves the outcome unknown, and its account goes on",
    "shared/providers/linked-api/answers.ts",
    'if (answer.status === 429) return { kind: "rateLimited", ...retryAfterOf(answer) };\n  if (error',
    "if (error",
  ),
  defect(
    "label-not-read",
    "G4: an outcome whose submission got no answer does not find its request",
    "shared/providers/linked-api/requests.ts",
    "labels.find((label) => /^rq_",
    "labels.slice(1).find((label) => /^rq_",
  ),
  defect(
    "watchers-not-told",
    "G12: an event releases a request only at the end of its time",
    "shared/core/inbound/match-webhooks.ts",
    "await notifyWatchers(deps, webhook);",
    "",
  ),
  defect(
    "dependents-not-told",
    "G12: a request is not released when the other one has succeeded",
    "shared/core/requests/state/tell-dependents.ts",
    ".filter(isTerminal)",
    ".filter((request) => !isTerminal(request))",
  ),
  defect(
    "batch-reversed",
    "G5: the requests of a batch are submitted in the reverse order",
    "shared/core/requests/acceptance/accept-batch.ts",
    "members[n] ?? unexpected(n)",
    "members[places.length - 1 - n] ?? unexpected(n)",
  ),
  defect(
    "earlier-event-counts",
    "G7: an event from before the other request releases a request",
    events,
    "type: event, sinceMs: eventSinceMs, ancestorKeys",
    "type: event, sinceMs: 0, ancestorKeys",
  ),
];

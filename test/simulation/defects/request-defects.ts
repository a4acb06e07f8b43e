// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code
import { type Defect, defect, defectOf } from "./defect.ts";

const submit = "shared/core/requests/submission/submit-request.ts";
const send = "shared/core/requests/submission/send-call.ts";
const moves = "shared/core/requests/state/submission-transitions.ts";
const head = "shared/core/requests/lanes/lane-head.ts";
const state = "shared/core/requests/state/request-state.ts";
const endings = "shared/core/requests/state/endings.ts";
const outboxes = "shared/core/requests/state/publish-outboxes.ts";
const inOrder = "shared/core/requests/state/publish-in-order.ts";
const store = "shared/adapters/dynamo/dynamo-request-store.ts";
const steps = "shared/core/requests/sweep-steps.ts";
const accept = "shared/core/requests/acceptance/store-request.ts";
const join = "shared/core/requests/lanes/join-when-due.ts";

/** Defects of requests and their sweeps. */
export const requestDefects: readonly Defect[] = [
  defect(
    "unknown-is-sent-again",
    "G3, G4, G8: an unknown outcome returns the request to its lane",
    moves,
    "const { nowMs, rules } = context;\n  const deadlineMs = nowMs + rules.unknownTimeoutMs;",
    "if (context) return returnToPreviousState(request, context, {});\n  const { nowMs, rules } = context;\n  const deadlineMs = nowMs + rules.unknownTimeoutMs;",
  ),
  defect(
    "no-answer-is-not-sent",
    "G3, G4, G8: a call without an answer counts as not sent",
    send,
    'return { kind: "unknown", code: result.reason };',
    'return { kind: "notSent", code: result.reason };',
  ),
  defect(
    "not-sent-is-unknown",
    "G4: a call that was not sent counts as unknown",
    send,
    'if (result.kind === "notSent") return { kind: "notSent", code: result.reason };',
    'if (result.kind === "notSent") return { kind: "unknown", code: result.reason };',
  ),
  defect(
    "server-error-is-not-sent",
    "G3: a 5xx counts as proof that nothing happened",
    "shared/providers/we-link/answers.ts",
    "default:\n      return unknown(answer);",
    'default:\n      return { kind: "rateLimited" };',
  ),
  defect(
    "rate-limit-ends",
    "G4, G5: a 429 ends the request, and its account goes on",
    "shared/providers/we-link/answers.ts",
    'if (answer.status === 429) return { kind: "rateLimited", ...retryAfterOf(answer) };\n  const error',
    "const error",
  ),
  defect(
    "request-not-claimed",
    "G3, G4: a request is sent without a claim",
    submit,
    "const claimed = await writer.replace(claimForSubmission(request, claim, claimContext));",
    "const claimed = claimForSubmission(request, claim, claimContext);",
  ),
  // The message of a schedule looks at the time, and so does the join: a schedule that fires early
  // breaks nothing by itself.
  defectOf(
    "scheduled-is-due",
    "G7: a request whose schedule fires early joins at once",
    [
      join,
      'return status === "SCHEDULED" && scheduledMs <= nowMs;',
      'return status === "SCHEDULED" && scheduledMs <= nowMs + 86_400_000;',
    ],
    [
      "shared/core/requests/submission/handle-submit-messages.ts",
      "const delayMs = scheduledMs - deps.context().nowMs;",
      "const delayMs = Math.min(0, scheduledMs - deps.context().nowMs);",
    ],
  ),
  defect(
    "overdue-not-joined",
    "G12: the sweep leaves a request whose schedule has not fired",
    steps,
    'if (request.status === "SCHEDULED") return joinOverdue(request);',
    'if (request.status === "SCHEDULED") return undefined;',
  ),
  defect(
    "terminal-changes",
    "G4, G11: a failure does not count as an end",
    "shared/core/requests/state/record.ts",
    'const terminalStatuses: readonly RequestStatus[] = ["SUCCEEDED", "FAILED", "CANCELLED"];',
    'const terminalStatuses: readonly RequestStatus[] = ["SUCCEEDED", "CANCELLED"];',
  ),
  defect(
    "version-ignored",
    "G2, G3, G4, G12: a write replaces another one unseen",
    store,
    'ConditionExpression: "version = :read",\n',
    'ConditionExpression: "attribute_exists(id) AND (version = :read OR version <> :read)",\n',
  ),
  defect(
    "end-without-event",
    "G2: a request fails without its event",
    endings,
    "return withOutboxEvents(ended, context, event);",
    "return event ? ended : ended;",
  ),
  defect(
    "cancel-keeps-outbox",
    "G9: a cancel leaves the outbox as it is",
    endings,
    'return transition(request, "CANCELLED", context, { outbox: [] });',
    'return transition(request, "CANCELLED", context, {});',
  ),
  defect(
    "outbox-not-recovered",
    "G2, G12: nobody takes over the outbox of a crashed writer",
    state,
    "return first !== undefined && nowRealMs - first.sinceRealMs >= rules.outboxGraceMs;",
    "return first !== undefined && nowRealMs - first.sinceRealMs >= rules.outboxGraceMs * 1e6;",
  ),
  // The index shows an outbox after its writer's time, and the sweep looks at that time again.
  defectOf(
    "outbox-taken-over-at-once",
    "G2: the sweep publishes what its writer publishes",
    [
      state,
      "return first !== undefined && nowRealMs - first.sinceRealMs >= rules.outboxGraceMs;",
      "return first !== undefined && nowRealMs >= rules.outboxGraceMs;",
    ],
    [
      state,
      "first && first.sinceRealMs + rules.outboxGraceMs,",
      "first && first.sinceRealMs - rules.outboxGraceMs,",
    ],
  ),
  defect(
    "everybody-publishes",
    "G2: every worker publishes an outbox",
    state,
    "return (first.claimedInVersion ?? first.version) === version;",
    "return version > 0;",
  ),
  defect(
    "accepted-publishes-claimed",
    "G2: the message of the acceptance publishes a claimed outbox",
    state,
    'if (trigger === "accepted") return first.version === 1 && first.claimedInVersion === undefined;',
    'if (trigger === "accepted") return first.version > 0;',
  ),
  defect(
    "outbox-emptied",
    "G2: unpublished events are removed",
    outboxes,
    "return outbox.filter(({ id }) => !done.has(id));",
    "return done.size > 0 ? [] : outbox;",
  ),
  defect(
    "outbox-not-removed",
    "G2, G12: published events stay in the outbox",
    outboxes,
    "return outbox.filter(({ id }) => !done.has(id));",
    "return done.size > 0 ? outbox : [];",
  ),
  defect(
    "events-out-of-order",
    "G2: the events of a request are published in any order",
    inOrder,
    "return [...byWrite.values()];",
    "return [...byWrite.values()].reverse();",
  ),
  defect(
    "held-up-not-kept",
    "G2: an event is published although the one before it was not",
    inOrder,
    "else tried.isHeldUp = true;",
    "else tried.isHeldUp = false;",
  ),
  defect(
    "unknown-not-polled",
    "G4, G12: the sweep asks no provider",
    steps,
    'const request = await findDue(entry.requestId ?? "");\n          if (!request) return undefined;',
    'const request = await findDue(entry.requestId ?? "");\n          if (request || !request) return undefined;',
  ),
  // The sweep finds the request, and so does the next worker of its lane.
  defectOf(
    "crashed-sender-not-recovered",
    "G12: a request whose sender crashed stays SUBMITTING",
    [
      steps,
      "if (sendingUntilRealMs <= context.nowRealMs) return markUnknown(claimed, context);",
      "",
    ],
    [
      head,
      "if (sendingUntilRealMs > nowRealMs) return { untilMs: nowMs + SUBMITTING_MS };",
      "if (sendingUntilRealMs > 0) return { untilMs: nowMs + SUBMITTING_MS };",
    ],
  ),
  // A call looks its key up, and the write that reserves the key is conditional.
  defectOf(
    "key-not-remembered",
    "G3: a repeated call makes a second request",
    [
      "shared/core/requests/acceptance/idempotency.ts",
      "return isStored(known) ? { storedRequest: known } : { callKey: { clientId, key, digest, entry } };",
      "return { callKey: { clientId, key, digest, entry: known && undefined } };",
    ],
    [
      "shared/adapters/dynamo/dynamo-idempotency.ts",
      '"attribute_not_exists(id) OR attribute_not_exists(holders) OR expiresAt <= :now";',
      '"attribute_not_exists(id) OR attribute_exists(id) OR expiresAt <= :now";',
    ],
  ),
  defect(
    "accepted-not-stored",
    "G1, G3: a request is accepted before it is stored",
    accept,
    "const created = await deps.writer.create(withCreatedEvent(queued, context));",
    "const created = await deps.writer.create(withCreatedEvent(queued, context)).catch(() => ({ isCreated: true, request: queued }));",
  ),
];

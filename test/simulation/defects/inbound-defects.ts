// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code
import { type Defect, defect, defectOf } from "./defect.ts";

const claims = "shared/adapters/dynamo/dynamo-event-claims.ts";
const publish = "shared/core/events/publish-claimed.ts";
const ingest = "shared/core/inbound/ingest-webhook.ts";
const consume = "shared/core/inbound/consume-webhooks.ts";
const publisher = "shared/adapters/eventbridge-publisher.ts";

/** Defects between the receipt of a webhook and its event. */
export const inboundDefects: readonly Defect[] = [
  defect(
    "ack-without-queue",
    "G1, G2: the ack does not wait for the queue",
    ingest,
    "deps.queue.send(message, signal),",
    "void deps.queue.send(message, signal).catch(() => undefined),",
  ),
  defect(
    "ack-never-queued",
    "G1, G2: a webhook is acked and not queued",
    ingest,
    "deps.queue.send(message, signal),",
    "undefined,",
  ),
  defect(
    "signature-not-checked",
    "G10: a wrong signature is accepted",
    ingest,
    'if (verification.kind === "invalid") {\n    if (settings.signature',
    'if (verification.kind === "nothing" as never) {\n    if (settings.signature',
  ),
  defect(
    "seen-is-done",
    "G1, G12: a claim without a lease: a crash loses the event",
    claims,
    'if (seen.status === "PUBLISHED") {',
    "if (seen.status) {",
  ),
  // Either the look at the lease or the condition of the write keeps a live claim.
  defectOf(
    "claim-ignores-lease",
    "G2: a live claim is taken over",
    [
      claims,
      'return untilMs > clock.realMs() ? { kind: "held", untilMs } : undefined;',
      'return untilMs === -1 ? { kind: "held", untilMs } : undefined;',
    ],
    [
      claims,
      '"#status = :claimed AND (leaseUntilMs <= :now OR #owner = :owner)"',
      '"#status = :claimed AND (leaseUntilMs <> :now OR #owner = :owner)"',
    ],
  ),
  defect(
    "claim-not-conditional",
    "G2: a copy of an event replaces it and is published again",
    claims,
    'ConditionExpression: "attribute_not_exists(id) OR expiresAt <= :now",',
    'ConditionExpression: "attribute_not_exists(id) OR attribute_exists(id) OR expiresAt <= :now",',
  ),
  defect(
    "ack-on-in-progress",
    "G1, G12: a message whose event another worker holds is acked",
    consume,
    'return { kind: "failed", code: "CLAIM_HELD", detail, eventId, retryAtMs: result.untilMs };',
    'return { kind: "duplicate", eventId: detail && eventId, contentDiffers: false };',
  ),
  defect(
    "complete-before-publish",
    "G1, G6: an event is recorded as published before it is",
    publish,
    "const results = await deps.publisher.publish(events);",
    "await Promise.all(events.map((one) => deps.claims.complete(one.id, owner)));\n  const results = await deps.publisher.publish(events);",
  ),
  defect(
    "failed-entries-ignored",
    "G1, G2, G6: an entry that the bus refused counts as published",
    publisher,
    "if (entry?.EventId !== undefined && entry.ErrorCode === undefined) return { ok: true };",
    "if (entry) return { ok: true };",
  ),
  defect(
    "bus-error-ignored",
    "G1, G2, G6: a call of the bus that failed counts as published",
    publisher,
    "return batch.map(() => ({ ok: false, reason, isFinal }));",
    "return batch.map(() => (reason ? { ok: true } : { ok: false, reason, isFinal }));",
  ),
  defect(
    "failures-swallowed",
    "G1, G11, G12: messages that failed are acked",
    "functions/consume/records.ts",
    'outcome.kind === "failed"',
    'outcome.kind === "nothing" as never',
  ),
  defect(
    "unreadable-is-acked",
    "G11: a message that cannot be read is acked",
    "functions/consume/records.ts",
    'outcome.kind === "failed"',
    'outcome.kind === "failed" && outcome.code !== "MESSAGE_MALFORMED"',
  ),
  defect(
    "event-id-of-receipt",
    "G2: each copy of a webhook makes an event of its own",
    "shared/core/events/event-id.ts",
    'return parts.join(":");',
    'return [...parts, String(Math.random())].join(":");',
  ),
  defect(
    "other-bytes",
    "G2: a second publish has other bytes",
    publish,
    "const results = await deps.publisher.publish(events);",
    'const results = await deps.publisher.publish(events.map((one) => ({ ...one, envelope: one.envelope.replace("{", `{"at":${Math.random()},`) })));',
  ),
  defect(
    "duplicates-in-batch",
    "G2: two copies in one batch are both published",
    consume,
    "if (first) duplicates.push({ ...one, first });",
    "if (first) firstById.set(`${one.event.id}#${one.index}`, one);",
  ),
  defect(
    "webhook-not-matched",
    "G2, G4: webhooks end no request",
    "shared/core/inbound/match-webhooks.ts",
    "const update = { event, numbersAsText, hasWaited, ...(raw ? { raw } : {}) };",
    "if (event) return Promise.resolve(undefined);\n  const update = { event, numbersAsText, hasWaited, ...(raw ? { raw } : {}) };",
  ),
];

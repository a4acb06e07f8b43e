import type { EventType } from "../../shared/contracts/events.ts";
import type { WaitsFor } from "../../shared/contracts/http/request-view.ts";
import type { DeliveryStatus, RequestStatus } from "../../shared/contracts/statuses.ts";

/** The words that filters offer. The types make a word of the API that is missing here an error. */

const listOf = <Word extends string>(words: Readonly<Record<Word, unknown>>): readonly Word[] =>
  Object.keys(words) as Word[];

export const statuses = listOf<RequestStatus>({
  SCHEDULED: 1,
  QUEUED: 1,
  SUBMITTING: 1,
  RUNNING: 1,
  ACTION_REQUIRED: 1,
  UNKNOWN: 1,
  SUCCEEDED: 1,
  FAILED: 1,
  CANCELLED: 1,
});

export const deliveryStatuses = listOf<DeliveryStatus>({
  waiting: 1,
  delivering: 1,
  delivered: 1,
  failed: 1,
  cancelled: 1,
});

export const waitWords: Readonly<Record<WaitsFor, string>> = {
  schedule: "its time",
  dependency: "another request",
  pace: "the account's pace",
  hours: "the account's hours",
  budget: "the account's budget",
  lane: "those before it",
  account_paused: "a paused account",
  connection_paused: "a paused connection",
  provider: "the provider",
};

export const waits = listOf(waitWords);

export const eventTypes = listOf<EventType>({
  "workflow.created": 1,
  "workflow.started": 1,
  "workflow.actionRequired": 1,
  "workflow.completed": 1,
  "workflow.lateResult": 1,
  "account.active": 1,
  "account.reconnectionRequired": 1,
  "account.frozen": 1,
  "account.deleted": 1,
  "message.reply": 1,
  "message.sent": 1,
  "connection.accepted": 1,
  "connection.added": 1,
  "connection.requestReceived": 1,
  "webhook.test": 1,
  "event.unrecognised": 1,
  "delivery.failed": 1,
  "webhook.disabled": 1,
});

import type { FunctionName } from "../../shared/contracts/env.ts";
import { logMessages } from "../../shared/contracts/log-messages.ts";

/** A query that CloudWatch Logs Insights offers under the stack's name. */
export interface SavedQuery {
  /** What it answers. */
  name: string;
  /** The functions whose logs it reads, or the API's access log. */
  logs: readonly (FunctionName | "access")[];
  /** In the language of Logs Insights, one command a line. A test compares its fields and messages with the code. */
  lines: readonly string[];
}

const all: readonly FunctionName[] = [
  "api",
  "operator",
  "ingest",
  "consume",
  "submit",
  "deliver",
  "reconcile",
];

const isMessage = (...messages: (keyof typeof logMessages)[]) =>
  messages.map((one) => `message = "${logMessages[one]}"`).join(" or ");

/** What the runbooks ask of the logs. */
export const savedQueries: readonly SavedQuery[] = [
  {
    name: "refused webhooks by connection",
    logs: ["ingest"],
    lines: [
      `filter ${isMessage("webhookRejected", "webhookQuarantined")}`,
      "stats count(*) as webhooks, max(@timestamp) as newest by connectionId, provider, clientId, code",
      "sort webhooks desc",
    ],
  },
  {
    name: "failed deliveries by webhook",
    logs: ["deliver"],
    lines: [
      `filter ${isMessage("deliveryFailed")}`,
      "stats count(*) as deliveries, max(@timestamp) as newest by webhookId, clientId, code, detail",
      "sort deliveries desc",
    ],
  },
  {
    name: "failing attempts by webhook",
    logs: ["deliver"],
    lines: [
      `filter ${isMessage("deliveryWaiting", "endpointCircuitOpened")}`,
      "stats count(*) as attempts, max(@timestamp) as newest by webhookId, clientId, code",
      "sort attempts desc",
    ],
  },
  {
    name: "longest waits in lanes by connection",
    logs: ["submit"],
    lines: [
      "filter ispresent(LaneWait)",
      "stats max(LaneWait) as seconds, latest(requestId) as newest by connectionId, provider, clientId",
      "sort seconds desc",
    ],
  },
  {
    name: "submissions that were not accepted",
    logs: ["submit"],
    lines: [
      `filter ${isMessage("submissionRejected", "submissionRateLimited", "submissionCredentialsRefused", "submissionForbidden", "submissionAccountBlocked", "submissionTemporarilyUnavailable", "submissionNotSent", "submissionOutcomeUnknown", "requestEndedUnsubmitted")}`,
      "stats count(*) as requests, latest(requestId) as newest by message, code, provider, connectionId",
      "sort requests desc",
    ],
  },
  {
    name: "refused API calls by client",
    logs: ["api"],
    lines: [
      `filter ${isMessage("apiCallRejected")}`,
      "stats count(*) as calls, max(@timestamp) as newest by clientId, code, detail",
      "sort calls desc",
    ],
  },
  {
    name: "one request (put its id in)",
    logs: all,
    lines: [
      'filter requestId = "rq_…"',
      "fields @timestamp, service, level, message, code, detail, deliveryId, eventId",
      "sort @timestamp asc",
    ],
  },
  {
    name: "failures by code",
    logs: all,
    lines: [
      'filter level in ["WARN", "ERROR"]',
      "stats count(*) as lines, max(@timestamp) as newest by service, message, code",
      "sort lines desc",
    ],
  },
  {
    name: "answers of the API by route",
    logs: ["access"],
    lines: [
      "stats count(*) as calls, pct(responseLatencyMs, 50) as p50, pct(responseLatencyMs, 99) as p99 by routeKey, status",
      "sort calls desc",
    ],
  },
];

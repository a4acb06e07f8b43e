import type { OperationName } from "./call-operation.ts";
import { type Follow, followRecovery, followRedrive, followRelease } from "./follow.ts";

/** A command that calls one operation of the operator API, and shows its answer. */
export interface OperationCommand {
  words: string;
  operation: OperationName;
  /** The operation where the optional positional argument is given too. */
  operationOfOne?: OperationName;
  /** It also runs when only its first word is given. */
  isDefault?: true;
  /** Values of the operation that stand on the command line without an option; `[name]`: optional. */
  positionals?: readonly string[];
  /** The member of the answer that has the rows. Default: `items`. */
  rows?: string;
  /** The members of a row that the table shows; absent: every member of the answer, one a line. */
  columns?: readonly string[];
  /** The operation starts long work: waits for its end, unless `--no-wait` is given. */
  follow?: Follow;
  /** Without `ackwire` and the command's words. */
  examples: readonly string[];
}

/**
 * The commands over the operator API, as data: their options, help and checks come from the
 * contract of the operation.
 */
export const operationCommands: readonly OperationCommand[] = [
  {
    words: "find",
    operation: "find",
    positionals: ["id"],
    columns: ["kind", "id", "status", "title", "clientId", "clientName", "requestId"],
    examples: ["rq_64835e7c", "wf-64835e7c-1f0a-4f63-9b1d-0d1d8a5d3c42"],
  },
  {
    words: "requests list",
    operation: "listRequests",
    isDefault: true,
    columns: [
      ...["createdAt", "requestId", "status", "provider", "accountId", "action"],
      ...["waitReason", "expectedAt", "error.code"],
    ],
    examples: ["", "--status FAILED --since 2026-12-01T00:00:00Z", "--account 1234 --json"],
  },
  { words: "requests show", operation: "getRequest", positionals: ["requestId"], examples: ["ID"] },
  {
    words: "requests cancel",
    operation: "cancelRequest",
    positionals: ["requestId"],
    examples: ['ID --why "asked for by the customer"'],
  },
  {
    words: "requests resolve",
    operation: "resolveRequest",
    positionals: ["requestId"],
    examples: ["ID --as not-submitted", "ID --as submitted --provider-request-id PROVIDERS_ID"],
  },
  {
    words: "accounts list",
    operation: "listAccounts",
    isDefault: true,
    columns: [
      ...["clientId", "accountId", "provider", "status", "pausedBecause", "pausedUntil"],
      ...["preset", "pace", "connectionId"],
    ],
    examples: ["", "--client cl_64835e7c"],
  },
  {
    words: "accounts show",
    operation: "getAccount",
    positionals: ["accountId"],
    examples: ["1234 --client cl_64835e7c"],
  },
  ...["pause", "resume"].map((verb) => ({
    words: `accounts ${verb}`,
    operation: `${verb}Account` as OperationName,
    positionals: ["accountId"],
    examples: ["1234 --client cl_64835e7c"],
  })),
  {
    words: "budget",
    operation: "getAccount",
    positionals: ["accountId"],
    rows: "budget.limits",
    columns: ["category", "per", "used", "max", "left", "availableAt"],
    examples: ["1234 --client cl_64835e7c"],
  },
  {
    words: "events list",
    operation: "listEvents",
    isDefault: true,
    columns: [
      ...["listedAt", "type", "id", "data.eventType", "data.status", "data.accountId"],
      "data.requestId",
    ],
    examples: ["", "--type workflow.completed --limit 100"],
  },
  { words: "events show", operation: "getEvent", positionals: ["id"], examples: ["ID"] },
  {
    words: "deliveries list",
    operation: "listDeliveries",
    isDefault: true,
    columns: [
      ...["createdAt", "id", "eventType", "status", "reason", "cycle", "nextAttemptAt"],
      ...["webhookId", "clientId"],
    ],
    examples: ["--status failed", "--event EVENT_ID"],
  },
  { words: "deliveries show", operation: "getDelivery", positionals: ["id"], examples: ["ID"] },
  {
    words: "deliveries resend",
    operation: "resendDelivery",
    positionals: ["id"],
    examples: ["ID"],
  },
  {
    words: "webhook list",
    operation: "listWebhooks",
    isDefault: true,
    columns: [
      ...["clientId", "id", "url", "status", "health.circuit", "health.consecutiveFailures"],
      ...["waiting", "failed", "nextAttemptAt", "last.httpStatus", "last.error"],
    ],
    examples: [""],
  },
  ...["test", "disable", "enable"].map((verb) => ({
    words: `webhook ${verb}`,
    operation: `${verb}Webhook` as OperationName,
    examples: ["--client cl_64835e7c"],
  })),
  {
    words: "webhook move",
    operation: "moveWebhook",
    positionals: ["url"],
    examples: ['https://example.com/hooks --client cl_64835e7c --why "the old host is gone"'],
  },
  {
    words: "webhook recover",
    operation: "recoverDeliveries",
    follow: followRecovery,
    examples: ["--client cl_64835e7c --since 2026-12-01T00:00:00Z"],
  },
  {
    words: "webhook recovery",
    operation: "getRecovery",
    positionals: ["recoveryId"],
    examples: ["ID --client cl_64835e7c"],
  },
  {
    words: "connections list",
    operation: "listConnections",
    isDefault: true,
    columns: [
      ...["clientId", "connectionId", "provider", "status", "pausedBecause", "hasCredentials"],
      ...["signature", "hashForms", "refused.count", "refused.reason"],
    ],
    examples: [""],
  },
  {
    words: "connections show",
    operation: "getConnection",
    positionals: ["connectionId"],
    examples: ["cn_64835e7c"],
  },
  ...["pause", "resume"].map((verb) => ({
    words: `connections ${verb}`,
    operation: `${verb}Connection` as OperationName,
    positionals: ["connectionId"],
    examples: ["cn_64835e7c"],
  })),
  {
    words: "quarantine list",
    operation: "listQuarantine",
    isDefault: true,
    positionals: ["connectionId"],
    columns: ["at", "key"],
    examples: ["cn_64835e7c"],
  },
  {
    words: "quarantine release",
    operation: "releaseQuarantine",
    follow: followRelease,
    positionals: ["connectionId"],
    examples: ["cn_64835e7c"],
  },
  {
    words: "clients list",
    operation: "listClients",
    isDefault: true,
    columns: ["clientId", "name", "createdAt"],
    examples: [""],
  },
  {
    words: "clients show",
    operation: "getClient",
    positionals: ["clientId"],
    examples: ["cl_64835e7c"],
  },
  { words: "clients create", operation: "createClient", examples: ['--name "our product"'] },
  {
    words: "clients portal-link",
    operation: "createPortalLink",
    positionals: ["clientId"],
    examples: ["cl_64835e7c"],
  },
  {
    words: "keys list",
    operation: "listClientKeys",
    isDefault: true,
    columns: ["keyId", "scopes", "createdAt", "lastUsedAt", "expiresAt", "revokedAt"],
    examples: ["--client cl_64835e7c"],
  },
  {
    words: "keys create",
    operation: "createClientKey",
    examples: ["--client cl_64835e7c --scopes read"],
  },
  {
    words: "keys revoke",
    operation: "revokeClientKey",
    positionals: ["keyId"],
    examples: ["KEY_ID --client cl_64835e7c"],
  },
  {
    words: "dlq list",
    operation: "listDeadLetterQueues",
    isDefault: true,
    columns: ["queue", "messages", "inFlight", "isRedrivable"],
    examples: [""],
  },
  {
    words: "dlq show",
    operation: "listDeadLetters",
    operationOfOne: "getDeadLetter",
    positionals: ["queue", "[messageId]"],
    columns: ["messageId", "sentAt", "receives", "bytes", "about", "clientId", "subjectId"],
    examples: ["inbound", "inbound MESSAGE_ID"],
  },
  {
    words: "dlq redrive",
    operation: "redriveDeadLetters",
    follow: followRedrive,
    operationOfOne: "redriveDeadLetter",
    positionals: ["queue", "[messageId]"],
    examples: ["inbound", "inbound MESSAGE_ID"],
  },
  {
    words: "lanes",
    operation: "listLanes",
    columns: [
      ...["clientId", "accountId", "provider", "waiting", "isHeld", "oldestSince"],
      ...["nextSubmissionNotBefore", "pausedBecause", "isStuck"],
    ],
    examples: [""],
  },
  {
    words: "queues list",
    operation: "listQueues",
    isDefault: true,
    columns: ["name", "waiting", "inFlight", "delayed", "deadLetters"],
    examples: [""],
  },
  {
    words: "alarms",
    operation: "listAlarms",
    columns: ["state", "severity", "name", "since", "description", "runbook"],
    examples: ["--stage prod"],
  },
  {
    words: "settings",
    operation: "getSettings",
    columns: ["name", "value", "isDefault"],
    examples: ["--stage prod"],
  },
  {
    words: "recurring list",
    operation: "listRecurring",
    isDefault: true,
    columns: ["clientId", "recurringId", "status", "accountId", "action", "every"],
    examples: [""],
  },
  ...["pause", "resume"].map((verb) => ({
    words: `recurring ${verb}`,
    operation: `${verb}Recurring` as OperationName,
    positionals: ["recurringId"],
    examples: ["ID --client cl_64835e7c"],
  })),
  {
    words: "audit",
    operation: "listAudit",
    columns: ["at", "who", "whoName", "action", "target", "outcome", "why"],
    examples: ["--limit 100"],
  },
];

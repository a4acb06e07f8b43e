import type { AwsCall } from "../fakes/aws-fault-proxy.ts";
import type { ScenarioName } from "../scenarios/delivery-scenarios.ts";

/** One call to AWS that a function makes in a scenario. */
export interface DeliveryCall {
  scenario: ScenarioName;
  from: "deliver" | "reconcile" | "api";
  operation: string;
  /** Texts that only this call of the operation contains. */
  which: readonly string[];
  /** Number of equal calls that the scenario makes before it. */
  after?: number;
  /** If it fails permanently, the sweep repairs it, 20 s later. */
  isRepairedBySweep?: true;
  /** It records the result of a POST: if it fails, the POST is made again. */
  isRecord?: true;
}

const DELIVERIES = "AckwireDeliveriesTable";
const CONFIG = "AckwireConfigTable";
const EVENTS = "AckwireEventsTable";
const ATTEMPTS = "AckwireAttemptsQueue";
const RETRIES = "AckwireRetriesQueue";

const delivery = (status: string) => [DELIVERIES, `"status":{"S":"${status}"}`, `"dl_`];
const IS_NEW = "attribute_not_exists";
const IS_NEXT = "version = :read";
const HAS_UNPUBLISHED = '"unpublishedFailures":{"L":[{';
const IS_PUBLISHED = '"unpublishedFailures":{"L":[]}';

const INPUTS = ["webhook#", "health#"];
const CREATES = [...delivery("waiting"), IS_NEW];
/** The first attempt stores and claims the delivery. */
const CLAIMS_NEW = [...delivery("delivering"), IS_NEW];
const ACQUIRES_SLOT = ['"entity":{"S":"health"}', '"slots":{"M":{"'];
const RELEASES_SLOT = ['"entity":{"S":"health"}', '"slots":{"M":{}}'];
const CLAIMS = ["claimsOfAttempt = claimsOfAttempt + :one"];
const DELIVERED = [...delivery("delivered"), IS_NEXT];
const RETRIED = [...delivery("waiting"), IS_NEXT, '"claimsOfAttempt":{"N":"0"}'];
const FAILS = [...delivery("failed"), HAS_UNPUBLISHED];
const PUBLISHES_FAILURE = ["delivery.failed:"];
const ARCHIVES = [EVENTS, "delivery.failed:"];
const RECORDS_PUBLISHED = [...delivery("failed"), IS_PUBLISHED];
const ATTEMPT_MESSAGE = [RETRIES, '\\"attempt\\"'];
const JOB = [RETRIES, '\\"job\\"'];
const CREATES_JOB = ['"entity":{"S":"job"}', IS_NEW];
const SAVES_JOB = ['"entity":{"S":"job"}', IS_NEXT, '"status":{"S":"done"}'];
const RESTARTS_JOB = ['"entity":{"S":"job"}', IS_NEXT, '"status":{"S":"running"}'];
const FINDS_JOB = [DELIVERIES, '"job_'];
const FINDS = [DELIVERIES, '"dl_'];
const FINDS_WEBHOOK = ["webhook#"];
const WRITES_WEBHOOK = [CONFIG, "webhook#"];
const LISTS = [DELIVERIES, '"IndexName":"byClient"'];
const READS_LISTED = [DELIVERIES, '"dl_'];
const CLAIMS_EVENT = [EVENTS, "webhook.disabled:"];
const PUBLISHES_DISABLED = ["webhook.disabled:"];
const RECORDS_EVENT = [EVENTS, "publishedBy"];
const POSTPONES = ["SET dueAt = :due"];
const DELIVERING = delivery("delivering");
/** Before it publishes, the sweep moves the entry to a later time. */
const MOVES_TO_LATER = [...FAILS, IS_NEXT];

type Rest = Omit<DeliveryCall, "scenario" | "from" | "operation" | "which">;
const by =
  (from: DeliveryCall["from"]) =>
  (
    scenario: ScenarioName,
    ...calls: readonly (readonly [operation: string, which: readonly string[], rest?: Rest])[]
  ): DeliveryCall[] =>
    calls.map(([operation, which, rest]) => ({ scenario, from, operation, which, ...rest }));
const deliver = by("deliver");
const reconcile = by("reconcile");
const api = by("api");

const repaired = { isRepairedBySweep: true } as const;
const record = { isRecord: true } as const;

/** All calls of the functions, each once, in the shortest scenario that contains it. */
export const deliveryCalls: readonly DeliveryCall[] = [
  ...api("is registered", ["GetItem", FINDS_WEBHOOK], ["PutItem", WRITES_WEBHOOK]),
  ...deliver(
    "is delivered",
    ["BatchGetItem", INPUTS],
    ["PutItem", CREATES],
    ["SendMessageBatch", ATTEMPT_MESSAGE],
    ["BatchGetItem", INPUTS, { after: 1 }],
    ["PutItem", ACQUIRES_SLOT],
    ["UpdateItem", CLAIMS],
    ["PutItem", DELIVERED, record],
    ["PutItem", RELEASES_SLOT],
  ),
  ...deliver(
    "is delivered promptly",
    ["SendMessageBatch", [ATTEMPTS]],
    ["BatchGetItem", INPUTS, { after: 1 }],
    ["PutItem", CLAIMS_NEW],
    ["PutItem", DELIVERED, record],
  ),
  ...deliver("is large", ["PutObject", ["/deliveries/"]], ["GetObject", ["/deliveries/"]]),
  ...deliver(
    "fails for good",
    ["PutItem", RETRIED, record],
    ["SendMessageBatch", ATTEMPT_MESSAGE, { after: 1, ...repaired }],
    ["PutItem", FAILS, record],
  ),
  ...reconcile(
    "fails for good",
    ["UpdateItem", POSTPONES, repaired],
    ["SendMessageBatch", ATTEMPT_MESSAGE, repaired],
  ),
  ...deliver(
    "answers 410",
    ["PutItem", CREATES_JOB],
    ["PutItem", WRITES_WEBHOOK],
    ["SendMessageBatch", JOB],
  ),
  ...deliver(
    "comes while disabled",
    ["PutItem", FAILS],
    ["PutEvents", PUBLISHES_FAILURE],
    ["BatchWriteItem", ARCHIVES],
    ["PutItem", RECORDS_PUBLISHED],
  ),
  ...api(
    "disabled while one waits",
    ["PutItem", CREATES_JOB],
    ["PutItem", WRITES_WEBHOOK],
    ["SendMessageBatch", JOB],
  ),
  ...deliver(
    "disabled while one waits",
    ["GetItem", FINDS_JOB],
    ["GetItem", FINDS_WEBHOOK],
    ["PutItem", CLAIMS_EVENT],
    ["PutEvents", PUBLISHES_DISABLED],
    ["UpdateItem", RECORDS_EVENT],
    ["Query", LISTS],
    ["BatchGetItem", READS_LISTED],
    ["PutItem", FAILS],
    ["PutItem", SAVES_JOB],
  ),
  ...deliver("deleted while one waits", ["PutItem", delivery("cancelled")]),
  ...api("is recovered", ["PutItem", CREATES_JOB], ["SendMessageBatch", JOB]),
  ...deliver(
    "is recovered",
    ["PutItem", RETRIED],
    ["SendMessageBatch", ATTEMPT_MESSAGE, repaired],
    ["PutItem", SAVES_JOB],
  ),
  ...deliver(
    "is recovered to another webhook",
    ["GetItem", [EVENTS]],
    ["PutItem", CREATES, repaired],
  ),
  ...api(
    "is sent again",
    ["GetItem", FINDS],
    ["PutItem", RETRIED],
    ["SendMessageBatch", ATTEMPT_MESSAGE, repaired],
  ),
  ...api("is a test", ["PutItem", CREATES], ["SendMessageBatch", ATTEMPT_MESSAGE, repaired]),
];

type First = "throttle" | "reset-after" | "crash-after";

type AfterFault = readonly [first: DeliveryCall, then: DeliveryCall, first: First];

const after = (first: DeliveryCall[], fault: First, then: DeliveryCall[]): AfterFault[] =>
  then.flatMap((one) => first.map((it) => [it, one, fault] as const));

/** Calls that are made only after a first fault. */
export const callsAfterFault: readonly AfterFault[] = [
  // A claimed attempt whose worker stopped.
  ...after(
    deliver("is delivered", ["UpdateItem", CLAIMS]),
    "crash-after",
    deliver("is delivered", ["UpdateItem", CLAIMS, { after: 1 }]),
  ),
  // A delivery whose first attempt may or may not have stored it.
  ...after(
    deliver("is delivered promptly", ["PutItem", CLAIMS_NEW]),
    "reset-after",
    deliver("is delivered promptly", ["UpdateItem", CLAIMS]),
  ),
  // A failure that its writer could not publish.
  ...after(
    deliver("comes while disabled", ["PutEvents", PUBLISHES_FAILURE]),
    "throttle",
    reconcile(
      "comes while disabled",
      ["GetItem", FINDS],
      ["PutItem", MOVES_TO_LATER],
      ["PutEvents", PUBLISHES_FAILURE],
      ["BatchWriteItem", ARCHIVES],
      ["PutItem", RECORDS_PUBLISHED],
    ),
  ),
  // A job whose message was lost.
  ...after(
    api("disabled while one waits", ["SendMessageBatch", JOB]),
    "throttle",
    reconcile(
      "disabled while one waits",
      ["GetItem", FINDS_JOB],
      ["PutItem", RESTARTS_JOB],
      ["SendMessageBatch", JOB],
    ),
  ),
  // A claim that is released because the attempt could not be prepared.
  ...after(
    deliver("is large", ["GetObject", ["/deliveries/"]]),
    "throttle",
    deliver("is large", ["PutItem", RETRIED]),
  ),
  // The event of a job that could not be published.
  ...after(
    deliver("disabled while one waits", ["PutEvents", PUBLISHES_DISABLED]),
    "throttle",
    deliver("disabled while one waits", ["UpdateItem", [EVENTS, "outboxAt = "]]),
  ),
];

/** Calls that are made only if two workers process the same job or delivery, which no scenario can order. */
const collisions = [
  // A recovery that was asked for twice, because the first answer took too long.
  { from: "api", operation: "GetItem", which: FINDS_JOB },
  { from: "api", operation: "PutItem", which: SAVES_JOB },
  { from: "deliver", operation: "GetItem", which: FINDS },
  { from: "deliver", operation: "PutItem", which: [...DELIVERING, IS_NEXT] },
  { from: "reconcile", operation: "PutItem", which: [DELIVERIES, '"dl_', IS_PUBLISHED] },
  { from: "deliver", operation: "UpdateItem", which: [EVENTS, "leaseUntilMs <= "] },
] as const;

/** Calls whose faults change nothing but the time of a retry. */
const bestEffort = [
  { from: "deliver", operation: "ChangeMessageVisibilityBatch", which: [] },
] as const;

/** Reads that do not belong to one delivery. */
export const sharedReads = [
  { from: "deliver", operation: "GetSecretValue", which: [] },
  { from: "reconcile", operation: "Query", which: [DELIVERIES, '"IndexName":"due"'] },
  { from: "reconcile", operation: "Query", which: [DELIVERIES, '"IndexName":"sweep"'] },
] as const;

const isOfDeliveries = [DELIVERIES, ATTEMPTS, RETRIES, "webhook#", "delivery.failed:"];

/** Returns the calls for deliveries that are in no list, each once. */
export function unlisted(calls: readonly AwsCall[]): string[] {
  const listed = [
    ...deliveryCalls,
    ...callsAfterFault.map(([, then]) => then),
    ...sharedReads,
    ...collisions,
    ...bestEffort,
  ];
  const found = calls.filter(
    ({ from, operation, content }) =>
      (from === "deliver" || isOfDeliveries.some((text) => content.includes(text))) &&
      !listed.some(
        (one) =>
          one.from === from &&
          one.operation === operation &&
          one.which.every((text) => content.includes(text)),
      ),
  );
  return [
    ...new Set(
      found.map(
        ({ from, operation, content }) => `${from} ${operation} ${content.slice(0, 2_000)}`,
      ),
    ),
  ];
}

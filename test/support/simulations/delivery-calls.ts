import type { AwsCall } from "../fakes/aws-fault-proxy.ts";
import type { StoryName } from "../scenarios/delivery-scenarios.ts";

/** One call to AWS that a story makes a function make. */
export interface DeliveryCall {
  story: StoryName;
  from: "deliver" | "reconcile" | "api";
  operation: string;
  /** What only this one of the operation's calls holds. */
  which: readonly string[];
  /** How many calls just like it the story makes before it. */
  after?: number;
  /** Where it fails for good, only the sweep finds what is missed, 20 s later. */
  isHint?: true;
  /** It records what came of a POST: where it fails, the POST is made again. */
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

const FACTS = ["webhook#", "health#"];
const CREATES = [...delivery("waiting"), IS_NEW];
/** Stored by its first attempt. */
const TAKES = [...delivery("delivering"), IS_NEW];
const ENTERS = ['"entity":{"S":"health"}', '"workers":{"M":{"'];
const LEAVES = ['"entity":{"S":"health"}', '"workers":{"M":{}}'];
const CLAIMS = ["startsOfAttempt = startsOfAttempt + :one"];
const DELIVERED = [...delivery("delivered"), IS_NEXT];
const RETRIED = [...delivery("waiting"), IS_NEXT, '"startsOfAttempt":{"N":"0"}'];
const FAILS = [...delivery("failed"), HAS_UNPUBLISHED];
const TELLS = ["delivery.failed:"];
const ARCHIVES = [EVENTS, "delivery.failed:"];
const NOTES_TOLD = [...delivery("failed"), IS_PUBLISHED];
const HINT = [RETRIES, '\\"attempt\\"'];
const JOB = [RETRIES, '\\"job\\"'];
const CREATES_JOB = ['"entity":{"S":"job"}', IS_NEW];
const NOTES_JOB = ['"entity":{"S":"job"}', IS_NEXT, '"status":{"S":"done"}'];
const RESTARTS_JOB = ['"entity":{"S":"job"}', IS_NEXT, '"status":{"S":"running"}'];
const FINDS_JOB = [DELIVERIES, '"job_'];
const FINDS = [DELIVERIES, '"dl_'];
const FINDS_WEBHOOK = ["webhook#"];
const WRITES_WEBHOOK = [CONFIG, "webhook#"];
const LISTS = [DELIVERIES, '"IndexName":"byClient"'];
const READS_LISTED = [DELIVERIES, '"dl_'];
const CLAIMS_EVENT = [EVENTS, "webhook.disabled:"];
const TELLS_DISABLED = ["webhook.disabled:"];
const RECORDS_EVENT = [EVENTS, "publishedBy"];
const PUTS_OFF = ["SET dueAt = :due"];
const REVIVES = delivery("delivering");
/** Before it tells, the sweep says when it would look again. */
const MOVES_ON = [...FAILS, IS_NEXT];

type Rest = Omit<DeliveryCall, "story" | "from" | "operation" | "which">;
const by =
  (from: DeliveryCall["from"]) =>
  (
    story: StoryName,
    ...calls: readonly (readonly [operation: string, which: readonly string[], rest?: Rest])[]
  ): DeliveryCall[] =>
    calls.map(([operation, which, rest]) => ({ story, from, operation, which, ...rest }));
const deliver = by("deliver");
const reconcile = by("reconcile");
const api = by("api");

const hint = { isHint: true } as const;
const record = { isRecord: true } as const;

/** What the functions call, each call once, in the shortest story that has it. */
export const deliveryCalls: readonly DeliveryCall[] = [
  ...api("is registered", ["GetItem", FINDS_WEBHOOK], ["PutItem", WRITES_WEBHOOK]),
  ...deliver(
    "is delivered",
    ["BatchGetItem", FACTS],
    ["PutItem", CREATES],
    ["SendMessageBatch", HINT],
    ["BatchGetItem", FACTS, { after: 1 }],
    ["PutItem", ENTERS],
    ["UpdateItem", CLAIMS],
    ["PutItem", DELIVERED, record],
    ["PutItem", LEAVES],
  ),
  ...deliver(
    "is delivered promptly",
    ["SendMessageBatch", [ATTEMPTS]],
    ["BatchGetItem", FACTS, { after: 1 }],
    ["PutItem", TAKES],
    ["PutItem", DELIVERED, record],
  ),
  ...deliver("is large", ["PutObject", ["/deliveries/"]], ["GetObject", ["/deliveries/"]]),
  ...deliver(
    "fails for good",
    ["PutItem", RETRIED, record],
    ["SendMessageBatch", HINT, { after: 1, ...hint }],
    ["PutItem", FAILS, record],
  ),
  ...reconcile("fails for good", ["UpdateItem", PUTS_OFF, hint], ["SendMessageBatch", HINT, hint]),
  ...deliver(
    "answers 410",
    ["PutItem", CREATES_JOB],
    ["PutItem", WRITES_WEBHOOK],
    ["SendMessageBatch", JOB],
  ),
  ...deliver(
    "comes while disabled",
    ["PutItem", FAILS],
    ["PutEvents", TELLS],
    ["BatchWriteItem", ARCHIVES],
    ["PutItem", NOTES_TOLD],
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
    ["PutEvents", TELLS_DISABLED],
    ["UpdateItem", RECORDS_EVENT],
    ["Query", LISTS],
    ["BatchGetItem", READS_LISTED],
    ["PutItem", FAILS],
    ["PutItem", NOTES_JOB],
  ),
  ...deliver("deleted while one waits", ["PutItem", delivery("cancelled")]),
  ...api("is recovered", ["PutItem", CREATES_JOB], ["SendMessageBatch", JOB]),
  ...deliver(
    "is recovered",
    ["PutItem", RETRIED],
    ["SendMessageBatch", HINT, hint],
    ["PutItem", NOTES_JOB],
  ),
  ...deliver("is recovered to another webhook", ["GetItem", [EVENTS]], ["PutItem", CREATES, hint]),
  ...api(
    "is sent again",
    ["GetItem", FINDS],
    ["PutItem", RETRIED],
    ["SendMessageBatch", HINT, hint],
  ),
  ...api("is a test", ["PutItem", CREATES], ["SendMessageBatch", HINT, hint]),
];

type First = "throttle" | "reset-after" | "crash-after";

type AfterAFault = readonly [first: DeliveryCall, then: DeliveryCall, first: First];

const after = (first: DeliveryCall[], fault: First, then: DeliveryCall[]): AfterAFault[] =>
  then.flatMap((one) => first.map((it) => [it, one, fault] as const));

/** Calls that are made only after a first fault. */
export const callsAfterAFault: readonly AfterAFault[] = [
  // A claimed attempt whose worker died.
  ...after(
    deliver("is delivered", ["UpdateItem", CLAIMS]),
    "crash-after",
    reconcile("is delivered", ["GetItem", FINDS], ["PutItem", REVIVES], ["SendMessageBatch", HINT]),
  ),
  // A delivery of which it is not known whether its first attempt stored it.
  ...after(
    deliver("is delivered promptly", ["PutItem", TAKES]),
    "reset-after",
    deliver("is delivered promptly", ["UpdateItem", CLAIMS]),
  ),
  // A failure that its writer could not tell.
  ...after(
    deliver("comes while disabled", ["PutEvents", TELLS]),
    "throttle",
    reconcile(
      "comes while disabled",
      ["GetItem", FINDS],
      ["PutItem", MOVES_ON],
      ["PutEvents", TELLS],
      ["BatchWriteItem", ARCHIVES],
      ["PutItem", NOTES_TOLD],
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
  // An attempt that could not be prepared is given back.
  ...after(
    deliver("is large", ["GetObject", ["/deliveries/"]]),
    "throttle",
    deliver("is large", ["PutItem", RETRIED]),
  ),
  // The event of a job that could not be published.
  ...after(
    deliver("disabled while one waits", ["PutEvents", TELLS_DISABLED]),
    "throttle",
    deliver("disabled while one waits", ["UpdateItem", [EVENTS, "outboxAt = "]]),
  ),
];

/** Made only where two workers meet over one job or delivery, which no story can order. */
const collisions = [
  { from: "deliver", operation: "GetItem", which: FINDS },
  { from: "deliver", operation: "PutItem", which: [...REVIVES, IS_NEXT] },
  { from: "reconcile", operation: "PutItem", which: [DELIVERIES, '"dl_', IS_PUBLISHED] },
  { from: "deliver", operation: "UpdateItem", which: [EVENTS, "leaseUntilMs <= "] },
] as const;

/** Reads that belong to no delivery alone. */
export const sharedReads = [
  { from: "deliver", operation: "GetSecretValue", which: [] },
  { from: "reconcile", operation: "Query", which: [DELIVERIES, '"IndexName":"due"'] },
  { from: "reconcile", operation: "Query", which: [DELIVERIES, '"IndexName":"sweep"'] },
] as const;

const isOfDeliveries = [DELIVERIES, ATTEMPTS, RETRIES, "webhook#", "delivery.failed:"];

/** What the functions have called for deliveries that is in no list, each once. */
export function unlisted(calls: readonly AwsCall[]): string[] {
  const listed = [
    ...deliveryCalls,
    ...callsAfterAFault.map(([, then]) => then),
    ...sharedReads,
    ...collisions,
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

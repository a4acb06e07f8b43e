/**
 * AWS quotas of an account in one region, as their pages gave them on 29 November 2026. Each is the
 * default of us-east-1.
 */

interface Quota {
  /** Per second, or at the same time. */
  limit: number;
  name: string;
  source: string;
  remedy: string;
  /** From the decision until it is effective. */
  leadTime: string;
}

/** Service Quotas approves small increases within hours, and larger ones through AWS Support. */
const QUOTA_INCREASE = "hours to days";
const SETTING = "one deployment";

const eventBridge = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html";
const scheduler = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html";
const lambda = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html";
const lambdaScaling = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html";
const dynamoWarm =
  "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html";
const dynamoQuotas =
  "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html";

export const quotas = {
  httpApi: {
    limit: 10_000,
    name: "API Gateway: requests a second of an account",
    source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html",
    remedy: "Service Quotas: API Gateway, throttle rate",
    leadTime: QUOTA_INCREASE,
  },
  lambdaConcurrency: {
    limit: 1_000,
    name: "Lambda: concurrent executions of an account",
    source: lambda,
    remedy: "Service Quotas: Lambda, concurrent executions. A new account may have fewer",
    leadTime: QUOTA_INCREASE,
  },
  lambdaRequests: {
    limit: 10_000,
    name: "Lambda: synchronous invocations a second, 10 for each concurrent execution",
    source: lambdaScaling,
    remedy: "grows with the quota of concurrent executions",
    leadTime: QUOTA_INCREASE,
  },
  putEvents: {
    limit: 10_000,
    name: "EventBridge: PutEvents a second, each entry counted",
    source: eventBridge,
    remedy: "Service Quotas: EventBridge, PutEvents (eu-central-1 begins at 2,400)",
    leadTime: QUOTA_INCREASE,
  },
  busInvocations: {
    limit: 18_750,
    name: "EventBridge: invocations of targets a second",
    source: eventBridge,
    remedy: "Service Quotas: EventBridge, invocations (eu-central-1 begins at 4,500)",
    leadTime: QUOTA_INCREASE,
  },
  newTable: {
    limit: 4_000,
    name: "DynamoDB: write units a second of a new table or index on demand",
    source: dynamoWarm,
    remedy: "raise the warm throughput, or let the load double within 30 minutes at most",
    leadTime: "minutes to a day; by itself in 30 minutes for each doubling",
  },
  table: {
    limit: 40_000,
    name: "DynamoDB: write units a second of a table or index",
    source: dynamoQuotas,
    remedy: "Service Quotas: DynamoDB, table-level write throughput",
    leadTime: QUOTA_INCREASE,
  },
  partition: {
    limit: 1_000,
    name: "DynamoDB: write units a second of a partition",
    source: dynamoWarm,
    remedy: "none for one key; more keys",
    leadTime: "a release",
  },
  scheduleInvocations: {
    limit: 1_000,
    name: "EventBridge Scheduler: invocations a second",
    source: scheduler,
    remedy: "Service Quotas: EventBridge Scheduler, invocations, up to tens of thousands",
    leadTime: QUOTA_INCREASE,
  },
  createSchedule: {
    limit: 5_000,
    name: "EventBridge Scheduler: CreateSchedule a second",
    source: scheduler,
    remedy: "none needed: `reconcile` finds requests without a schedule",
    leadTime: "none",
  },
} as const satisfies Record<string, Quota>;

/** A limit that the load may reach: a quota, a setting or a constant. */
export interface Limit {
  name: string;
  limit: number;
  remedy: string;
  leadTime: string;
}

/** A limit that is a setting of the stack. */
export function settingLimit(
  name: string,
  of: { limit: number; setting: string; most: number },
): Limit {
  const { limit, setting, most } = of;
  const remedy = `\`-c ${setting}=…\`, at most ${most.toLocaleString("en")}`;
  return { name: `Setting \`${setting}\`: ${name}`, limit, remedy, leadTime: SETTING };
}

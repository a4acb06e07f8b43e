import * as z from "zod/mini";
import { logLevels } from "./log-levels.ts";
import { providerId } from "./providers.ts";
import { functionSettings } from "./settings.ts";
import { noTracing, tracing } from "./tracing.ts";
import { webhookTargets } from "./webhook-targets.ts";

/**
 * The environment of each function. `infra` supplies exactly these keys (checked
 * by the types, and by a test of the template), and `handler.ts` parses them once
 * per cold start. Lambda allows 4 KB for all variables of a function.
 */

const text = () => z.string().check(z.minLength(1));

/**
 * Business time as `{"realMs":…,"businessMs":…,"speed":…}`: business time was
 * `businessMs` when real time was `realMs`, and passes `speed` times as fast.
 * A deployed stage always has speed 1; the local run may have more, and a test has 0.
 */
const businessClock = json(
  z.object({
    realMs: z.number().check(z.gte(0)),
    businessMs: z.number().check(z.gte(0)),
    speed: z.number().check(z.gte(0)),
  }),
);

/** Variables of every function. */
const common = {
  BUSINESS_CLOCK: businessClock,
  SETTINGS: json(functionSettings),
  /** The name of the stack, which is a dimension of every metric. */
  STACK: text(),
  /** The least severe lines that are logged. INFO where it is missing, as with `TRACING`. */
  LOG_LEVEL: z._default(z.enum(logLevels), "INFO"),
  /** Off where it is missing: while a deployment changes code and variables, one is older. */
  TRACING: z._default(json(tracing), noTracing),
};

/** The base URL of each provider's API; https, except in the local run. */
const providerBaseUrls = json(z.record(providerId, z.url()));

/** Schema of a variable that holds JSON. */
function json<Schema extends z.ZodMiniType>(schema: Schema) {
  const parse = z.transform((value: string, context) => {
    try {
      return JSON.parse(value) as unknown;
    } catch {
      context.issues.push({ code: "custom", message: "must be JSON", input: value });
      return z.NEVER;
    }
  });
  return z.pipe(z.pipe(text(), parse), schema);
}

/** Variables of functions that work on requests. */
const requestVariables = {
  REQUESTS_TABLE: text(),
  SUBMIT_QUEUE_URL: text(),
};

/** Variables of functions that call providers. */
const providerVariables = {
  CONFIG_TABLE: text(),
  MASTER_SECRET_ID: text(),
  PROVIDER_BASE_URLS: providerBaseUrls,
};

/** Variables of functions that work on deliveries. */
const deliveryVariables = {
  DELIVERIES_TABLE: text(),
  /** Takes retries, held attempts, jobs, and what a person sends again. */
  RETRIES_QUEUE_URL: text(),
};

export const ingestEnv = z.object({
  ...common,
  CONFIG_TABLE: text(),
  MASTER_SECRET_ID: text(),
  INBOUND_QUEUE_URL: text(),
  BODIES_BUCKET: text(),
  /** For events that may stop a dependent request. */
  REQUESTS_TABLE: text(),
});

export const consumeEnv = z.object({
  ...common,
  CONFIG_TABLE: text(),
  MASTER_SECRET_ID: text(),
  BODIES_BUCKET: text(),
  PROVIDER_BASE_URLS: providerBaseUrls,
  EVENTS_TABLE: text(),
  EVENT_BUS_NAME: text(),
  INBOUND_QUEUE_URL: text(),
  ...requestVariables,
});

export const apiEnv = z.object({
  ...common,
  ...requestVariables,
  ...providerVariables,
  EVENTS_TABLE: text(),
  BODIES_BUCKET: text(),
  SCHEDULE_GROUP: text(),
  /** The role that EventBridge Scheduler assumes to reach the submit queue. */
  SCHEDULE_ROLE_ARN: text(),
  SCHEDULE_DLQ_ARN: text(),
  SUBMIT_QUEUE_ARN: text(),
  ...deliveryVariables,
  WEBHOOK_TARGETS: json(webhookTargets),
  /** The address of the console, for portal links; `off` where there is none. */
  CONSOLE_URL: text(),
});

export const operatorEnv = z.object({
  ...apiEnv.shape,
  INBOUND_QUEUE_URL: text(),
  AUDIT_TABLE: text(),
  /**
   * The names of queues and of their dead-letter queues, in the account and region of
   * `SUBMIT_QUEUE_URL`: `<name>,<queue>,<dead letters>;…`. `<queue>` is empty where another variable
   * has the queue's URL: all URLs would not fit.
   */
  QUEUES: text(),
  /** How the names of the stack's alarms begin; `off` where it has none. */
  ALARM_PREFIX: text(),
});

export const submitEnv = z.object({
  ...common,
  ...requestVariables,
  ...providerVariables,
  EVENTS_TABLE: text(),
  EVENT_BUS_NAME: text(),
  BODIES_BUCKET: text(),
});

export const deliverEnv = z.object({
  ...common,
  ...deliveryVariables,
  /** Takes first attempts to endpoints that respond promptly. */
  ATTEMPTS_QUEUE_URL: text(),
  /** Brings events; what failed is received again early. */
  FANOUT_QUEUE_URL: text(),
  CONFIG_TABLE: text(),
  MASTER_SECRET_ID: text(),
  REQUESTS_TABLE: text(),
  BODIES_BUCKET: text(),
  EVENTS_TABLE: text(),
  EVENT_BUS_NAME: text(),
  WEBHOOK_TARGETS: json(webhookTargets),
});

export const reconcileEnv = z.object({
  ...common,
  ...requestVariables,
  ...providerVariables,
  ...deliveryVariables,
  BODIES_BUCKET: text(),
  EVENTS_TABLE: text(),
  EVENT_BUS_NAME: text(),
  AUDIT_TABLE: text(),
});

/** By function name, which is also its folder in `functions/`. */
export const functionEnv = {
  ingest: ingestEnv,
  consume: consumeEnv,
  api: apiEnv,
  operator: operatorEnv,
  submit: submitEnv,
  deliver: deliverEnv,
  reconcile: reconcileEnv,
} as const;

export type FunctionName = keyof typeof functionEnv;

/** The variables that `infra` must supply for one function: exactly the contract's keys. */
export type EnvironmentOf<Name extends FunctionName> = Record<
  keyof z.output<(typeof functionEnv)[Name]>,
  string
>;

/** The parsed environment of one function. */
export type ParsedEnvironment<Name extends FunctionName> = z.output<(typeof functionEnv)[Name]>;

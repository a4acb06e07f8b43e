import * as z from "zod/mini";
import { deliveryRules } from "./delivery-rules.ts";
import { providerId } from "./providers.ts";
import { requestRules } from "./request-rules.ts";
import { webhookTargets } from "./webhook-targets.ts";

/**
 * The environment of each function. `infra` supplies exactly these keys (the
 * types check it at compile time, a template test at run time) and `handler.ts`
 * parses them once per cold start.
 */

const text = () => z.string().check(z.minLength(1));
const wholeNumber = (min: number, max: number) =>
  z.coerce.number().check(z.int(), z.gte(min), z.lte(max));

/**
 * Business time as `{"realMs":…,"businessMs":…,"speed":…}`: business time was
 * `businessMs` when real time was `realMs`, and passes `speed` times as fast.
 * A deployed stage always has speed 1; the local run may have more.
 */
const businessClock = json(
  z.object({
    realMs: z.number().check(z.gte(0)),
    businessMs: z.number().check(z.gte(0)),
    speed: z.number().check(z.gt(0)),
  }),
);

const common = { BUSINESS_CLOCK: businessClock };

/** Where each provider's API is; https, except in the local run. */
const providerBaseUrls = json(z.record(providerId, z.url()));

/** A variable that holds JSON. */
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

/** What every function needs that works on requests. */
const requestVariables = {
  REQUESTS_TABLE: text(),
  SUBMIT_QUEUE_URL: text(),
  REQUEST_RULES: json(requestRules),
};

/** What every function needs that calls providers for requests. */
const providerVariables = {
  CONFIG_TABLE: text(),
  MASTER_SECRET_ID: text(),
  PROVIDER_BASE_URLS: providerBaseUrls,
  CONNECTION_CACHE_SECONDS: wholeNumber(0, 300),
};

/** What every function needs that works on deliveries. */
const deliveryVariables = {
  DELIVERIES_TABLE: text(),
  /** Retries, held attempts, jobs, and all that is sent on behalf of a person. */
  RETRIES_QUEUE_URL: text(),
  DELIVERY_RULES: json(deliveryRules),
};

export const ingestEnv = z.object({
  ...common,
  CONFIG_TABLE: text(),
  MASTER_SECRET_ID: text(),
  INBOUND_QUEUE_URL: text(),
  BODIES_BUCKET: text(),
  INBOUND_MAX_BODY_BYTES: wholeNumber(1_024, 240_000),
  INBOUND_DEADLINE_MS: wholeNumber(100, 10_000),
  CONNECTION_CACHE_SECONDS: wholeNumber(0, 300),
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
  CLAIM_LEASE_SECONDS: wholeNumber(1, 900),
  DEDUPE_RETENTION_DAYS: wholeNumber(3, 365),
  ...requestVariables,
});

export const apiEnv = z.object({
  ...common,
  ...requestVariables,
  ...providerVariables,
  EVENTS_TABLE: text(),
  BODIES_BUCKET: text(),
  SCHEDULE_GROUP: text(),
  /** The role that Scheduler takes on to reach the submit queue. */
  SCHEDULE_ROLE_ARN: text(),
  SCHEDULE_DLQ_ARN: text(),
  SUBMIT_QUEUE_ARN: text(),
  ...deliveryVariables,
  WEBHOOK_TARGETS: json(webhookTargets),
});

export const submitEnv = z.object({
  ...common,
  ...requestVariables,
  ...providerVariables,
  EVENTS_TABLE: text(),
  EVENT_BUS_NAME: text(),
  BODIES_BUCKET: text(),
  DEDUPE_RETENTION_DAYS: wholeNumber(3, 365),
});

export const deliverEnv = z.object({
  ...common,
  ...deliveryVariables,
  /** First attempts to endpoints that answer promptly. */
  ATTEMPTS_QUEUE_URL: text(),
  CONFIG_TABLE: text(),
  MASTER_SECRET_ID: text(),
  REQUESTS_TABLE: text(),
  BODIES_BUCKET: text(),
  EVENTS_TABLE: text(),
  EVENT_BUS_NAME: text(),
  WEBHOOK_TARGETS: json(webhookTargets),
  CLAIM_LEASE_SECONDS: wholeNumber(1, 900),
  DEDUPE_RETENTION_DAYS: wholeNumber(3, 365),
});

export const reconcileEnv = z.object({
  ...common,
  ...requestVariables,
  ...providerVariables,
  ...deliveryVariables,
  /** Calls to providers that one run makes at most. */
  POLLS_PER_RUN: wholeNumber(1, 1_000),
  BODIES_BUCKET: text(),
  EVENTS_TABLE: text(),
  EVENT_BUS_NAME: text(),
  CLAIM_LEASE_SECONDS: wholeNumber(1, 900),
  OUTBOX_GRACE_SECONDS: wholeNumber(1, 900),
  DEDUPE_RETENTION_DAYS: wholeNumber(3, 365),
});

/** By function name, which is also its folder in `functions/`. */
export const functionEnv = {
  ingest: ingestEnv,
  consume: consumeEnv,
  api: apiEnv,
  submit: submitEnv,
  deliver: deliverEnv,
  reconcile: reconcileEnv,
} as const;

export type FunctionName = keyof typeof functionEnv;

/** What `infra` must supply for one function: exactly the contract's keys. */
export type EnvironmentOf<Name extends FunctionName> = Record<
  keyof z.output<(typeof functionEnv)[Name]>,
  string
>;

/** The parsed environment of one function. */
export type ParsedEnvironment<Name extends FunctionName> = z.output<(typeof functionEnv)[Name]>;

import * as z from "zod/mini";
import { DEFAULT_PRESET, presetSchema } from "./pace.ts";

/**
 * The settings of a deployment, each with its unit in the name, its range and
 * its default. `cdk deploy -c NAME=VALUE` and `npm start -- --setting
 * NAME=VALUE` set them; `infra/config.ts` reads them.
 */

/** Each delay between attempts is drawn from the setting ± this part of it. */
export const DELIVERY_JITTER: number = 0.2;

const wholeNumber = (min: number, max: number, fallback: number) =>
  z._default(z.coerce.number().check(z.int(), z.gte(min), z.lte(max)), fallback);

/** Seven delays between eight attempts, each up to a day. */
const delayList = (fallback: string) =>
  z._default(
    z
      .string()
      .check(
        z.regex(
          /^(\d{1,4}|[1-7]\d{4}|8[0-5]\d{3}|86[0-3]\d{2}|86400)(,(\d{1,4}|[1-7]\d{4}|8[0-5]\d{3}|86[0-3]\d{2}|86400)){6}$/,
        ),
      ),
    fallback,
  );

/** Settings that the functions read from their variable `SETTINGS`. */
const functionShape = {
  /** Largest webhook body that `ingest` accepts; what one PutEvents entry surely carries. */
  inboundMaxBodyBytes: wholeNumber(1_024, 240_000, 240_000),
  /** Real milliseconds in which `ingest` answers, 503 included. */
  inboundDeadlineMs: wholeNumber(100, 10_000, 2_300),
  /** Real seconds for which a warm function trusts what it read of a connection. */
  connectionCacheSeconds: wholeNumber(0, 300, 30),
  /** Real seconds for which a claimed event belongs to one worker. */
  claimLeaseSeconds: wholeNumber(20, 900, 30),
  /** Days (business time) for which an event is known as seen, and readable. */
  dedupeRetentionDays: wholeNumber(3, 365, 30),
  /** Real seconds after which `reconcile` publishes an event that its writer has not published, of webhooks and of requests. */
  outboxGraceSeconds: wholeNumber(1, 900, 30),
  /**
   * Seconds (business time) for which a request may wait in its lane before it ends FAILED. Time in
   * which it could not be submitted does not count.
   */
  queueTimeoutSeconds: wholeNumber(60, 31_536_000, 86_400),
  /** Seconds (business time) for which a running request keeps its lane to itself. */
  laneHoldSeconds: wholeNumber(1, 31_536_000, 3_600),
  /** Seconds (business time) of a provider's silence about a running request after which it ends FAILED. */
  resultTimeoutSeconds: wholeNumber(60, 31_536_000, 86_400),
  /** Days (business time) after its submission until which a provider may say that it still has a request. */
  pendingCapDays: wholeNumber(1, 365, 14),
  /** Seconds (business time) for which a request waits for a person's input. */
  actionTimeoutSeconds: wholeNumber(60, 31_536_000, 900),
  /** Seconds (business time) for which a request of unknown outcome keeps its lane to itself. */
  unknownHoldSeconds: wholeNumber(1, 31_536_000, 900),
  /** Seconds (business time) after which a request of unknown outcome ends FAILED. */
  unknownTimeoutSeconds: wholeNumber(60, 31_536_000, 86_400),
  /** Seconds (business time) without a webhook after which the provider is asked; then doubling. */
  firstPollSeconds: wholeNumber(60, 31_536_000, 900),
  /** Seconds (business time) that `scheduled` must be ahead at least. */
  scheduleLeadSeconds: wholeNumber(0, 31_536_000, 7_200),
  /** Days (business time) that `scheduled` may be ahead at most. */
  scheduleMaxDays: wholeNumber(1, 365, 365),
  /** Seconds (business time) of an account's shortest and longest gap, where it has none of its own. */
  paceMinSeconds: wholeNumber(0, 86_400, 30),
  paceMaxSeconds: wholeNumber(0, 86_400, 90),
  /** The limits of an account that has chosen none: `off`, `careful` or `standard`. */
  defaultPreset: z._default(presetSchema, DEFAULT_PRESET),
  /** Seconds (business time) for which a 429 pauses an account that does not say how long. */
  rateLimitPauseSeconds: wholeNumber(1, 86_400, 3_600),
  /** Requests that may wait in one account's lane before more are answered 429. */
  accountWaitingLimit: wholeNumber(1, 100_000, 5_000),
  /** Requests a second (real time) that one client may make before more are answered 429. */
  clientRequestsPerSecond: wholeNumber(1, 10_000, 100),
  /** Hours (business time) for which an idempotency key is remembered after its request ended. */
  idempotencyHours: wholeNumber(24, 8_760, 24),
  /** Days (business time) for which a request is kept after its end. */
  requestRetentionDays: wholeNumber(3, 3_650, 90),
  /** Real seconds in which a provider must answer a submission. */
  submitTimeoutSeconds: wholeNumber(1, 10, 10),
  /** Real seconds for which a lane belongs to one worker. */
  laneLeaseSeconds: wholeNumber(40, 900, 60),
  /** Calls to providers that one `reconcile` run makes at most. */
  pollsPerRun: wholeNumber(1, 1_000, 100),
  /** Seconds (business time) between the eight attempts of a delivery, each ± 20 %. */
  deliveryDelaysSeconds: delayList("5,300,1800,7200,18000,36000,36000"),
  /** Real seconds in which a webhook's endpoint must have answered. */
  deliveryTimeoutSeconds: wholeNumber(1, 15, 15),
  /** Real seconds for which an attempt belongs to one worker. */
  deliveryLeaseSeconds: wholeNumber(41, 239, 75),
  /** Failures in a row after which an endpoint's deliveries are held back. */
  deliveryBreakerFailures: wholeNumber(1, 1_000, 5),
  /** Workers that are at one endpoint at the same time, at most. */
  deliveryWorkersPerEndpoint: wholeNumber(1, 1_000, 3),
  /** POSTs to one endpoint that one worker has under way, at most. */
  deliveryPostsPerWorker: wholeNumber(1, 100, 10),
  /** Days (business time) for which a delivery is kept after its last change. */
  deliveryRetentionDays: wholeNumber(1, 3_650, 30),
};

/** Settings that only the synthesis reads. */
const stackShape = {
  /** Webhooks given to one `consume` invocation. */
  consumeBatchSize: wholeNumber(1, 10, 10),
  /** Real seconds for which a batch may wait to fill up. */
  consumeBatchWindowSeconds: wholeNumber(0, 300, 0),
  /** Concurrent `consume` invocations (the event source's maximum concurrency). */
  consumeMaxConcurrency: wholeNumber(2, 1_000, 50),
  /** Messages given to one `submit` invocation, each of another lane as a rule. */
  submitBatchSize: wholeNumber(1, 10, 10),
  /** Concurrent `submit` invocations (the event source's maximum concurrency). */
  submitMaxConcurrency: wholeNumber(2, 1_000, 50),
  /** Real seconds for which a batch of events or of first attempts may wait to fill up. */
  deliverBatchWindowSeconds: wholeNumber(0, 30, 0),
  /** Concurrent `deliver` invocations of each of its queues (the event source's maximum concurrency). */
  deliverMaxConcurrency: wholeNumber(2, 1_000, 50),
  /** Ports that a webhook's URL may name. */
  webhookPort: wholeNumber(1, 65_535, 443),
  webhookAlternativePort: wholeNumber(1, 65_535, 8_443),
  /** MiB of each function. Lambda gives processor time in proportion: a whole core at 1,769. */
  ingestMemoryMib: wholeNumber(128, 10_240, 512),
  consumeMemoryMib: wholeNumber(128, 10_240, 512),
  apiMemoryMib: wholeNumber(128, 10_240, 512),
  operatorMemoryMib: wholeNumber(128, 10_240, 512),
  submitMemoryMib: wholeNumber(128, 10_240, 512),
  deliverMemoryMib: wholeNumber(128, 10_240, 512),
  reconcileMemoryMib: wholeNumber(128, 10_240, 512),
  /** Of a thousand calls, submissions or deliveries, how many must meet their objective. */
  sloTargetPerMille: wholeNumber(900, 999, 999),
  /** Real milliseconds in which a call is to be answered. */
  sloAckMs: wholeNumber(50, 30_000, 1_000),
  /** Seconds (business time) within which a request is to be submitted when its time has come. */
  sloSubmitSeconds: wholeNumber(1, 3_600, 90),
  /** Seconds (business time) within which the first POST of a delivery is to be made. */
  sloFirstPostSeconds: wholeNumber(1, 3_600, 10),
  /** Days for which the bus keeps events for a replay. */
  archiveRetentionDays: wholeNumber(1, 3_650, 30),
  /** Days for which logs are kept. */
  logRetentionDays: wholeNumber(1, 3_653, 30),
  /**
   * Concurrent `ingest` invocations that nothing else in the account can take, and the most that
   * there are; 0 reserves none. Lambda refuses a number that leaves less than 100 for the rest of
   * the account.
   */
  ingestReservedConcurrency: wholeNumber(0, 10_000, 0),
  /** Requests a second that one route of the API takes before it answers 429. */
  apiThrottleRate: wholeNumber(1, 10_000, 1_000),
  /** Requests above the rate that are taken at once. */
  apiThrottleBurst: wholeNumber(1, 5_000, 2_000),
};

export const settingsSchema = z.strictObject({ ...functionShape, ...stackShape });

export type Settings = z.output<typeof settingsSchema>;

export type FunctionSettings = Pick<Settings, keyof typeof functionShape>;

export const functionSettingNames = Object.keys(functionShape) as (keyof FunctionSettings)[];

/**
 * The settings in `SETTINGS`. The synthesis has checked the ranges and relations:
 * this schema requires every setting and its type.
 */
export const functionSettings = z.object(
  Object.fromEntries(
    Object.entries(functionShape).map(([name, setting]) => [
      name,
      typeof setting.parse(undefined) === "string" ? z.string() : z.number().check(z.gte(0)),
    ]),
  ),
) as unknown as z.ZodMiniType<FunctionSettings>;

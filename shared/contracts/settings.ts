import * as z from "zod/mini";

/**
 * Every number that a deployer may change, with its unit in the name, its range
 * and its default. `cdk deploy -c NAME=VALUE` and `npm start -- --setting
 * NAME=VALUE` set them; `infra/config.ts` reads them.
 */

const wholeNumber = (min: number, max: number, fallback: number) =>
  z._default(z.coerce.number().check(z.int(), z.gte(min), z.lte(max)), fallback);

export const settingsSchema = z.strictObject({
  /** Largest webhook body that `ingest` accepts; what one PutEvents entry surely carries. */
  inboundMaxBodyBytes: wholeNumber(1_024, 240_000, 240_000),
  /** Real milliseconds in which `ingest` answers, 503 included. */
  inboundDeadlineMs: wholeNumber(100, 10_000, 2_300),
  /** Real seconds for which a warm `ingest` trusts what it read of a connection. */
  connectionCacheSeconds: wholeNumber(0, 300, 30),
  /** Webhooks given to one `consume` invocation. */
  consumeBatchSize: wholeNumber(1, 10, 10),
  /** Real seconds for which a batch may wait to fill up. */
  consumeBatchWindowSeconds: wholeNumber(0, 300, 0),
  /** Concurrent `consume` invocations (the event source's maximum concurrency). */
  consumeMaxConcurrency: wholeNumber(2, 1_000, 50),
  /** Real seconds for which a claimed event belongs to one worker. */
  claimLeaseSeconds: wholeNumber(20, 900, 30),
  /** Days (business time) for which an event is known as seen, and readable. */
  dedupeRetentionDays: wholeNumber(3, 365, 30),
  /** Real seconds after which `reconcile` publishes what its writer did not. */
  outboxGraceSeconds: wholeNumber(1, 900, 30),
  /** Days for which the bus keeps events for a replay. */
  archiveRetentionDays: wholeNumber(1, 3_650, 30),
  /** Days for which logs are kept. */
  logRetentionDays: wholeNumber(1, 3_653, 30),
  /** Requests a second that one route of the API takes before it answers 429. */
  apiThrottleRate: wholeNumber(1, 10_000, 1_000),
  /** Requests above the rate that are taken at once. */
  apiThrottleBurst: wholeNumber(1, 5_000, 2_000),
});

export type Settings = z.output<typeof settingsSchema>;

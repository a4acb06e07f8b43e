import { Duration } from "aws-cdk-lib";
import type { DeliveryRules } from "../shared/contracts/delivery-rules.ts";
import type { Settings } from "../shared/contracts/settings.ts";
import { timing } from "./timing.ts";

/** The specification's ± 20 %. */
const JITTER = 0.2;

/** An endpoint that lets a POST wait for so long would keep others waiting. */
const SLOW = Duration.millis(500);

const secondsMs = (seconds: number) => Duration.seconds(seconds).toMilliseconds();

/** The delays between the attempts of a delivery, as the setting lists them. */
const delaysSeconds = (settings: Settings): number[] =>
  settings.deliveryDelaysSeconds.split(",").map(Number);

/** The settings of deliveries, as `DELIVERY_RULES` has them: the same text for every function. */
export function deliveryRulesOf(settings: Settings): string {
  const rules: DeliveryRules = {
    delaysMs: delaysSeconds(settings).map(secondsMs),
    jitter: JITTER,
    timeoutMs: secondsMs(settings.deliveryTimeoutSeconds),
    slowMs: SLOW.toMilliseconds(),
    leaseMs: timing.deliverLease.toMilliseconds(),
    breakerFailures: settings.deliveryBreakerFailures,
    workersPerEndpoint: settings.deliveryWorkersPerEndpoint,
    postsPerWorker: settings.deliveryPostsPerWorker,
    retentionMs: Duration.days(settings.deliveryRetentionDays).toMilliseconds(),
    outboxGraceMs: secondsMs(settings.outboxGraceSeconds),
  };
  return JSON.stringify(rules);
}

/** The longest that a delivery waits for its next attempt. */
export function longestDelay(settings: Settings): Duration {
  return withJitter(Math.max(...delaysSeconds(settings)));
}

/** From the first attempt of a delivery to its last, at the longest. */
export function longestCycle(settings: Settings): Duration {
  return withJitter(delaysSeconds(settings).reduce((sum, seconds) => sum + seconds, 0));
}

function withJitter(seconds: number): Duration {
  return Duration.seconds(Math.ceil(seconds * (1 + JITTER)));
}

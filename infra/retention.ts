import { Duration } from "aws-cdk-lib";
import { DELIVERY_JITTER, type Settings } from "../shared/contracts/settings.ts";
import type { BodyArea } from "./constructs/body-bucket.ts";

/** A body is kept longer than its references by this margin, because a message may be redriven. */
const BODY_MARGIN_DAYS = 15;

/** Days for which a body of each area is kept after it was written. */
export function bodyRetentionDays(settings: Settings): Record<BodyArea, number> {
  const ofEvent = settings.dedupeRetentionDays + BODY_MARGIN_DAYS;
  const ofRequest = longestRequestDays(settings) + settings.requestRetentionDays + BODY_MARGIN_DAYS;
  const ofDelivery =
    wholeDays(longestCycle(settings)) + settings.deliveryRetentionDays + BODY_MARGIN_DAYS;
  return {
    inbound: ofEvent,
    quarantine: ofEvent,
    events: ofEvent,
    requests: ofRequest,
    deliveries: ofDelivery,
  };
}

/** The longest time from acceptance to the end, when every time limit is used up. */
function longestRequestDays(settings: Settings): number {
  const { queueTimeoutSeconds, actionTimeoutSeconds, unknownTimeoutSeconds } = settings;
  const runningSeconds = Math.max(
    settings.resultTimeoutSeconds,
    Duration.days(settings.pendingCapDays).toSeconds(),
  );
  const seconds =
    queueTimeoutSeconds + runningSeconds + actionTimeoutSeconds + unknownTimeoutSeconds;
  return settings.scheduleMaxDays + wholeDays(Duration.seconds(seconds));
}

function wholeDays(duration: Duration): number {
  return Math.ceil(duration.toDays({ integral: false }));
}

/** The longest that a delivery waits for its next attempt, jitter included. */
export function longestDelay(settings: Settings): Duration {
  return withJitter(Math.max(...delaysSeconds(settings)));
}

/** The longest time from the first attempt of a delivery to its last, jitter included. */
function longestCycle(settings: Settings): Duration {
  return withJitter(delaysSeconds(settings).reduce((sum, seconds) => sum + seconds, 0));
}

const delaysSeconds = (settings: Settings): number[] =>
  settings.deliveryDelaysSeconds.split(",").map(Number);

function withJitter(seconds: number): Duration {
  return Duration.seconds(Math.ceil(seconds * (1 + DELIVERY_JITTER)));
}

import { Duration } from "aws-cdk-lib";
import type { Settings } from "../shared/contracts/settings.ts";
import type { BodyArea } from "./constructs/body-bucket.ts";

/** A body outlives what refers to it by this much: a message may be redriven, and business time counts in days. */
const BODY_MARGIN_DAYS = 15;

/** Days for which a body is kept, from when it was written. */
export function bodyRetentionDays(settings: Settings): Record<BodyArea, number> {
  const ofEvent = settings.dedupeRetentionDays + BODY_MARGIN_DAYS;
  const ofRequest = longestRequestDays(settings) + settings.requestRetentionDays + BODY_MARGIN_DAYS;
  return { inbound: ofEvent, quarantine: ofEvent, events: ofEvent, requests: ofRequest };
}

/** From acceptance to the end: every time limit of a request is used up. */
function longestRequestDays(settings: Settings): number {
  const { queueTimeoutSeconds, resultTimeoutSeconds, actionTimeoutSeconds, unknownTimeoutSeconds } =
    settings;
  const seconds =
    queueTimeoutSeconds + resultTimeoutSeconds + actionTimeoutSeconds + unknownTimeoutSeconds;
  return (
    settings.scheduleMaxDays + Math.ceil(Duration.seconds(seconds).toDays({ integral: false }))
  );
}

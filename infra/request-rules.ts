import { Duration } from "aws-cdk-lib";
import type { RequestRules } from "../shared/contracts/request-rules.ts";
import type { Settings } from "../shared/contracts/settings.ts";

const secondsMs = (seconds: number) => Duration.seconds(seconds).toMilliseconds();
const hoursMs = (hours: number) => Duration.hours(hours).toMilliseconds();
const daysMs = (days: number) => Duration.days(days).toMilliseconds();

/** The settings of requests, as `REQUEST_RULES` has them: the same text for every function. */
export function requestRulesOf(settings: Settings): string {
  const rules: RequestRules = {
    queueTimeoutMs: secondsMs(settings.queueTimeoutSeconds),
    laneHoldMs: secondsMs(settings.laneHoldSeconds),
    resultTimeoutMs: secondsMs(settings.resultTimeoutSeconds),
    actionTimeoutMs: secondsMs(settings.actionTimeoutSeconds),
    unknownHoldMs: secondsMs(settings.unknownHoldSeconds),
    unknownTimeoutMs: secondsMs(settings.unknownTimeoutSeconds),
    firstPollMs: secondsMs(settings.firstPollSeconds),
    scheduleLeadMs: secondsMs(settings.scheduleLeadSeconds),
    scheduleMaxMs: daysMs(settings.scheduleMaxDays),
    pace: {
      minGapMs: secondsMs(settings.paceMinSeconds),
      maxGapMs: secondsMs(settings.paceMaxSeconds),
    },
    rateLimitPauseMs: secondsMs(settings.rateLimitPauseSeconds),
    accountWaitingLimit: settings.accountWaitingLimit,
    clientRequestsPerSecond: settings.clientRequestsPerSecond,
    idempotencyMs: hoursMs(settings.idempotencyHours),
    retentionMs: daysMs(settings.requestRetentionDays),
    outboxGraceMs: secondsMs(settings.outboxGraceSeconds),
    submitTimeoutMs: secondsMs(settings.submitTimeoutSeconds),
    laneLeaseMs: secondsMs(settings.laneLeaseSeconds),
  };
  return JSON.stringify(rules);
}

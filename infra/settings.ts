import { Duration } from "aws-cdk-lib";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import * as z from "zod/mini";
import { presetSchema } from "../shared/contracts/pace.ts";
import {
  functionSettingNames,
  type Settings,
  settingsSchema,
} from "../shared/contracts/settings.ts";
import { ConfigurationError } from "./configuration-error.ts";
import { longestDelay } from "./retention.ts";
import { timing } from "./timing.ts";

/** Every setting, or one line for each problem. */
export type CheckedSettings = { settings: Settings } | { problems: string[] };

/** Fills in defaults, and checks each setting and the relations between them. */
export function checkSettings(given: Record<string, unknown>): CheckedSettings {
  const parsed = settingsSchema.safeParse(onlyNumeric(given));
  if (!parsed.success) return { problems: describe(parsed.error.issues, given) };
  const problems = violatedConstraints(parsed.data);
  return problems.length === 0 ? { settings: parsed.data } : { problems };
}

/** @throws ConfigurationError that lists each invalid setting with the allowed values */
export function resolveSettings(given: Record<string, unknown> = {}): Settings {
  const checked = checkSettings(given);
  if ("problems" in checked) throw new ConfigurationError(checked.problems);
  return checked.settings;
}

/**
 * The settings that functions read, as text for the variable `SETTINGS`: the same for every
 * function.
 */
export function functionSettingsText(settings: Settings): string {
  return JSON.stringify(
    Object.fromEntries(functionSettingNames.map((name) => [name, settings[name]])),
  );
}

/** Checks constraints between settings, and between a setting and a fixed time of the pipeline. */
function violatedConstraints(settings: Settings): string[] {
  return [
    ...brokenInbound(settings),
    ...brokenSubmitting(settings),
    ...brokenRequests(settings),
    ...brokenDelivering(settings),
  ];
}

function brokenInbound(settings: Settings): string[] {
  const { claimLeaseSeconds: lease, inboundDeadlineMs: deadlineMs, logRetentionDays } = settings;
  const consumeSeconds = timing.consumeTimeout.toSeconds();
  const visibilitySeconds = timing.inboundVisibility(settings).toSeconds();
  const ingestMs = timing.ingestTimeout.toMilliseconds();
  return broken(settings, [
    [
      "claimLeaseSeconds",
      lease > consumeSeconds,
      `more than consume's timeout of ${consumeSeconds} s, or two workers may hold one event`,
    ],
    [
      "claimLeaseSeconds",
      lease <= visibilitySeconds,
      `at most the inbound queue's visibility timeout of ${visibilitySeconds} s, or a message comes back while a crashed worker still holds its event`,
    ],
    [
      "inboundDeadlineMs",
      deadlineMs < ingestMs,
      `less than ingest's timeout of ${ingestMs} ms, or Lambda ends ingest before it answers`,
    ],
    [
      "logRetentionDays",
      RetentionDays[logRetentionDays] !== undefined,
      `what CloudWatch Logs allows: ${retentionDays().join(", ")}`,
    ],
  ]);
}

/** Submit's HTTP timeout < submit's own < the lane's lease < the queue's visibility timeout. */
function brokenSubmitting(settings: Settings): string[] {
  const { submitTimeoutSeconds, laneLeaseSeconds: lease } = settings;
  const submitSeconds = timing.submitTimeout.toSeconds();
  const visibilitySeconds = timing.submitVisibility().toSeconds();
  return broken(settings, [
    [
      "submitTimeoutSeconds",
      submitTimeoutSeconds < submitSeconds,
      `less than submit's timeout of ${submitSeconds} s, or Lambda ends submit before the provider's answer is stored`,
    ],
    [
      "laneLeaseSeconds",
      lease > submitSeconds,
      `more than submit's timeout of ${submitSeconds} s, or two workers may hold one lane`,
    ],
    [
      "laneLeaseSeconds",
      lease < visibilitySeconds,
      `less than the submit queue's visibility timeout of ${visibilitySeconds} s, or a message comes back while a crashed worker still holds its lane`,
    ],
  ]);
}

function brokenRequests(settings: Settings): string[] {
  const { dedupeRetentionDays, requestRetentionDays, paceMinSeconds, scheduleMaxDays } = settings;
  return broken(settings, [
    [
      "paceMaxSeconds",
      settings.paceMaxSeconds >= paceMinSeconds,
      `at least paceMinSeconds, which is ${paceMinSeconds}`,
    ],
    [
      "laneHoldSeconds",
      settings.laneHoldSeconds <= settings.resultTimeoutSeconds,
      `at most resultTimeoutSeconds, which is ${settings.resultTimeoutSeconds}: a request that has ended holds no lane`,
    ],
    [
      "unknownHoldSeconds",
      settings.unknownHoldSeconds <= settings.unknownTimeoutSeconds,
      `at most unknownTimeoutSeconds, which is ${settings.unknownTimeoutSeconds}: a request that has ended holds no lane`,
    ],
    [
      "scheduleLeadSeconds",
      Duration.seconds(settings.scheduleLeadSeconds).toMilliseconds() <=
        Duration.days(scheduleMaxDays).toMilliseconds(),
      `at most scheduleMaxDays, which is ${scheduleMaxDays} days, or nothing can be scheduled`,
    ],
    [
      "requestRetentionDays",
      requestRetentionDays >= dedupeRetentionDays,
      `at least dedupeRetentionDays, which is ${dedupeRetentionDays}, or a webhook comes for a request that is forgotten`,
    ],
    [
      "idempotencyHours",
      Duration.hours(settings.idempotencyHours).toMilliseconds() <=
        Duration.days(requestRetentionDays).toMilliseconds(),
      `at most requestRetentionDays, which is ${requestRetentionDays} days, or a key answers with a request that is forgotten`,
    ],
  ]);
}

/**
 * The POST's timeout and a margin < deliver's own < the attempt's lease. The visibility timeout of
 * the queues of attempts follows from the lease.
 */
function brokenDelivering(settings: Settings): string[] {
  const { deliveryTimeoutSeconds, deliveryRetentionDays, deliverMaxConcurrency } = settings;
  const { deliveryLeaseSeconds: lease } = settings;
  const deliverSeconds = timing.deliverTimeout.toSeconds();
  const marginSeconds = timing.deliverMargin.toSeconds();
  const delay = longestDelay(settings);
  return broken(settings, [
    [
      "deliveryTimeoutSeconds",
      deliveryTimeoutSeconds + marginSeconds < deliverSeconds,
      `less than deliver's timeout of ${deliverSeconds} s by more than ${marginSeconds} s, or Lambda ends deliver before it has stored what came of a POST`,
    ],
    [
      "deliveryLeaseSeconds",
      lease > deliverSeconds,
      `more than deliver's timeout of ${deliverSeconds} s, or two workers may hold one attempt`,
    ],
    [
      "deliveryRetentionDays",
      Duration.days(deliveryRetentionDays).toSeconds() > delay.toSeconds(),
      `more than the longest delay of deliveryDelaysSeconds, which is ${delay.toSeconds()} s with its jitter, or a delivery is forgotten before its next attempt`,
    ],
    [
      "deliveryWorkersPerEndpoint",
      settings.deliveryWorkersPerEndpoint < deliverMaxConcurrency,
      `less than deliverMaxConcurrency, which is ${deliverMaxConcurrency}, or one endpoint that hangs keeps every worker busy`,
    ],
  ]);
}

/** A setting, whether the constraint holds, and the constraint. */
type Relation = [name: keyof Settings, holds: boolean, mustBe: string];

function broken(settings: Settings, relations: Relation[]): string[] {
  return relations
    .filter(([, holds]) => !holds)
    .map(([name, , mustBe]) => `${name}: got ${settings[name]}; must be ${mustBe}`);
}

function retentionDays(): number[] {
  return Object.values(RetentionDays).filter(
    (days): days is number => typeof days === "number" && days <= RetentionDays.TEN_YEARS,
  );
}

const limits = z.toJSONSchema(settingsSchema, { io: "output" }).properties ?? {};

/** The allowed values of settings that are texts. */
const allowedTexts: Partial<Record<string, string>> = {
  defaultPreset: presetSchema.options.join(", "),
  deliveryDelaysSeconds: "seven whole numbers of seconds from 0 to 86400 separated by commas",
} satisfies Partial<Record<keyof Settings, string>>;

function describe(issues: z.core.$ZodIssue[], given: Record<string, unknown>): string[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      const allowed = Object.keys(limits).join(", ");
      return issue.keys.map((name) => `${name}: no such setting; there are ${allowed}`);
    }
    const name = String(issue.path[0]);
    return `${name}: got ${JSON.stringify(given[name])}; allowed is ${allowed(name)}`;
  });
}

function allowed(name: string): string {
  const limit = limits[name];
  if (typeof limit !== "object") return "a whole number";
  const values = allowedTexts[name] ?? `a whole number from ${limit.minimum} to ${limit.maximum}`;
  return `${values} (default ${limit.default})`;
}

/** Rejects "", null and booleans, which coercion would read as 0 or 1. */
function onlyNumeric(given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      if (name in allowedTexts) return [name, value];
      const numeric = typeof value === "number" || (typeof value === "string" && value.trim());
      return [name, numeric ? value : Number.NaN];
    }),
  );
}

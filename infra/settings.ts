import { RetentionDays } from "aws-cdk-lib/aws-logs";
import * as z from "zod/mini";
import { type Settings, settingsSchema } from "../shared/contracts/settings.ts";
import { timing } from "./timing.ts";

/** Every setting, or one line for each thing that is wrong. */
export type CheckedSettings = { settings: Settings } | { problems: string[] };

/** Fills in defaults, and checks each setting and the relations between them. */
export function checkSettings(given: Record<string, unknown>): CheckedSettings {
  const parsed = settingsSchema.safeParse(onlyNumeric(given));
  if (!parsed.success) return { problems: describe(parsed.error.issues, given) };
  const problems = brokenRelations(parsed.data);
  return problems.length === 0 ? { settings: parsed.data } : { problems };
}

/** @throws ConfigurationError that names each bad setting and what is allowed */
export function resolveSettings(given: Record<string, unknown> = {}): Settings {
  const checked = checkSettings(given);
  if ("problems" in checked) throw new ConfigurationError(checked.problems);
  return checked.settings;
}

/** A configuration that a deployer has to correct; the message names every problem. */
export class ConfigurationError extends Error {
  constructor(problems: string[]) {
    super(["Ackwire cannot be synthesised with this configuration:", ...problems].join("\n  - "));
    this.name = "ConfigurationError";
  }
}

/** Relations between settings, and between a setting and a fixed time of the pipeline. */
function brokenRelations(settings: Settings): string[] {
  const { claimLeaseSeconds: lease, inboundDeadlineMs: deadlineMs, logRetentionDays } = settings;
  const consumeSeconds = timing.consumeTimeout.toSeconds();
  const visibilitySeconds = timing.inboundVisibility(settings).toSeconds();
  const ingestMs = timing.ingestTimeout.toMilliseconds();
  const broken: string[] = [];
  if (lease <= consumeSeconds) {
    broken.push(
      `claimLeaseSeconds: got ${lease}; must be more than consume's timeout of ${consumeSeconds} s, or two workers may hold one event`,
    );
  }
  if (lease > visibilitySeconds) {
    broken.push(
      `claimLeaseSeconds: got ${lease}; must be at most the inbound queue's visibility timeout of ${visibilitySeconds} s, or a message comes back while a crashed worker still holds its event`,
    );
  }
  if (deadlineMs >= ingestMs) {
    broken.push(
      `inboundDeadlineMs: got ${deadlineMs}; must be less than ingest's timeout of ${ingestMs} ms, or Lambda ends ingest before it answers`,
    );
  }
  if (RetentionDays[logRetentionDays] === undefined) {
    broken.push(
      `logRetentionDays: got ${logRetentionDays}; CloudWatch Logs allows ${retentionDays().join(", ")}`,
    );
  }
  return broken;
}

function retentionDays(): number[] {
  return Object.values(RetentionDays).filter(
    (days): days is number => typeof days === "number" && days <= RetentionDays.TEN_YEARS,
  );
}

function describe(issues: z.core.$ZodIssue[], given: Record<string, unknown>): string[] {
  const limits = z.toJSONSchema(settingsSchema, { io: "output" }).properties ?? {};
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      const allowed = Object.keys(limits).join(", ");
      return issue.keys.map((name) => `${name}: no such setting; there are ${allowed}`);
    }
    const name = String(issue.path[0]);
    const limit = limits[name];
    const range =
      typeof limit === "object"
        ? ` from ${limit.minimum} to ${limit.maximum} (default ${limit.default})`
        : "";
    return `${name}: got ${JSON.stringify(given[name])}; allowed is a whole number${range}`;
  });
}

/** Coercion reads "", null and booleans as 0 or 1; a deployer who wrote them meant no number. */
function onlyNumeric(given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const numeric = typeof value === "number" || (typeof value === "string" && value.trim());
      return [name, numeric ? value : Number.NaN];
    }),
  );
}

import type { Node } from "constructs";
import { functionEnv } from "../shared/contracts/env.ts";
import { parseJsonOrUndefined } from "../shared/contracts/json-text.ts";
import { providerId } from "../shared/contracts/providers.ts";
import { type Settings, settingsSchema } from "../shared/contracts/settings.ts";
import { providersOwnUrls } from "./provider-urls.ts";
import { ConfigurationError, checkSettings, resolveSettings } from "./settings.ts";
import { realTime } from "./timing.ts";
import { webhookTargetsOf } from "./webhook-targets.ts";

/** The configuration of a deployment, from the CDK context: `cdk deploy -c NAME=VALUE`. */
export interface Config {
  stage: string;
  settings: Settings;
  /** The value of `BUSINESS_CLOCK`. */
  businessClock: string;
  /** The value of `PROVIDER_BASE_URLS`. */
  providerBaseUrls: string;
  /** The value of `WEBHOOK_TARGETS`. */
  webhookTargets: string;
  alarmEmail: string | undefined;
  customDomain: { domainName: string; certificateArn: string } | undefined;
}

/** Stages whose data is deleted with the stack. */
const disposableStages = ["dev", "local"];

/**
 * Returns whether tables, queues, the bus, the secret and the logs are kept when the stack
 * is deleted.
 */
export const retainsData = (stage: string): boolean => !disposableStages.includes(stage);

/**
 * Context keys other than settings. `settings` is a JSON object of settings; `-c NAME=VALUE`
 * overrides it.
 */
const contextKeys = [
  "stage",
  "settings",
  "businessClock",
  "providerBaseUrls",
  "webhookTargets",
  "alarmEmail",
  "domainName",
  "certificateArn",
];

/**
 * Reads the CDK context.
 *
 * @throws ConfigurationError that lists every unknown name and every invalid value with the allowed values
 */
export function readConfig(node: Node): Config {
  const reader = new ContextReader(node.getAllContext());
  const stage = reader.text("stage", /^[a-z][a-z0-9-]{0,31}$/) ?? "dev";
  const settings = reader.settings();
  const businessClock = reader.businessClock(stage);
  const providerBaseUrls = reader.providerBaseUrls(stage);
  const webhookTargets = reader.webhookTargets(stage) ?? webhookTargetsOf(settings);
  const alarmEmail = reader.text("alarmEmail", /^[^\s@]+@[^\s@]+$/);
  const customDomain = reader.customDomain();
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return {
    stage,
    settings,
    businessClock,
    providerBaseUrls,
    webhookTargets,
    alarmEmail,
    customDomain,
  };
}

/** Collects every problem, so that one error lists them all. */
class ContextReader {
  readonly problems: string[] = [];
  readonly #context: Record<string, unknown>;

  constructor(context: Record<string, unknown>) {
    this.#context = context;
  }

  text(key: string, pattern: RegExp): string | undefined {
    const value = this.#context[key];
    if (value === undefined) return undefined;
    if (typeof value === "string" && pattern.test(value)) return value;
    this.problems.push(`${key}: got ${JSON.stringify(value)}; must match ${pattern.source}`);
    return undefined;
  }

  settings(): Settings {
    const byName = this.#settingsByName();
    const checked = checkSettings({ ...this.#settingsObject(), ...byName });
    if ("settings" in checked) return checked.settings;
    this.problems.push(...checked.problems);
    if (Object.keys(byName).some((name) => !(name in settingsSchema.shape))) {
      this.problems.push(`besides settings, the context may have ${contextKeys.join(", ")}`);
    }
    return resolveSettings();
  }

  businessClock(stage: string): string {
    const mustBe = 'JSON text {"realMs":≥ 0,"businessMs":≥ 0,"speed":> 0}';
    return (
      this.#localOnly("businessClock", stage, { isValid: isBusinessClock, mustBe }) ?? realTime
    );
  }

  webhookTargets(stage: string): string | undefined {
    const mustBe =
      'JSON text {"ports":[from 1 to 65535, …],"allowsLocal":true or false,"refusedPorts":[…]}';
    return this.#localOnly("webhookTargets", stage, { isValid: isWebhookTargets, mustBe });
  }

  providerBaseUrls(stage: string): string {
    const value = this.#context.providerBaseUrls;
    if (value === undefined) return providersOwnUrls;
    const urls = typeof value === "string" ? readBaseUrls(value) : undefined;
    if (urls === undefined) {
      this.problems.push(
        `providerBaseUrls: got ${JSON.stringify(value)}; must be JSON text ${baseUrlsForm}, each without a query or a slash at its end`,
      );
    } else if (stage !== "local" && urls.some((url) => !url.startsWith("https://"))) {
      this.problems.push(
        `providerBaseUrls: got ${JSON.stringify(value)}; only the stage "local" may have other than https; this is "${stage}"`,
      );
    }
    return String(value);
  }

  customDomain(): Config["customDomain"] {
    const domainName = this.text("domainName", /^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
    const certificateArn = this.text("certificateArn", /^arn:[^:]+:acm:.+$/);
    if (domainName !== undefined && certificateArn !== undefined) {
      return { domainName, certificateArn };
    }
    if ((this.#context.domainName === undefined) !== (this.#context.certificateArn === undefined)) {
      this.problems.push("domainName, certificateArn: only one is given; give both or neither");
    }
    return undefined;
  }

  /** Reads a text that only the local run may set. */
  #localOnly(
    key: string,
    stage: string,
    { isValid, mustBe }: { isValid: (value: string) => boolean; mustBe: string },
  ): string | undefined {
    const value = this.#context[key];
    if (value === undefined) return undefined;
    if (stage !== "local") {
      this.problems.push(`${key}: only the stage "local" may have one; this is "${stage}"`);
    } else if (typeof value === "string" && isValid(value)) {
      return value;
    } else {
      this.problems.push(`${key}: got ${JSON.stringify(value)}; must be ${mustBe}`);
    }
    return undefined;
  }

  #settingsObject(): object {
    const given = this.#context.settings ?? {};
    const value = typeof given === "string" ? parseJsonOrUndefined(given) : given;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
    this.problems.push("settings: must be a JSON object of settings by name");
    return {};
  }

  /** Every other key of the context, except the CDK's own (`@aws-cdk/…`, `aws:cdk:…`). */
  #settingsByName(): Record<string, unknown> {
    const names = Object.entries(this.#context).filter(
      ([key]) => !contextKeys.includes(key) && !/[@:/]|^cli-telemetry$/.test(key),
    );
    return Object.fromEntries(names);
  }
}

/** The form of `providerBaseUrls`: a URL for every provider. */
const baseUrlsForm = `{${providerId.options.map((id) => `"${id}":URL`).join(",")}}`;

const isBusinessClock = (value: string): boolean =>
  functionEnv.ingest.shape.BUSINESS_CLOCK.safeParse(value).success;

const isWebhookTargets = (value: string): boolean =>
  functionEnv.deliver.shape.WEBHOOK_TARGETS.safeParse(value).success;

/** Returns the URLs, or `undefined` where they do not match the contract. */
function readBaseUrls(value: string): string[] | undefined {
  const read = functionEnv.consume.shape.PROVIDER_BASE_URLS.safeParse(value);
  const urls = read.success ? Object.values(read.data) : [];
  return urls.length > 0 && urls.every((url) => /^https?:\/\/[^?#]*[^/?#]$/.test(url))
    ? urls
    : undefined;
}

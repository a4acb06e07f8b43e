import type { Node } from "constructs";
import { parseJsonOrUndefined } from "../shared/contracts/json-text.ts";
import { type Settings, settingsSchema } from "../shared/contracts/settings.ts";
import type { Rollout, TracingProps } from "./ackwire-props.ts";
import { baseUrlsForm, isBusinessClock, isWebhookTargets, readBaseUrls } from "./config-values.ts";
import { ConfigurationError } from "./configuration-error.ts";
import { type ConsoleConfig, readConsole } from "./console-config.ts";
import { rollouts } from "./constructs/rollout.ts";
import { providersOwnUrls } from "./provider-urls.ts";
import { checkSettings, resolveSettings } from "./settings.ts";
import { readStageFile } from "./stage-file.ts";
import { realTime } from "./timing.ts";
import { readTracing } from "./tracing.ts";
import { webhookTargetsOf } from "./webhook-targets.ts";

/**
 * The configuration of a deployment: the stage's file, `stages/NAME.json`, and the CDK context
 * (`cdk deploy -c NAME=VALUE`), which overrides it.
 */
export interface Config {
  stage: string;
  settings: Settings;
  /** Whether tables, queues, the bus, the secret and the logs are kept when the stack is deleted. */
  retainData: boolean;
  /** The value of `BUSINESS_CLOCK`. */
  businessClock: string;
  /** The value of `PROVIDER_BASE_URLS`. */
  providerBaseUrls: string;
  /** The value of `WEBHOOK_TARGETS`. */
  webhookTargets: string;
  /** Where the console is served; absent: portal links are tokens without an address. */
  consoleUrl: string | undefined;
  /** How a new version of the functions takes over. */
  rollout: Rollout;
  /** Absent: the stack has no alarms. */
  alarms: AlarmConfig | undefined;
  customDomain: { domainName: string; certificateArn: string } | undefined;
  tracing: TracingProps;
  /** Absent: the stack has no console. */
  console: ConsoleConfig | undefined;
}

/** Who is notified by alarms, and where their runbooks are. */
export interface AlarmConfig {
  pageEmail: string | undefined;
  ticketEmail: string | undefined;
  /** Topics of the account that take the place of the stack's own. */
  pageTopicArn: string | undefined;
  ticketTopicArn: string | undefined;
  /** The URL of the folder of runbooks, without a slash at its end. */
  runbookBaseUrl: string | undefined;
}

/** Stages whose data is deleted with the stack, unless `retainData` says otherwise. */
const disposableStages = ["dev", "local"];

/**
 * Names other than settings. `settings` is a JSON object of settings, which the settings by name
 * override.
 */
const contextKeys = [
  "stage",
  "settings",
  "businessClock",
  "providerBaseUrls",
  "webhookTargets",
  "consoleUrl",
  "retainData",
  "rollout",
  "alarms",
  "alarmEmail",
  "pageEmail",
  "ticketEmail",
  "pageTopicArn",
  "ticketTopicArn",
  "runbookBaseUrl",
  "domainName",
  "certificateArn",
  "tracing",
  "tracingUrl",
  "traceProviders",
  "console",
  "consoleFrameAncestors",
];

/**
 * Reads the CDK context, and the file of the stage that it names (`dev` if it names none).
 *
 * @param stageFile reads the file of a stage
 * @throws ConfigurationError that lists every unknown name and every invalid value with the allowed values
 */
export function readConfig(node: Node, stageFile = readStageFile): Config {
  const context = node.getAllContext();
  const named = new ContextReader({}, context);
  const stage = named.text("stage", /^[a-z][a-z0-9-]{0,31}$/) ?? "dev";
  if (named.problems.length > 0) throw new ConfigurationError(named.problems);
  const reader = new ContextReader(stageFile(stage), context);
  const settings = reader.settings();
  const businessClock = reader.businessClock(stage);
  const providerBaseUrls = reader.providerBaseUrls(stage);
  const webhookTargets = reader.webhookTargets(stage) ?? webhookTargetsOf(settings);
  const retainData =
    reader.oneOf("retainData", ["true", "false"]) ?? String(!disposableStages.includes(stage));
  const rollout = reader.oneOf("rollout", rollouts) ?? "AllAtOnce";
  const alarms = reader.alarms(stage);
  const customDomain = reader.customDomain();
  const tracing = readTracing(reader);
  const consoleUrl = reader.consoleUrl(stage);
  const console = readConsole(reader);
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return {
    stage,
    settings,
    retainData: retainData === "true",
    businessClock,
    providerBaseUrls,
    webhookTargets,
    consoleUrl,
    rollout,
    alarms,
    customDomain,
    tracing,
    console,
  };
}

/** Collects every problem, so that one error lists them all. */
class ContextReader {
  readonly problems: string[] = [];
  /** The configuration of the stage's file and the context, in this order: later ones override. */
  readonly #layers: readonly Record<string, unknown>[];
  readonly #context: Record<string, unknown>;

  constructor(...layers: Record<string, unknown>[]) {
    this.#layers = layers;
    this.#context = Object.assign({}, ...layers);
  }

  text(key: string, pattern: RegExp): string | undefined {
    const value = this.#context[key];
    if (value === undefined) return undefined;
    if (typeof value === "string" && pattern.test(value)) return value;
    this.problems.push(`${key}: got ${JSON.stringify(value)}; must match ${pattern.source}`);
    return undefined;
  }

  oneOf<Value extends string>(key: string, values: readonly Value[]): Value | undefined {
    const value = this.#context[key];
    if (value === undefined) return undefined;
    const known = values.find((one) => one === String(value));
    if (known === undefined) {
      this.problems.push(`${key}: got ${JSON.stringify(value)}; must be ${values.join(" or ")}`);
    }
    return known;
  }

  /**
   * Alarms are on, except in the stage `dev`, where nobody is woken: there they are on when
   * somebody is to be notified.
   */
  alarms(stage: string): AlarmConfig | undefined {
    const email = /^[^\s@]+@[^\s@]+$/;
    const topic = /^arn:[^:]+:sns:[^:]+:\d{12}:[\w-]+$/;
    const pageTopicArn = this.text("pageTopicArn", topic);
    const ticketTopicArn = this.text("ticketTopicArn", topic);
    const alarmEmail = this.text("alarmEmail", email);
    const pageEmail = this.text("pageEmail", email);
    const ticketEmail = this.text("ticketEmail", email);
    const runbookBaseUrl = this.text("runbookBaseUrl", /^https:\/\/[^\s?#]*[^\s?#/]$/);
    const given = Object.entries({
      ...{ alarmEmail, pageEmail, ticketEmail, pageTopicArn, ticketTopicArn },
    }).flatMap(([key, value]) => (value === undefined ? [] : [key]));
    const isOnByDefault = stage !== "dev" || given.length > 0;
    if (this.oneOf("alarms", ["on", "off"]) === "off") {
      for (const key of given) this.problems.push(`${key}: is given, but alarms is off`);
      return undefined;
    }
    this.#topicOrEmail("page", pageTopicArn, pageEmail);
    this.#topicOrEmail("ticket", ticketTopicArn, ticketEmail);
    if (alarmEmail !== undefined && pageTopicArn !== undefined && ticketTopicArn !== undefined) {
      this.problems.push("alarmEmail: every alarm goes to a topic of yours; subscribe it there");
    }
    if (!isOnByDefault && this.#context.alarms === undefined) return undefined;
    return {
      pageTopicArn,
      ticketTopicArn,
      pageEmail: pageEmail ?? (pageTopicArn === undefined ? alarmEmail : undefined),
      ticketEmail: ticketEmail ?? (ticketTopicArn === undefined ? alarmEmail : undefined),
      runbookBaseUrl,
    };
  }

  #topicOrEmail(kind: "page" | "ticket", topic: string | undefined, email: string | undefined) {
    if (topic === undefined || email === undefined) return;
    this.problems.push(
      `${kind}Email: these alarms go to ${kind}TopicArn; subscribe the address to that topic`,
    );
  }

  settings(): Settings {
    const byName = Object.assign({}, ...this.#layers.map(settingsByName));
    const layers = this.#layers.map((layer) => ({
      ...this.#settingsObject(layer),
      ...settingsByName(layer),
    }));
    const checked = checkSettings(Object.assign({}, ...layers));
    if ("settings" in checked) return checked.settings;
    this.problems.push(...checked.problems);
    if (Object.keys(byName).some((name) => !(name in settingsSchema.shape))) {
      this.problems.push(`besides settings, there may be ${contextKeys.join(", ")}`);
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

  consoleUrl(stage: string): string | undefined {
    return this.text(
      "consoleUrl",
      stage === "local" ? /^https?:\/\/[^\s?#]*[^\s?#/]$/ : /^https:\/\/[^\s?#]*[^\s?#/]$/,
    );
  }

  providerBaseUrls(stage: string): string {
    const given = this.#context.providerBaseUrls;
    if (given === undefined) return providersOwnUrls;
    // A stage file has an object, and the command line its text.
    const value = typeof given === "object" ? JSON.stringify(given) : given;
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

  #settingsObject(layer: Record<string, unknown>): object {
    const given = layer.settings ?? {};
    const value = typeof given === "string" ? parseJsonOrUndefined(given) : given;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
    this.problems.push("settings: must be a JSON object of settings by name");
    return {};
  }
}

/** Returns every other key, except the CDK's own (`@aws-cdk/…`, `aws:cdk:…`). */
function settingsByName(layer: Record<string, unknown>): Record<string, unknown> {
  const names = Object.entries(layer).filter(
    ([key]) => !contextKeys.includes(key) && !/[@:/]|^cli-telemetry$/.test(key),
  );
  return Object.fromEntries(names);
}

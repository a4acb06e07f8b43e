import type { ClockAnchor } from "../../local/clock/clock.ts";
import type { TemplateDocument } from "../../local/template/assembly.ts";
import { functionSettingNames, settingsSchema } from "../../shared/contracts/settings.ts";

/** The base URL of the providers in a built stack, which a run replaces by its own. */
export const PROVIDER_PLACEHOLDER = "http://127.0.0.1:1/provider";

/**
 * Real milliseconds within which a call has to be answered: ten times as long as in a deployed
 * stage, so that a busy machine changes no result.
 */
const INBOUND_DEADLINE_MS = 10_000;

/** What is different in each run of the same stack. */
export interface RunVariables {
  clock: ClockAnchor;
  providerUrl: string;
  /** Ports on loopback that no webhook may have. */
  refusedPorts: readonly number[];
  settings: Readonly<Record<string, string | number>>;
}

/**
 * Returns the stack with the variables of a run.
 *
 * @throws TypeError that lists each setting that does not exist or is out of its range
 */
export function withVariables(document: TemplateDocument, run: RunVariables): TemplateDocument {
  const settings = checked(run.settings);
  const replaced: Readonly<Record<string, (value: string) => string>> = {
    BUSINESS_CLOCK: () => JSON.stringify(run.clock),
    PROVIDER_BASE_URLS: (value) => value.replaceAll(PROVIDER_PLACEHOLDER, run.providerUrl),
    WEBHOOK_TARGETS: (value) =>
      JSON.stringify({ ...JSON.parse(value), refusedPorts: run.refusedPorts }),
    SETTINGS: (value) =>
      JSON.stringify({
        ...JSON.parse(value),
        inboundDeadlineMs: INBOUND_DEADLINE_MS,
        ...settings,
      }),
  };
  const Resources = Object.fromEntries(
    Object.entries(document.Resources).map(([id, resource]) => {
      if (resource.Type !== "AWS::Lambda::Function") return [id, resource];
      const { Environment, ...others } = resource.Properties;
      const { Variables } = Environment as { Variables: Record<string, unknown> };
      const variables = Object.entries(Variables).map(([name, value]) => {
        const replace = replaced[name];
        return [name, replace ? replace(String(value)) : value];
      });
      const Properties = { ...others, Environment: { Variables: Object.fromEntries(variables) } };
      return [id, { ...resource, Properties }];
    }),
  );
  return { ...document, Resources };
}

/** Returns the folder of a function: `consume` for `AckwireConsumeFunction` and a hash. */
export function functionNameOf(logicalId: string): string {
  return (/^Ackwire(\w+)Function/.exec(logicalId)?.[1] ?? logicalId).toLowerCase();
}

function checked(given: RunVariables["settings"]): Record<string, unknown> {
  const names = Object.keys(given);
  const unknown = names.filter((name) => !functionSettingNames.some((one) => one === name));
  const read = settingsSchema.safeParse(given);
  const invalid = read.success ? [] : read.error.issues.map(({ path }) => String(path[0]));
  const problems = new Set([...unknown, ...invalid]);
  if (problems.size > 0) {
    const list = [...problems].map((name) => `${name}: ${JSON.stringify(given[name])}`).join(", ");
    throw new TypeError(`These settings do not exist or are out of their range: ${list}`);
  }
  return Object.fromEntries(
    Object.entries(read.data ?? {}).filter(([name]) => names.includes(name)),
  );
}

import type { Config } from "./config.ts";

/** The key of the configuration in the metadata of the stack's template. */
export const configMetadataKey = "Ackwire";

/** The configuration of a stage as its template states it: values by name, as in a stage file. */
export type DeployedConfig = Record<string, string | number | boolean>;

/**
 * Returns the values of a stage that a deployment can change, defaults included. None of them is a
 * secret.
 */
export function deployedConfig(config: Config): DeployedConfig {
  const { settings, retainData, rollout, providerBaseUrls, consoleUrl } = config;
  const { alarms, customDomain, tracing, console } = config;
  const values = {
    retainData,
    rollout,
    alarms: alarms === undefined ? "off" : "on",
    ...alarms,
    ...customDomain,
    ...(console && {
      console: "on",
      ...(console.frameAncestors.length > 0 && {
        consoleFrameAncestors: console.frameAncestors.join(" "),
      }),
    }),
    providerBaseUrls,
    consoleUrl,
    tracing: tracing.exporter,
    tracingUrl: tracing.url,
    traceProviders: tracing.tracesProviders,
    ...settings,
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/**
 * The package `@ackwire/cdk`: the construct and the types of its properties.
 */
export type {
  AckwireProps,
  AlarmsProps,
  ConsoleProps,
  CustomDomain,
  GradualRollout,
  LogLevel,
  Network,
  Rollout,
  TracingProps,
} from "../infra/ackwire-props.ts";
export type { AckwireSettings } from "../infra/ackwire-settings.ts";
export { ConfigurationError } from "../infra/configuration-error.ts";
export { Ackwire } from "../infra/constructs/ackwire.ts";

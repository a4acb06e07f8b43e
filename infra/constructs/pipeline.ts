import type { RemovalPolicy } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { Settings } from "../../shared/contracts/settings.ts";
import type { LogLevel } from "../ackwire-props.ts";
import type { Binding } from "./binding.ts";
import type { PublicApi } from "./public-api.ts";
import type { Stores } from "./stores.ts";

/** What each part of the pipeline is built from. */
export interface PipelineProps {
  settings: Settings;
  stores: Stores;
  /** What every function has: its logs, and the key of the data. */
  logs: {
    removalPolicy: RemovalPolicy;
    logRetentionDays: number;
    logLevel: LogLevel | undefined;
    encryptionKey: IKey | undefined;
  };
  variables: SharedVariables;
}

/** Props of a part whose functions are called over HTTP. */
export interface HttpPipelineProps extends PipelineProps {
  publicApi: PublicApi;
}

/** Environment variables that several functions have. */
export interface SharedVariables {
  STACK: string;
  LOG_LEVEL: LogLevel;
  BUSINESS_CLOCK: string;
  SETTINGS: string;
  PROVIDER_BASE_URLS: string;
  WEBHOOK_TARGETS: string;
  TRACING: string;
  /** `TRACING` of the functions that send spans, with the permission that it may need. */
  TRACING_WITH_SPANS: Binding;
  CONSOLE_URL: string;
}

import type { RemovalPolicy } from "aws-cdk-lib";
import type { Settings } from "../../shared/contracts/settings.ts";
import type { Binding } from "./binding.ts";
import type { PublicApi } from "./public-api.ts";
import type { Stores } from "./stores.ts";

/** What each part of the pipeline is built from. */
export interface PipelineProps {
  settings: Settings;
  stores: Stores;
  /** Retention of every function's logs. */
  logs: { removalPolicy: RemovalPolicy; logRetentionDays: number };
  variables: SharedVariables;
}

/** Props of a part whose functions are called over HTTP. */
export interface HttpPipelineProps extends PipelineProps {
  publicApi: PublicApi;
}

/** Environment variables that several functions have. */
export interface SharedVariables {
  STACK: string;
  BUSINESS_CLOCK: string;
  SETTINGS: string;
  PROVIDER_BASE_URLS: string;
  WEBHOOK_TARGETS: string;
  TRACING: string;
  /** `TRACING` of the functions that send spans, with the permission that it may need. */
  TRACING_WITH_SPANS: Binding;
  CONSOLE_URL: string;
}

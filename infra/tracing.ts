import { Aws } from "aws-cdk-lib";
import type { Tracing } from "../shared/contracts/tracing.ts";
import type { TracingProps } from "./ackwire-props.ts";
import type { Binding } from "./constructs/binding.ts";

/** Reads values by name, and collects what is wrong with them. */
interface Reader {
  readonly problems: string[];
  text(key: string, pattern: RegExp): string | undefined;
  oneOf<Value extends string>(key: string, values: readonly Value[]): Value | undefined;
}

/** Reads `tracing`, `tracingUrl` and `traceProviders` of a stage. */
export function readTracing(reader: Reader): TracingProps {
  const exporter = reader.oneOf("tracing", ["off", "otlp", "xray"]) ?? "off";
  const url = reader.text("tracingUrl", /^https?:\/\/[^\s?#]+$/);
  const isInvalid = reader.problems.some((problem) => problem.startsWith("tracingUrl:"));
  if (exporter === "otlp" && url === undefined && !isInvalid) {
    reader.problems.push(
      "tracingUrl: is missing; with otlp it is the collector's, such as http://localhost:4318/v1/traces",
    );
  }
  if (exporter !== "otlp" && url !== undefined) {
    reader.problems.push(`tracingUrl: is given, but tracing is ${exporter}`);
  }
  const tracesProviders = reader.oneOf("traceProviders", ["true", "false"]) === "true";
  return { exporter, url, tracesProviders };
}

/** <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html> */
const xrayUrl = `https://xray.${Aws.REGION}.${Aws.URL_SUFFIX}/v1/traces`;

/** Returns the value of `TRACING`. */
export function tracingText({ exporter = "off", url, tracesProviders }: TracingProps): string {
  const target = exporter === "xray" ? xrayUrl : url;
  return JSON.stringify({
    exporter,
    ...(target === undefined ? {} : { url: target }),
    ...(exporter === "xray" ? { region: Aws.REGION } : {}),
    ...(tracesProviders ? { tracesProviders } : {}),
  } satisfies Tracing);
}

/** `TRACING` of a function that sends spans. */
export function exportsSpans(props: TracingProps): Binding {
  return {
    value: tracingText(props),
    permissions: props.exporter === "xray" ? [writesSpans] : [],
  };
}

const writesSpans = {
  actions: ["xray:PutTraceSegments", "xray:PutSpans", "xray:PutSpansForIndexing"],
  resource: "*",
  acknowledged: [
    {
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "X-Ray has no resources that an action on spans could name",
    },
  ],
};

import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { build } from "../../infra/constructs/bundle.ts";
import { type FunctionName, functionEnv } from "../../shared/contracts/env.ts";
import { durations, type MetricName, metrics } from "../../shared/contracts/metrics.ts";
import { all, synth } from "./synth.ts";

const functionNames = Object.keys(functionEnv) as FunctionName[];

interface MetricOfAlarm {
  Namespace?: string;
  MetricName?: string;
  Dimensions?: { Name: string; Value: string }[];
}

/** What CloudWatch identifies a metric by, as one text. */
function identity(namespace: string, name: string, dimensions: Record<string, unknown>): string {
  return JSON.stringify([namespace, name, Object.entries(dimensions).sort()]);
}

/** Returns the identities of the functions' own metrics that the alarms of a stage watch. */
function watched(context: Record<string, unknown>): Set<string> {
  const alarms = all(synth(context).resources, "AWS::CloudWatch::Alarm");
  const sources = alarms.flatMap(([, { Properties }]) => [
    Properties as MetricOfAlarm,
    ...((Properties.Metrics ?? []) as { MetricStat?: { Metric: MetricOfAlarm } }[]).flatMap(
      ({ MetricStat }) => MetricStat?.Metric ?? [],
    ),
  ]);
  return new Set(
    sources
      .filter(({ Namespace }) => Namespace === "Ackwire")
      .map(({ Namespace = "", MetricName = "", Dimensions = [] }) =>
        identity(
          Namespace,
          MetricName,
          Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
        ),
      ),
  );
}

/** Returns the identities of the functions' own metrics that the dashboard of a stage shows. */
function shown(context: Record<string, unknown>): Set<string> {
  const [[, dashboard] = []] = all(synth(context).resources, "AWS::CloudWatch::Dashboard");
  const body = JSON.stringify(dashboard?.Properties).replaceAll('\\"', '"');
  const metric = /\["Ackwire","(\w+)","service","(\w+)","stack","([\w-]+)"/g;
  return new Set(
    [...body.matchAll(metric)].map(([, name = "", service, stack]) =>
      identity("Ackwire", name, { service, stack }),
    ),
  );
}

interface EmbeddedMetrics {
  [field: string]: unknown;
  _aws: {
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[];
  };
}

/**
 * Returns the identities of the metrics in the lines that the functions of a stack write, as
 * CloudWatch Logs reads them. Each function writes those whose name its bundle contains: the types
 * have no names at run time, so that a name is there only where it is counted.
 */
function emitted(stack: string): Set<string> {
  const counts = functionNames.map((name) => {
    const code = [...build(`functions/${name}/handler.ts`)]
      .filter(([file]) => file.endsWith(".js"))
      .map(([, text]) => text)
      .join("\n");
    const counted = (Object.keys({ ...metrics, ...durations }) as MetricName[]).filter((metric) =>
      // `reconcile` maps its results to metrics by the keys of an object.
      new RegExp(`["'\`]${metric}["'\`]|\\b${metric}:`).test(code),
    );
    return { name, counted };
  });
  const program = `
    import { makeTelemetry } from "./shared/runtime/telemetry.ts";
    for (const { name, counted } of ${JSON.stringify(counts)}) {
      const telemetry = makeTelemetry(name, { STACK: ${JSON.stringify(stack)}, LOG_LEVEL: "INFO" });
      for (const metric of counted) telemetry.count(metric);
      telemetry.flush();
    }`;
  const lines = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  return new Set(
    lines
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as EmbeddedMetrics)
      .flatMap((line) =>
        line._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
          Metrics.flatMap(({ Name }) =>
            Dimensions.map((names) =>
              identity(
                Namespace,
                Name,
                Object.fromEntries(names.map((dimension) => [dimension, line[dimension]])),
              ),
            ),
          ),
        ),
      ),
  );
}

const ofProd = emitted("ackwire-prod");

test("Every metric that an alarm watches is one that a function writes", () => {
  const alarms = watched({ stage: "prod" });
  expect(alarms.size).toBeGreaterThan(20);
  expect([...alarms].filter((one) => !ofProd.has(one))).toEqual([]);
});

test("Every metric that the dashboard shows is one that a function writes", () => {
  const graphs = shown({ stage: "prod" });
  expect(graphs.size).toBeGreaterThan(10);
  expect([...graphs].filter((one) => !ofProd.has(one))).toEqual([]);
});

test("Every metric that a function writes has an alarm or a graph, except a wrong key", () => {
  const used = new Set([...watched({ stage: "prod" }), ...shown({ stage: "prod" })]);
  expect([...ofProd].filter((one) => !used.has(one))).toEqual([
    identity("Ackwire", "ApiKeyRejected", { service: "api", stack: "ackwire-prod" }),
    identity("Ackwire", "ApiKeyRejected", { service: "operator", stack: "ackwire-prod" }),
  ]);
});

test("What the functions of one stage count is no metric of an alarm of another", () => {
  const alarms = watched({ stage: "staging" });
  expect(alarms.size).toBeGreaterThan(20);
  expect([...alarms].filter((one) => ofProd.has(one))).toEqual([]);
});

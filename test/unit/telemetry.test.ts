import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

/** The log level of a function, the level of Lambda's own filter, and those of the lines. */
const cases = [
  ["DEBUG", "DEBUG", ["DEBUG", "INFO", "WARN", "ERROR"]],
  ["INFO", "INFO", ["INFO", "WARN", "ERROR"]],
  ["WARN", "INFO", ["WARN", "ERROR"]],
  ["ERROR", "INFO", ["ERROR"]],
  ["FATAL", "INFO", []],
] as const;

interface Line {
  service: string;
  level?: string;
  _aws?: object;
}

/** Logs a line of each level and counts once, as a function that is named after its log level. */
const program = `
  import { makeTelemetry } from "./shared/runtime/telemetry.ts";
  for (const [level, lambdaLevel] of ${JSON.stringify(cases)}) {
    process.env.AWS_LAMBDA_LOG_LEVEL = lambdaLevel;
    const telemetry = makeTelemetry(level, { STACK: "ackwire-prod", LOG_LEVEL: level });
    for (const one of ["debug", "info", "warn", "error"]) telemetry.log(one, "batch failed");
    telemetry.count("MessageFailed");
    telemetry.flush();
  }`;

test("A function writes lines from its log level on, and its metrics at every level", () => {
  const args = ["--input-type=module", "--eval", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  const lines = `${stdout}\n${stderr}`
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);
  for (const [level, , levels] of cases) {
    const own = lines.filter(({ service }) => service === level);
    const logged = own.flatMap((line) => line.level ?? []);
    expect([level, logged.toSorted()]).toEqual([level, [...levels].toSorted()]);
    const metrics = own.filter(({ _aws }) => _aws !== undefined);
    expect(metrics).toMatchObject([{ MessageFailed: 1 }]);
  }
});

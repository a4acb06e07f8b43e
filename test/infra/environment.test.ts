import { expect, test } from "vitest";
import { type FunctionName, functionEnv } from "../../shared/contracts/env.ts";
import { functionSettingNames } from "../../shared/contracts/settings.ts";
import { find, type Resource, synth } from "./synth.ts";

const { resources } = synth();
const names = Object.keys(functionEnv) as FunctionName[];

/** Returns a function's variables; those that only a deployment resolves have a placeholder. */
function variables(lambda: Resource): Record<string, string> {
  const { Variables } = lambda.Properties.Environment as { Variables: Record<string, unknown> };
  return Object.fromEntries(
    Object.entries(Variables).map(([key, value]) => [
      key,
      typeof value === "string" ? value : "resolved-at-deployment",
    ]),
  );
}

const lambdaOf = (name: string) =>
  find(resources, "AWS::Lambda::Function", `Ackwire${name[0]?.toUpperCase()}${name.slice(1)}`);

/** The size limit of the environment variables of one function: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_ENVIRONMENT_BYTES = 4_096;

/** Longer than the name, URL or ARN of any resource of the stack. */
const RESOLVED_BYTES = 180;

test("The stack has exactly one function for each environment contract", () => {
  const lambdas = Object.values(resources).filter(({ Type }) => Type === "AWS::Lambda::Function");
  expect(names.length).toBeGreaterThan(0);
  expect(lambdas).toHaveLength(names.length);
});

test.each(names)(
  "The function %s has exactly the variables of its contract, with values that parse",
  (name) => {
    const given = variables(lambdaOf(name));
    expect(Object.keys(given).sort()).toEqual(Object.keys(functionEnv[name].shape).sort());
    expect(functionEnv[name].safeParse(given)).toMatchObject({ success: true });
  },
);

test("Every function has the same settings", () => {
  const texts = names.map((name) => variables(lambdaOf(name)).SETTINGS);
  expect(new Set(texts).size).toBe(1);
  const settings = JSON.parse(texts[0] ?? "") as object;
  expect(Object.keys(settings).sort()).toEqual([...functionSettingNames].sort());
  expect(settings).toMatchObject({ claimLeaseSeconds: 30, requestRetentionDays: 90 });
});

test.each(names)("The environment of %s fits into Lambda's 4 KB, also with long values", (name) => {
  const longest = synth({
    deliveryDelaysSeconds: "36000,36000,36000,36000,36000,36000,36000",
    queueTimeoutSeconds: 31_536_000,
    resultTimeoutSeconds: 31_536_000,
    actionTimeoutSeconds: 31_536_000,
    unknownTimeoutSeconds: 31_536_000,
    requestRetentionDays: 3_650,
  }).resources;
  const id = `Ackwire${name[0]?.toUpperCase()}${name.slice(1)}`;
  const { Variables } = find(longest, "AWS::Lambda::Function", id).Properties.Environment as {
    Variables: Record<string, unknown>;
  };
  const sizes = Object.entries(Variables).map(
    ([key, value]) => key.length + (typeof value === "string" ? value.length : RESOLVED_BYTES),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_ENVIRONMENT_BYTES);
});

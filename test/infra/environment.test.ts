import { expect, test } from "vitest";
import { type FunctionName, functionEnv } from "../../shared/contracts/env.ts";
import { find, type Resource, synth } from "./synth.ts";

const { resources } = synth();
const names = Object.keys(functionEnv) as FunctionName[];

/** Variables as a deployment resolves them; what is not known before has some text. */
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

test("there is a function for each contract and none besides", () => {
  const lambdas = Object.values(resources).filter(({ Type }) => Type === "AWS::Lambda::Function");
  expect(names.length).toBeGreaterThan(0);
  expect(lambdas).toHaveLength(names.length);
});

test.each(names)(
  "%s gets exactly the variables of its contract, with values that parse",
  (name) => {
    const given = variables(lambdaOf(name));
    expect(Object.keys(given).sort()).toEqual(Object.keys(functionEnv[name].shape).sort());
    expect(functionEnv[name].safeParse(given)).toMatchObject({ success: true });
  },
);

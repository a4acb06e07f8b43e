import { expect, test } from "vitest";
import { proveTemplate } from "../security/rights.ts";

test("The proof of S4 finds no wildcard action, and no finding of cdk-nag without a reason", () => {
  expect(proveTemplate().map(({ name, isReached }) => [name, isReached])).toEqual([
    ["actions with a wildcard", true],
    ["findings of cdk-nag that are not acknowledged", true],
    ["findings of cdk-nag that are acknowledged", true],
    ["acknowledged findings without a reason", true],
  ]);
});

import { expect } from "vitest";
import { callApi } from "../runs/call-api.ts";
import type { TestRun } from "../runs/local-run.ts";

/** The one limit of each account at the simulated Linked API. */
export const simulatedLimit = {
  category: "stMessages",
  period: "daily",
  maxValue: 40,
  isEnabled: true,
} as const;

/** Gives an account at Ackwire the limit that it has at the simulated Linked API. */
export async function haveSimulatedLimit(run: TestRun, accountId: string): Promise<void> {
  const { category, maxValue: max } = simulatedLimit;
  const { status } = await callApi(`${run.addresses.apiUrl}/v1/accounts/${accountId}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${run.seed.apiKey}` },
    body: { provider: "linked-api", limits: [{ category, per: "day", max }] },
  });
  expect(status).toBe(200);
}

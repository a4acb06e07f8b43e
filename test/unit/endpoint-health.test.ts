import { expect, test } from "vitest";
import { healthOf, withSlowAttempt } from "../../shared/core/deliveries/state/endpoint-health.ts";

const endpoint = { clientId: "cl_1", webhookId: "wh_1", endpointNumber: 1 };

test("An attempt that is slow and has not ended makes its endpoint slow, and leaves the count of failures as it is", () => {
  const health = { ...healthOf(undefined, endpoint), isFast: true, consecutiveFailures: 4 };
  expect(withSlowAttempt(health)).toMatchObject({ isFast: false, consecutiveFailures: 4 });
});

import { expect, test } from "vitest";
import { makeDeliveryContext } from "../../shared/composition/delivery-use-cases.ts";
import { makeDecisionContext } from "../../shared/composition/request-use-cases.ts";
import { settingsSchema } from "../../shared/contracts/settings.ts";
import { deliveryRulesOf } from "../../shared/core/deliveries/state/delivery-rules.ts";
import { requestRulesOf } from "../../shared/core/requests/state/request-rules.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const settings = settingsSchema.parse({});

test("The context of a decision about a delivery has both clocks, the speed and the rules", () => {
  const clock = makeTestClock(1_000);
  const rules = deliveryRulesOf(settings);
  const context = makeDeliveryContext({ clock, speed: 60, rules });
  clock.passBusiness(1);
  expect(context()).toEqual({ nowMs: 1_001, nowRealMs: 1_000, speed: 60, rules });
});

test("The context of a decision about a request has both clocks and the rules", () => {
  const clock = makeTestClock(1_000);
  const rules = requestRulesOf(settings);
  const context = makeDecisionContext({ clock, rules });
  clock.passBusiness(1);
  expect(context()).toEqual({ nowMs: 1_001, nowRealMs: 1_000, rules });
});

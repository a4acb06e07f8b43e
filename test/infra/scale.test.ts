import { expect, test } from "vitest";
import { needsOfEvents, needsOfSchedules } from "../../bench/scale/model.ts";
import { resolveSettings } from "../../infra/settings.ts";
import { all, synth } from "./synth.ts";

// The limits of docs/scale.md that this stack sets, against the stack.

const { resources } = synth();
const none = { events: [], deliveries: [], requests: [], settings: resolveSettings() };
const limitOf = (setting: string) =>
  [...needsOfEvents(none), ...needsOfSchedules(none)].find(({ name }) =>
    name.includes(`\`${setting}\``),
  )?.limit;
const concurrencyOf = (functionName: string) =>
  all(resources, "AWS::Lambda::EventSourceMapping")
    .filter(([, { Properties }]) => JSON.stringify(Properties.FunctionName).includes(functionName))
    .map(([, { Properties }]) => Properties.ScalingConfig as { MaximumConcurrency: number })
    .map(({ MaximumConcurrency }) => MaximumConcurrency);

test("The API's rate is that of the model", () => {
  const [stage] = all(resources, "AWS::ApiGatewayV2::Stage");
  expect(stage?.[1].Properties.DefaultRouteSettings).toMatchObject({
    ThrottlingRateLimit: limitOf("apiThrottleRate"),
  });
});

test("The maximum concurrencies of the queues are those of the model", () => {
  expect(concurrencyOf("Consume")).toEqual([limitOf("consumeMaxConcurrency")]);
  expect(concurrencyOf("Submit")).toEqual([limitOf("submitMaxConcurrency")]);
  // The events queue, the attempts queue and the retries queue.
  const [first = 0, second = 0, third] = concurrencyOf("Deliver");
  expect(first + second).toBe(limitOf("deliverMaxConcurrency"));
  expect(third).toBe(first);
});

test("No function reserves concurrency: all share that of the account, as the model has it", () => {
  const reserved = all(resources, "AWS::Lambda::Function").filter(
    ([, { Properties }]) => Properties.ReservedConcurrentExecutions !== undefined,
  );
  expect(reserved).toEqual([]);
});

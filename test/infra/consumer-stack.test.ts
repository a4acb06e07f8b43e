import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { ConsumerStack } from "../../examples/consumer-stack/consumer-stack.ts";
import { ReceivingStack } from "../../examples/consumer-stack/receiving-stack.ts";
import { EVENT_SOURCE, eventTypes } from "../../shared/contracts/events.ts";
import type { Resource } from "./synth.ts";

const otherBusArn = "arn:aws:events:eu-west-1:222222222222:event-bus/ackwire-events";

interface Target {
  Arn: unknown;
  DeadLetterConfig?: { Arn: unknown };
}

interface RuleProperties {
  EventBusName: string;
  EventPattern: {
    source: string[];
    "detail-type"?: (string | { prefix: string })[];
    detail?: unknown;
  };
  Targets: Target[];
}

function rulesOf(clientIds?: readonly string[]) {
  const stack = new ConsumerStack(new App(), "Consumer", {
    busName: "the-bus",
    otherBusArn,
    ...(clientIds && { clientIds }),
  });
  const rules = Template.fromStack(stack).findResources("AWS::Events::Rule");
  return Object.entries(rules as Record<string, Resource>).map(
    ([id, { Properties }]) => [id, Properties as unknown as RuleProperties] as const,
  );
}

test("The example has a rule for a queue, a function, a state machine and another account's bus", () => {
  const rules = rulesOf();
  const targets = Object.fromEntries(
    rules.map(([id, { Targets }]) => [
      id.replace(/[0-9A-F]{8}$/, ""),
      JSON.stringify(Targets[0]?.Arn),
    ]),
  );
  expect(targets).toEqual({
    Results: expect.stringContaining("ResultsQueue"),
    Accounts: expect.stringContaining("CountAccountEvents"),
    Failures: expect.stringContaining("FailedDelivery"),
    Everything: JSON.stringify(otherBusArn),
  });
  for (const [id, { EventBusName, EventPattern, Targets }] of rules) {
    expect(EventBusName, id).toBe("the-bus");
    expect(EventPattern.source, id).toEqual([EVENT_SOURCE]);
    expect(Targets[0]?.DeadLetterConfig?.Arn, id).toBeDefined();
  }
});

test("Every pattern of the example matches an event type that exists", () => {
  const patterns = rulesOf().flatMap(([, { EventPattern }]) => EventPattern["detail-type"] ?? []);
  expect(patterns.length).toBeGreaterThan(3);
  for (const pattern of patterns) {
    const matching = eventTypes.filter((type) =>
      typeof pattern === "string" ? type === pattern : type.startsWith(pattern.prefix),
    );
    expect(matching.length, JSON.stringify(pattern)).toBeGreaterThan(0);
  }
});

test("The example can be limited to the events of some clients", () => {
  for (const [, { EventPattern }] of rulesOf(["cl_1"])) {
    expect(EventPattern.detail).toEqual({ clientId: ["cl_1"] });
  }
});

test("The bus of the other account takes events of one account and one source", () => {
  const stack = new ReceivingStack(new App(), "Receiving", { sendingAccount: "111111111111" });
  const template = Template.fromStack(stack);
  template.hasResourceProperties("AWS::Events::EventBusPolicy", {
    Statement: {
      Effect: "Allow",
      Action: "events:PutEvents",
      Condition: { StringEquals: { "events:source": EVENT_SOURCE } },
    },
  });
  expect(JSON.stringify(template.toJSON())).toContain("111111111111:root");
});

test("The function of the example handles a duplicate once", async () => {
  const file = "../../examples/consumer-stack/count-account-events/index.mjs";
  const { handler } = await import(new URL(file, import.meta.url).href);
  const lines: string[] = [];
  const log = console.log;
  console.log = (line: string) => lines.push(line);
  try {
    const detail = { id: "ev_1", clientId: "cl_1" };
    await handler({ "detail-type": "account.frozen", detail });
    await handler({ "detail-type": "account.frozen", detail });
  } finally {
    console.log = log;
  }
  expect(lines).toEqual(['{"type":"account.frozen","client":"cl_1","event":"ev_1"}']);
});

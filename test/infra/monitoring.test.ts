import { describe, expect, test } from "vitest";
import { alarmCatalogue } from "../../infra/monitoring/alarms.ts";
import { savedQueries } from "../../infra/monitoring/queries.ts";
import { burnRateCatalogue, burnThreshold } from "../../infra/monitoring/slo.ts";
import { resolveSettings } from "../../infra/settings.ts";
import { filesBelow, textOf } from "../support/tree.ts";
import { all, find, synth } from "./synth.ts";

const ids = [...alarmCatalogue, ...burnRateCatalogue].map(({ id }) => id);
const { resources } = synth({ stage: "prod" });

test("The dashboard shows the state of every alarm, and graphs of what a stage does and costs", () => {
  const body = JSON.stringify(find(resources, "AWS::CloudWatch::Dashboard").Properties);
  for (const [id, { Properties }] of Object.entries(resources)) {
    if (!ids.some((one) => Properties?.AlarmName === `ackwire-prod-${one}`)) continue;
    expect(body).toContain(`"Fn::GetAtt":["${id}","Arn"]`);
  }
  const titles = [...body.matchAll(/\\"title\\":\\"(.*?)\\"/g)].map(([, title]) => title);
  expect(titles).toEqual([
    ...["Alarms", "Accepted", "Published", "Deliveries by result"],
    ...["Ack, ms", "Due to submitted, s", "Delivery to first POST, s"],
    ...["Oldest in a lane, s", "Lanes that wait for a budget", "Endpoints"],
    ...["Oldest message, s", "Waiting messages", "Dead letters"],
    "Answered without 5xx within 1000 ms: % missed",
    "Submitted within 90 s of its time: % missed",
    "First POST within 10 s of the delivery: % missed",
    ...["Table units", "SQS messages sent, received and deleted, and empty receives"],
    "Invocations",
  ]);
});

test.each([
  ["consume", "several fail in two", { Threshold: 1, DatapointsToAlarm: 2 }],
  ["submit", "several fail in two", { Threshold: 1, DatapointsToAlarm: 2 }],
  ["deliver", "some fail in each", { Threshold: 0, DatapointsToAlarm: 3 }],
])(
  "The alarm on failed messages of %s pages when %s of three periods, and not when one fails once",
  (service, _, rule) => {
    const alarm = Object.values(resources).find(
      ({ Properties }) => Properties?.AlarmName === `ackwire-prod-${service}-message-failures`,
    );
    expect(alarm?.Properties).toMatchObject({
      Namespace: "Ackwire",
      MetricName: "MessageFailed",
      Dimensions: [
        { Name: "service", Value: service },
        { Name: "stack", Value: "ackwire-prod" },
      ],
      Statistic: "Sum",
      Period: 300,
      ...rule,
      ComparisonOperator: "GreaterThanThreshold",
      EvaluationPeriods: 3,
      TreatMissingData: "notBreaching",
      AlarmActions: [{ Ref: expect.stringMatching(/^AckwireAlarmTopic/) }],
    });
  },
);

describe("Burn-rate alarms", () => {
  const settings = resolveSettings();

  test.each(burnRateCatalogue.map((rule) => [rule.id, rule] as const))(
    "%s is raised while the budget burns too fast in both of its windows",
    (id, rule) => {
      const windows = Object.entries(resources).filter(([, { Properties }]) =>
        new RegExp(`^ackwire-prod-${id}-(long|short)-window$`).test(String(Properties?.AlarmName)),
      );
      expect(windows).toHaveLength(2);
      const composite = Object.values(resources).find(
        ({ Properties }) => Properties?.AlarmName === `ackwire-prod-${id}`,
      );
      const condition = JSON.stringify(composite?.Properties.AlarmRule);
      expect(condition).toContain("AND");
      for (const [logicalId, { Properties }] of windows) {
        expect(condition).toContain(logicalId);
        expect(Properties).toMatchObject({
          Threshold: burnThreshold(rule, settings),
          ComparisonOperator: "GreaterThanThreshold",
          TreatMissingData: "notBreaching",
        });
      }
      const periods = windows.flatMap(([, { Properties }]) =>
        ((Properties.Metrics ?? []) as { MetricStat?: { Period: number } }[]).flatMap(
          ({ MetricStat }) => MetricStat?.Period ?? [],
        ),
      );
      const { long, short } = rule.windows;
      expect(new Set(periods)).toEqual(new Set([long.toSeconds(), short.toSeconds()]));
    },
  );

  test("With a target of 99.9 %, the fast burn begins at 1.44 % and the slow one at 0.6 %", () => {
    const thresholds = burnRateCatalogue.map((rule) => burnThreshold(rule, settings));
    expect(new Set(thresholds)).toEqual(new Set([1.44, 0.6]));
  });

  test("The bounds and the target are settings", () => {
    const { resources: own } = synth({ stage: "prod", sloTargetPerMille: 990, sloAckMs: 500 });
    const alarm = Object.values(own).find(
      ({ Properties }) => Properties?.AlarmName === "ackwire-prod-slo-ack-fast-long-window",
    );
    expect(alarm?.Properties.Threshold).toBe(14.4);
    expect(JSON.stringify(alarm?.Properties.Metrics)).toContain('"Stat":"PR(:500)"');
  });
});

test("Each saved query is one of the stack's, on the logs that it names", () => {
  const saved = all(resources, "AWS::Logs::QueryDefinition").map(
    ([, { Properties }]) => Properties,
  );
  expect(saved).toEqual(
    savedQueries.map(({ name, logs, lines }) => ({
      Name: `ackwire-prod/${name}`,
      QueryString: lines.join("\n| "),
      LogGroupNames: logs.map(() => ({ Ref: expect.any(String) })),
    })),
  );
  expect(saved.length).toBeGreaterThan(5);
});

test("The saved queries about everything read the logs of every function", () => {
  const handlers = filesBelow("functions", "handler.ts");
  const functions = new Set(handlers.map((path) => path.split("/")[1]));
  const aboutEverything = savedQueries.filter(({ logs }) => logs.length > 2);
  expect(aboutEverything.map(({ name }) => name)).toEqual([
    "one request (put its id in)",
    "failures by code",
  ]);
  for (const { logs } of aboutEverything) expect(new Set(logs)).toEqual(functions);
});

test("The runbooks' list of all alarms has the composite ones, which CloudWatch leaves out by default", () => {
  const text = textOf("docs/runbooks/README.md").replaceAll(/\\\n */g, "");
  const listed = text.match(/^aws cloudwatch describe-alarms .*$/gm);
  expect(listed).toEqual([expect.stringContaining("--alarm-types MetricAlarm CompositeAlarm ")]);
});

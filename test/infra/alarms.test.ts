import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { alarmCatalogue } from "../../infra/monitoring/alarms.ts";
import { burnRateCatalogue } from "../../infra/monitoring/slo.ts";
import { all, find, synth } from "./synth.ts";

const runbooks = new URL("../../docs/runbooks/", import.meta.url);
const pages = readdirSync(runbooks).filter((file) => file !== "README.md");
/** The alarms that notify somebody. */
const catalogue = [...alarmCatalogue, ...burnRateCatalogue];
const ids = catalogue.map(({ id }) => id);
const { resources, outputs } = synth({
  stage: "prod",
  pageEmail: "now@example.com",
  ticketEmail: "later@example.com",
});
const read = (file: string) => readFileSync(new URL(file, runbooks), "utf8");

describe("Runbooks", () => {
  test("Every alarm has a runbook, and every runbook has an alarm", () => {
    expect(ids.length).toBeGreaterThan(0);
    expect(pages.sort()).toEqual(ids.map((id) => `${id}.md`).sort());
  });

  test("The index of runbooks lists every alarm once, with its severity", () => {
    const rows = [...read("README.md").matchAll(/^\| (\[.*?\)) +\| (\w+) +\|/gm)];
    expect(rows.map(([, link, severity]) => [link, severity])).toEqual(
      catalogue.map(({ id, severity }) => [`[${id}](${id}.md)`, severity]),
    );
  });

  test.each(ids)("The runbook %s has its five sections in order, each with text", (id) => {
    const [title, ...sections] = read(`${id}.md`).split(/^## /m);
    expect(title?.trim()).toBe(`# ${id}`);
    expect(sections.map((section) => section.split("\n", 1)[0])).toEqual([
      "Meaning",
      "Impact",
      "Check",
      "Fix",
      "Afterwards",
    ]);
    for (const section of sections)
      expect(section.split("\n").slice(1).join("").trim()).not.toBe("");
  });

  test("Every link between runbooks leads to a page", () => {
    const links = [...pages, "README.md"].flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target),
    );
    expect(links.length).toBeGreaterThan(pages.length);
    const isPage = (target = "") => existsSync(new URL(target, runbooks));
    expect(links.filter((target) => !isPage(target))).toEqual([]);
  });
});

describe("Alarms", () => {
  const isAlarm = /^AWS::CloudWatch::(Composite)?Alarm$/;
  const windowAlarms = Object.values(resources).filter(
    ({ Type, Properties }) => isAlarm.test(Type) && /-window$/.test(String(Properties.AlarmName)),
  );
  const notifying = (of: typeof resources) =>
    Object.values(of).filter(
      ({ Type, Properties }) =>
        isAlarm.test(Type) && !/-window$|-any-page$/.test(String(Properties.AlarmName)),
    );
  const alarms = notifying(resources);

  test("An alarm on a sum has data when one of its functions is idle", () => {
    type Metric = { Expression?: string; Id: string };
    const sums = alarms
      .map(({ Properties }) => (Properties.Metrics ?? []) as Metric[])
      .filter((metrics) => metrics.length > 1);
    expect(sums.length).toBeGreaterThan(1);
    for (const metrics of sums) {
      const expression = metrics.find((one) => one.Expression)?.Expression;
      const parts = metrics.filter((one) => !one.Expression).map(({ Id }) => `FILL(${Id}, 0)`);
      expect(expression?.split(" + ")).toEqual(parts);
    }
  });

  test("Every entry of the catalogue is one alarm whose description states the impact and the runbook", () => {
    const described = alarms.map(({ Properties }) => [
      Properties.AlarmName,
      Properties.AlarmDescription,
    ]);
    expect(described.sort()).toEqual(
      catalogue
        .map(({ id, severity, impact }) => [
          `ackwire-prod-${id}`,
          `${severity}: ${impact} Runbook: docs/runbooks/${id}.md`,
        ])
        .sort(),
    );
  });

  test("Every alarm notifies the topic of its severity when it is raised and when it ends", () => {
    const topics = { page: /^AckwireAlarmTopic/, ticket: /^AckwireTicketTopic/ };
    expect(alarms.length).toBe(catalogue.length);
    for (const { id, severity } of catalogue) {
      const alarm = alarms.find(({ Properties }) => Properties.AlarmName === `ackwire-prod-${id}`);
      const topic = [{ Ref: expect.stringMatching(topics[severity]) }];
      expect(alarm?.Properties).toMatchObject({ AlarmActions: topic, OKActions: topic });
    }
    for (const { Properties } of windowAlarms)
      expect(Properties).not.toHaveProperty("AlarmActions");
  });

  test("Only alarms can publish to the topics, and only over TLS", () => {
    const policies = all(resources, "AWS::SNS::TopicPolicy");
    expect(policies).toHaveLength(2);
    for (const [, { Properties }] of policies) {
      expect(Properties.PolicyDocument).toMatchObject({
        Statement: [
          { Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } },
          {
            Effect: "Allow",
            Action: "sns:Publish",
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Condition: { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } },
          },
        ],
      });
    }
  });

  test("Each topic has the subscription of its address, and an output", () => {
    const subscriptions = all(resources, "AWS::SNS::Subscription").map(
      ([, { Properties }]) => Properties,
    );
    expect(subscriptions).toEqual([
      expect.objectContaining({
        TopicArn: { Ref: expect.stringMatching(/^AckwireAlarmTopic/) },
        Endpoint: "now@example.com",
      }),
      expect.objectContaining({
        TopicArn: { Ref: expect.stringMatching(/^AckwireTicketTopic/) },
        Endpoint: "later@example.com",
      }),
    ]);
    expect(outputs).toMatchObject({
      AlarmTopicArn: { Value: { Ref: expect.stringMatching(/^AckwireAlarmTopic/) } },
      TicketTopicArn: { Value: { Ref: expect.stringMatching(/^AckwireTicketTopic/) } },
    });
  });

  test("Alarms go to topics of the account instead, where they are given", () => {
    const topics = {
      page: "arn:aws:sns:eu-west-1:111122223333:now",
      ticket: "arn:aws:sns:eu-west-1:111122223333:later",
    };
    const given = synth({
      stage: "prod",
      pageTopicArn: topics.page,
      ticketTopicArn: topics.ticket,
      runbookBaseUrl: "https://wiki.example/runbooks",
    });
    expect(all(given.resources, "AWS::SNS::Topic")).toEqual([]);
    expect(
      notifying(given.resources)
        .map(({ Properties }) => [Properties.AlarmActions, Properties.AlarmDescription])
        .sort((one, other) => String(one[1]).localeCompare(String(other[1]))),
    ).toEqual(
      catalogue
        .map(({ id, severity, impact }) => [
          [topics[severity]],
          `${severity}: ${impact} Runbook: https://wiki.example/runbooks/${id}.md`,
        ])
        .sort((one, other) => String(one[1]).localeCompare(String(other[1]))),
    );
  });

  test("One alarm is raised while any alarm with the severity page is, and notifies nobody", () => {
    const anyPage = Object.values(resources).find(
      ({ Properties }) => Properties?.AlarmName === "ackwire-prod-any-page",
    );
    expect(anyPage?.Properties).toMatchObject({ AlarmName: "ackwire-prod-any-page" });
    expect(anyPage?.Properties).not.toHaveProperty("AlarmActions");
    const rule = JSON.stringify(anyPage?.Properties.AlarmRule);
    for (const { id, severity } of catalogue) {
      const [logicalId = ""] =
        Object.entries(resources).find(
          ([, { Properties }]) => Properties?.AlarmName === `ackwire-prod-${id}`,
        ) ?? [];
      expect([id, rule.includes(`"${logicalId}"`)]).toEqual([id, severity === "page"]);
    }
  });

  test("A stage whose alarms are off has metrics on its dashboard, and no alarm and no topic", () => {
    const { resources: dev } = synth({ stage: "dev" });
    for (const type of ["Alarm", "CompositeAlarm"]) {
      expect(all(dev, `AWS::CloudWatch::${type}`)).toEqual([]);
    }
    expect(all(dev, "AWS::SNS::Topic")).toEqual([]);
    const body = JSON.stringify(find(dev, "AWS::CloudWatch::Dashboard").Properties);
    expect(body).toContain('\\"title\\":\\"Published\\"');
  });

  test.each([
    ["signature-failures", "SignatureRejected", "ingest"],
    ["quarantine-not-empty", "Quarantined", "ingest"],
    ["dedupe-conflict", "DedupeConflict", "consume"],
    ["submit-failures", "SubmitFailed", "submit"],
    ["late-result", "LateResult", "consume"],
    ["webhook-breaker-open", "BreakerOpened", "deliver"],
    ["webhook-disabled", "WebhookDisabled", "deliver"],
  ])("The alarm %s watches the metric %s of the function %s", (id, MetricName, service) => {
    const alarm = alarms.find(({ Properties }) => Properties.AlarmName === `ackwire-prod-${id}`);
    expect(alarm?.Properties).toMatchObject({
      Namespace: "Ackwire",
      MetricName,
      Dimensions: [
        { Name: "service", Value: service },
        { Name: "stack", Value: "ackwire-prod" },
      ],
      Statistic: "Sum",
    });
  });

  test.each([
    [
      "internal-errors",
      "InternalError",
      ["ingest", "consume", "api", "operator", "submit", "deliver", "reconcile"],
    ],
    ["publish-failures", "PublishFailed", ["consume", "submit", "reconcile"]],
    ["delivery-failures", "DeliveryFailed", ["deliver", "reconcile"]],
    ["request-unknown", "RequestUnknown", ["submit", "reconcile"]],
    ["request-timeouts", "RequestTimedOut", ["submit", "reconcile"]],
    ["connection-paused", "ConnectionPaused", ["submit", "reconcile"]],
    ["account-paused", "AccountPaused", ["submit", "consume", "reconcile"]],
  ])(
    "The alarm %s sums the metric %s over every function that counts it",
    (id, metricName, services) => {
      const alarm = alarms.find(({ Properties }) => Properties.AlarmName === `ackwire-prod-${id}`);
      const metrics = JSON.stringify(alarm?.Properties.Metrics);
      expect(metrics.match(/"MetricName":"\w+"/g)).toEqual(
        services.map(() => `"MetricName":"${metricName}"`),
      );
      expect(metrics.match(/"Dimensions":\[[^\]]*\]/g)).toEqual(
        services.map(
          (service) =>
            `"Dimensions":[{"Name":"service","Value":"${service}"},{"Name":"stack","Value":"ackwire-prod"}]`,
        ),
      );
    },
  );

  test("The alarm on failed invocations of the rule watches the rule's name and bus", () => {
    const alarm = alarms.find(
      ({ Properties }) => Properties.AlarmName === "ackwire-prod-event-feed-failures",
    );
    expect(alarm?.Properties).toMatchObject({
      Namespace: "AWS/Events",
      MetricName: "FailedInvocations",
      Dimensions: [
        { Name: "EventBusName", Value: { Ref: "AckwireEventBus0D81332B" } },
        { Name: "RuleName", Value: find(resources, "AWS::Events::Rule").Properties.Name },
      ],
    });
  });

  test.each(["Fanout", "Attempts", "Retries"])(
    "Alarms watch the age of the oldest message and the dead letters of %s",
    (name) => {
      const queue = name.toLowerCase();
      const watched = alarms
        .filter(({ Properties }) =>
          String(Properties.AlarmName).startsWith(`ackwire-prod-${queue}-`),
        )
        .map(({ Properties }) => [Properties.MetricName, JSON.stringify(Properties.Dimensions)]);
      expect(watched).toEqual([
        ["ApproximateAgeOfOldestMessage", expect.stringContaining(`Ackwire${name}Queue`)],
        [
          "ApproximateNumberOfMessagesVisible",
          expect.stringContaining(`Ackwire${name}DeadLetters`),
        ],
      ]);
    },
  );

  test("The alarm on throttles includes every function", () => {
    const alarm = alarms.find(
      ({ Properties }) => Properties.AlarmName === "ackwire-prod-function-throttles",
    );
    const metrics = JSON.stringify(alarm?.Properties.Metrics);
    for (const [id] of all(resources, "AWS::Lambda::Function")) expect(metrics).toContain(id);
  });

  test("Only the alarm on reconcile is raised by missing data", () => {
    const breaching = alarms.filter(
      ({ Properties }) => Properties.TreatMissingData === "breaching",
    );
    expect(breaching.map(({ Properties }) => Properties.AlarmName)).toEqual([
      "ackwire-prod-reconcile-not-running",
    ]);
  });
});

import {
  type Alarm,
  AlarmStatusWidget,
  type CompositeAlarm,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  Metric,
} from "aws-cdk-lib/aws-cloudwatch";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { durations, metrics } from "../../shared/contracts/metrics.ts";
import type { Settings } from "../../shared/contracts/settings.ts";
import { age, custom, customSum, fiveMinutes, sum, waiting } from "./alarm-metrics.ts";
import type { Monitored } from "./alarm-rule.ts";
import { burnRateCatalogue, slos } from "./slo.ts";

/** The dashboard's width in CloudWatch's grid, and of one of its graphs. */
const FULL_WIDTH = 24;
const GRAPH_WIDTH = 8;

/** A stage at a glance: what went through, how fast, what is stuck, what it costs. */
export function addDashboard(
  scope: Construct,
  of: { monitored: Monitored; settings: Settings; alarms: readonly (Alarm | CompositeAlarm)[] },
): void {
  const { monitored, settings, alarms } = of;
  const states = new AlarmStatusWidget({ title: "Alarms", alarms: [...alarms], width: FULL_WIDTH });
  new Dashboard(scope, "Dashboard", {
    widgets: [
      ...(alarms.length > 0 ? [[states]] : []),
      throughput(monitored),
      latency(monitored),
      waits(monitored),
      queues(monitored),
      objectives(monitored, settings),
      costs(monitored),
    ],
  });
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, width: GRAPH_WIDTH, left });
}

function throughput({ stack, inbound }: Monitored): IWidget[] {
  const total = (name: keyof typeof metrics, ...by: Parameters<typeof customSum>[2]) =>
    customSum(stack, metrics[name], by);
  return [
    graph("Accepted", [
      // One message for each accepted webhook, and for each time that one is sent back to wait.
      labelled(
        inbound.queue.metricNumberOfMessagesSent({ ...fiveMinutes, statistic: "Sum" }),
        "webhooks",
      ),
      labelled(custom(stack, metrics.RequestAccepted, "submit"), "requests"),
    ]),
    graph("Published", [total("EventPublished", "consume", "submit", "reconcile")]),
    graph("Deliveries by result", [
      labelled(custom(stack, metrics.AttemptSucceeded, "deliver"), "delivered"),
      labelled(custom(stack, metrics.AttemptFailed, "deliver"), "attempt failed"),
      total("DeliveryFailed", "deliver", "reconcile"),
    ]),
  ];
}

function latency({ stack, api }: Monitored): IWidget[] {
  const both = (metric: Metric) =>
    ["p50", "p99"].map((statistic) => labelled(metric.with({ statistic }), statistic));
  return [
    graph("Ack, ms", both(api.metricLatency(fiveMinutes))),
    graph("Due to submitted, s", both(custom(stack, durations.DueToSubmitted, "submit"))),
    graph("Delivery to first POST, s", both(custom(stack, durations.EventToFirstPost, "deliver"))),
  ];
}

function waits({ stack }: Monitored): IWidget[] {
  return [
    graph("Oldest in a lane, s", [custom(stack, durations.LaneWait, "submit", "Maximum")]),
    graph("Lanes that wait for a budget", [custom(stack, metrics.BudgetExhausted, "submit")]),
    graph("Endpoints", [
      labelled(custom(stack, metrics.BreakerOpened, "deliver"), "circuits opened"),
      labelled(custom(stack, metrics.AttemptHeld, "deliver"), "attempts held by open circuits"),
      labelled(custom(stack, metrics.WebhookDisabled, "deliver"), "webhooks disabled"),
    ]),
  ];
}

function queues(of: Monitored): IWidget[] {
  const { scheduleDeadLetters, requestScheduleDeadLetters } = of;
  const named = workQueues(of);
  const deadLetters: [string, IQueue][] = [
    ...named.map(([name, { deadLetters: queue }]): [string, IQueue] => [name, queue]),
    ["schedule", scheduleDeadLetters],
    ["requestSchedule", requestScheduleDeadLetters],
  ];
  return [
    graph(
      "Oldest message, s",
      named.map(([name, { queue }]) => labelled(age(queue), name)),
    ),
    graph(
      "Waiting messages",
      named.map(([name, { queue }]) => labelled(waiting(queue), name)),
    ),
    graph(
      "Dead letters",
      deadLetters.map(([name, queue]) => labelled(waiting(queue), name)),
    ),
  ];
}

function workQueues(of: Monitored) {
  const { inbound, submit, fanout, attempts, retries } = of;
  return Object.entries({ inbound, submit, fanout, attempts, retries });
}

/** The part that missed each objective in an hour; the line is where its fast burn begins. */
function objectives(monitored: Monitored, settings: Settings): IWidget[] {
  return slos.map((slo) => {
    const fast = burnRateCatalogue.find((rule) => rule.slo === slo && rule.severity === "page");
    return new GraphWidget({
      title: `${slo.title(settings)}: % missed`,
      width: GRAPH_WIDTH,
      left: fast ? [slo.missed(monitored, settings, fast.windows.long)] : [],
    });
  });
}

function costs(of: Monitored): IWidget[] {
  const { tables, functions } = of;
  const queue = ([, { queue: one }]: ReturnType<typeof workQueues>[number]) => [
    one.metricNumberOfMessagesSent({ ...fiveMinutes, statistic: "Sum" }),
    one.metricNumberOfMessagesReceived({ ...fiveMinutes, statistic: "Sum" }),
    one.metricNumberOfMessagesDeleted({ ...fiveMinutes, statistic: "Sum" }),
    one.metricNumberOfEmptyReceives({ ...fiveMinutes, statistic: "Sum" }),
  ];
  const calls = workQueues(of).flatMap((one) =>
    queue(one).map((metric, n): [string, IMetric] => [`${one[0]}${n}`, metric]),
  );
  return [
    graph(
      "Table units",
      Object.entries(tables).flatMap(([name, tableName]) =>
        (["Write", "Read"] as const).flatMap((kind) => units(name, tableName, kind)),
      ),
    ),
    // Messages, not calls: a batch of ten counts as ten.
    graph("SQS messages sent, received and deleted, and empty receives", [
      sum("SQS", Object.fromEntries(calls)),
    ]),
    graph(
      "Invocations",
      Object.entries(functions).map(([name, one]) =>
        labelled(one.metricInvocations(fiveMinutes), name),
      ),
    ),
  ];
}

/** Units of a table itself, and of its indexes together, which CloudWatch counts apart. */
function units(name: string, tableName: string, kind: "Read" | "Write"): IMetric[] {
  const metricName = `Consumed${kind}CapacityUnits`;
  return [
    new Metric({
      ...fiveMinutes,
      namespace: "AWS/DynamoDB",
      metricName,
      dimensionsMap: { TableName: tableName },
      statistic: "Sum",
      label: `${name}, ${kind.toLowerCase()}`,
    }),
    new MathExpression({
      ...fiveMinutes,
      label: `${name}, indexes, ${kind.toLowerCase()}`,
      expression: `SUM(SEARCH('{AWS/DynamoDB,GlobalSecondaryIndexName,TableName} MetricName="${metricName}" TableName="${tableName}"', 'Sum', 300))`,
      usingMetrics: {},
    }),
  ];
}

function labelled(metric: IMetric, label: string): IMetric {
  return metric instanceof Metric ? metric.with({ label }) : metric;
}

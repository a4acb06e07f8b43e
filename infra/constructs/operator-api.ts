import type { Construct } from "constructs";
import { timing } from "../timing.ts";
import type { Binding } from "./binding.ts";
import type { HttpPipelineProps } from "./pipeline.ts";
import { PipelineFunction } from "./pipeline-function.ts";
import { mendedDeadLetters } from "./work-queue.ts";

export interface OperatorApiProps extends HttpPipelineProps {
  /** Whether the stack has alarms, which the function then reads. */
  hasAlarms: boolean;
}

/**
 * The operator API: a function of its own, with the rights to see and to mend everything, which no
 * function of the clients' paths has.
 */
export class OperatorApi {
  readonly operator: PipelineFunction<"operator">;

  constructor(scope: Construct, props: OperatorApiProps) {
    const { stores, logs, variables, settings, publicApi } = props;
    const { config, masterSecret, events, requests, submit, schedules, bodies } = stores;
    const { deliveries, retries, inbound, audit } = stores;
    this.operator = new PipelineFunction(scope, "Operator", {
      ...logs,
      name: "operator",
      description: "Shows operators what happens and why something waits, and mends it for them",
      timeout: timing.apiTimeout,
      memoryMib: settings.operatorMemoryMib,
      environment: {
        BUSINESS_CLOCK: variables.BUSINESS_CLOCK,
        SETTINGS: variables.SETTINGS,
        STACK: variables.STACK,
        LOG_LEVEL: variables.LOG_LEVEL,
        CONFIG_TABLE: config.access(
          ["GetItem", "BatchGetItem", "PutItem", "UpdateItem"],
          ["byClient"],
        ),
        REQUESTS_TABLE: requests.access(
          ["GetItem", "BatchGetItem", "PutItem", "UpdateItem"],
          ["byClient", "byGroup", "queue", "due"],
        ),
        EVENTS_TABLE: events.access(["GetItem", "BatchGetItem"], ["byClient"]),
        DELIVERIES_TABLE: deliveries.access(["GetItem", "BatchGetItem", "PutItem"], ["byClient"]),
        MASTER_SECRET_ID: masterSecret.reader(),
        BODIES_BUCKET: bodies.access({
          read: ["events", "requests", "deliveries", "quarantine"],
          write: ["inbound"],
          delete: ["quarantine"],
        }),
        PROVIDER_BASE_URLS: variables.PROVIDER_BASE_URLS,
        SUBMIT_QUEUE_URL: submit.producer(),
        RETRIES_QUEUE_URL: retries.producer(),
        INBOUND_QUEUE_URL: inbound.producer(),
        WEBHOOK_TARGETS: variables.WEBHOOK_TARGETS,
        CONSOLE_URL: variables.CONSOLE_URL,
        TRACING: variables.TRACING,
        SCHEDULE_GROUP: schedules.creator(),
        SCHEDULE_ROLE_ARN: schedules.passedRole(),
        SCHEDULE_DLQ_ARN: schedules.deadLetters.queueArn,
        SUBMIT_QUEUE_ARN: submit.queue.queueArn,
        AUDIT_TABLE: audit.access(["PutItem", "Query"]),
        QUEUES: queuesOf(props),
        ALARM_PREFIX: alarmsOf(props),
      },
    });
    publicApi.publicRoutes("Operator", this.operator.live, [
      {
        method: "ANY",
        path: "/v1/operator/{proxy+}",
        noAuthorizerReason:
          "requests are authenticated by operator key or portal token, in the operator function.",
      },
    ]);
  }
}

/** The names of queues, without those whose URL another variable has. */
function queuesOf({ stores }: OperatorApiProps): Binding {
  const { inbound, submit, fanout, attempts, retries, schedules } = stores;
  const named = { fanout, attempts };
  const byUrl = { inbound, submit, retries };
  const names = [
    ...Object.entries(byUrl).map(([name, of]) => [name, "", of.deadLetters.queueName]),
    ...Object.entries(named).map(([name, of]) => [
      name,
      of.queue.queueName,
      of.deadLetters.queueName,
    ]),
  ];
  return {
    value: names.map((one) => one.join(",")).join(";"),
    permissions: [
      ...Object.values({ ...named, ...byUrl }).flatMap((queue) => queue.mended()),
      ...mendedDeadLetters(schedules.deadLetters),
    ],
  };
}

function alarmsOf({ hasAlarms, variables }: OperatorApiProps): Binding {
  if (!hasAlarms) return { value: "off", permissions: [] };
  return {
    value: `${variables.STACK}-`,
    permissions: [
      {
        actions: ["cloudwatch:DescribeAlarms"],
        resource: "*",
        acknowledged: [
          {
            id: "AwsSolutions-IAM5[Resource::*]",
            reason:
              "OperatorApi: the alarms of the objectives are composite, which CloudWatch lists only with a permission on every resource.",
          },
        ],
      },
    ],
  };
}

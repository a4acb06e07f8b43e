import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { FunctionName } from "../../shared/contracts/env.ts";
import type { EventFeed } from "../constructs/event-feed.ts";
import type { WorkQueue } from "../constructs/work-queue.ts";

/** The resources that the alarms monitor. */
export interface Monitored {
  /** The name of the stack, which is a dimension of the functions' own metrics. */
  stack: string;
  api: HttpApi;
  functions: Record<FunctionName, IFunction>;
  /** The functions' logs, and the API's access log. */
  logGroups: Record<FunctionName | "access", ILogGroup>;
  /** The tables' names, by what they hold. */
  tables: Record<string, string>;
  /** Puts events into `fanout`. */
  eventFeed: EventFeed;
  inbound: WorkQueue;
  submit: WorkQueue;
  fanout: WorkQueue;
  attempts: WorkQueue;
  retries: WorkQueue;
  /** Holds starts of `reconcile` that failed. */
  scheduleDeadLetters: IQueue;
  /** Holds firings of scheduled requests that failed. */
  requestScheduleDeadLetters: IQueue;
}

export interface AlarmRule {
  /** The condition; also the name of its page in `docs/runbooks/`. */
  id: string;
  metric: (of: Monitored) => IMetric;
  /** The alarm starts above this number, or below it where `below` is set. */
  threshold: number;
  below?: true;
  /** How many of the evaluated datapoints must breach the threshold. @default - 1 of 1 */
  datapoints?: { breaching: number; evaluated: number };
  /** Set where missing data is itself the fault. */
  treatMissingAsBreaching?: true;
  /** `page`: needs a person now. `ticket`: within the working day. */
  severity: "page" | "ticket";
  /** The effect on users while the alarm lasts. */
  impact: string;
}

import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { FunctionName } from "../../shared/contracts/env.ts";
import type { EventFeed } from "../constructs/event-feed.ts";
import type { WorkQueue } from "../constructs/work-queue.ts";

/** What the alarms look at. */
export interface Monitored {
  api: HttpApi;
  functions: Record<FunctionName, IFunction>;
  /** Puts events into `fanout`. */
  eventFeed: EventFeed;
  inbound: WorkQueue;
  submit: WorkQueue;
  fanout: WorkQueue;
  attempts: WorkQueue;
  retries: WorkQueue;
  /** Starts of `reconcile` that failed. */
  scheduleDeadLetters: IQueue;
  /** Firings of scheduled requests that failed. */
  requestScheduleDeadLetters: IQueue;
}

export interface AlarmRule {
  /** The condition; also the name of its page in `docs/runbooks/`. */
  id: string;
  metric: (of: Monitored) => IMetric;
  /** It goes off above this number, or below it where `below` is set. */
  threshold: number;
  below?: true;
  /** Datapoints that must be over the threshold, out of how many. Default: 1 of 1. */
  datapoints?: { bad: number; of: number };
  /** Set where silence is itself the fault. */
  treatMissingAsBreaching?: true;
  /** `page`: somebody loses something now. `ticket`: within the working day. */
  severity: "page" | "ticket";
  /** What a person loses while it lasts. */
  impact: string;
}

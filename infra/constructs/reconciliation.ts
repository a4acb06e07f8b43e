import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { AUDIT_PENDING } from "../../shared/contracts/tables.ts";
import { timing } from "../timing.ts";
import type { PipelineProps } from "./pipeline.ts";
import { PipelineFunction } from "./pipeline-function.ts";
import { RecurringTask } from "./recurring-task.ts";

/**
 * `reconcile`, started every minute: completes the work of crashed workers, and
 * processes due work that has no message.
 *
 * Its parts are children of `scope`, not of a construct of their own: that would
 * change their logical ids, which are frozen.
 */
export class Reconciliation {
  readonly reconcile: PipelineFunction<"reconcile">;
  /** Holds the starts of `reconcile` that failed. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, props: PipelineProps) {
    this.reconcile = this.#reconcile(scope, props);
    const sweep = new RecurringTask(scope, "Sweep", {
      removalPolicy: props.logs.removalPolicy,
      encryptionKey: props.logs.encryptionKey,
      description: "Starts Ackwire's reconcile function",
      every: timing.reconcileInterval,
      target: this.reconcile.live,
    });
    this.deadLetters = sweep.deadLetters;
  }

  #reconcile(scope: Construct, { stores, logs, variables, settings }: PipelineProps) {
    const {
      config,
      masterSecret,
      events,
      requests,
      submit,
      bodies,
      eventBus,
      deliveries,
      retries,
      audit,
    } = stores;
    return new PipelineFunction(scope, "Reconcile", {
      ...logs,
      name: "reconcile",
      description: "Takes up what a crash left behind, and ends what has waited too long",
      timeout: timing.reconcileTimeout,
      memoryMib: settings.reconcileMemoryMib,
      environment: {
        BUSINESS_CLOCK: variables.BUSINESS_CLOCK,
        SETTINGS: variables.SETTINGS,
        STACK: variables.STACK,
        LOG_LEVEL: variables.LOG_LEVEL,
        TRACING: variables.TRACING_WITH_SPANS,
        CONFIG_TABLE: config.access(["GetItem", "UpdateItem"]),
        REQUESTS_TABLE: requests.access(
          ["GetItem", "PutItem", "UpdateItem", "BatchWriteItem"],
          ["due", "sweep", "queue"],
        ),
        MASTER_SECRET_ID: masterSecret.reader(),
        BODIES_BUCKET: bodies.access({
          read: ["events", "requests"],
          write: ["events", "requests"],
        }),
        PROVIDER_BASE_URLS: variables.PROVIDER_BASE_URLS,
        SUBMIT_QUEUE_URL: submit.producer(),
        DELIVERIES_TABLE: deliveries.access(["GetItem", "PutItem", "UpdateItem"], ["due", "sweep"]),
        RETRIES_QUEUE_URL: retries.producer(),
        EVENTS_TABLE: events.access(["UpdateItem", "BatchWriteItem"], ["outbox"]),
        EVENT_BUS_NAME: eventBus.publisher(),
        AUDIT_TABLE: audit.accessAndDeleteIn(["PutItem", "Query"], AUDIT_PENDING),
      },
    });
  }
}

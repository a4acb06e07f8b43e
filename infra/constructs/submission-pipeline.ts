import type { Construct } from "constructs";
import { operations } from "../../shared/contracts/http/operations.ts";
import { timing } from "../timing.ts";
import type { HttpPipelineProps } from "./pipeline.ts";
import { PipelineFunction } from "./pipeline-function.ts";

/**
 * The path of a request: API, `api`, submit queue (at once or from a schedule), `submit`, provider.
 *
 * Its parts are children of `scope`, not of a construct of their own: that would
 * change their logical ids, which are frozen.
 */
export class SubmissionPipeline {
  readonly api: PipelineFunction<"api">;
  readonly submit: PipelineFunction<"submit">;

  constructor(scope: Construct, props: HttpPipelineProps) {
    this.api = this.#api(scope, props);
    this.submit = this.#submit(scope, props);
  }

  #api(scope: Construct, { stores, logs, variables, settings, publicApi }: HttpPipelineProps) {
    const {
      config,
      masterSecret,
      events,
      requests,
      submit,
      schedules,
      bodies,
      deliveries,
      retries,
    } = stores;
    const api = new PipelineFunction(scope, "Api", {
      ...logs,
      name: "api",
      description:
        "Accepts requests; answers for requests, events, webhooks, deliveries, accounts, connections and keys",
      timeout: timing.apiTimeout,
      memoryMib: settings.apiMemoryMib,
      environment: {
        BUSINESS_CLOCK: variables.BUSINESS_CLOCK,
        SETTINGS: variables.SETTINGS,
        STACK: variables.STACK,
        LOG_LEVEL: variables.LOG_LEVEL,
        TRACING: variables.TRACING,
        CONFIG_TABLE: config.access(
          ["GetItem", "PutItem", "UpdateItem", "DeleteItem"],
          ["byClient"],
        ),
        REQUESTS_TABLE: requests.access(
          ["GetItem", "BatchGetItem", "PutItem", "UpdateItem", "BatchWriteItem"],
          ["byClient", "byGroup", "queue"],
        ),
        EVENTS_TABLE: events.access(["GetItem", "BatchGetItem"], ["byClient"]),
        MASTER_SECRET_ID: masterSecret.reader(),
        BODIES_BUCKET: bodies.access({
          read: ["events", "requests"],
          write: ["requests"],
        }),
        PROVIDER_BASE_URLS: variables.PROVIDER_BASE_URLS,
        SUBMIT_QUEUE_URL: submit.producer(),
        DELIVERIES_TABLE: deliveries.access(["GetItem", "BatchGetItem", "PutItem"], ["byClient"]),
        RETRIES_QUEUE_URL: retries.producer(),
        WEBHOOK_TARGETS: variables.WEBHOOK_TARGETS,
        CONSOLE_URL: variables.CONSOLE_URL,
        SCHEDULE_GROUP: schedules.creator(),
        SCHEDULE_ROLE_ARN: schedules.passedRole(),
        SCHEDULE_DLQ_ARN: schedules.deadLetters.queueArn,
        SUBMIT_QUEUE_ARN: submit.queue.queueArn,
      },
    });
    publicApi.publicRoutes(
      "Api",
      api.live,
      operations.map(({ method, path, isPublic }) => ({
        method,
        path,
        noAuthorizerReason: isPublic
          ? "it tells what everyone may know."
          : "requests are authenticated by API key, in the api function.",
      })),
      "it serves the routes above when a path has a slash too many, and otherwise answers 404 or 405.",
    );
    return api;
  }

  #submit(scope: Construct, { stores, logs, variables, settings }: HttpPipelineProps) {
    const { config, masterSecret, events, requests, submit, bodies, eventBus } = stores;
    const submitter = new PipelineFunction(scope, "Submit", {
      ...logs,
      name: "submit",
      description: "Sends each account's requests to its provider, one at a time",
      timeout: timing.submitTimeout,
      memoryMib: settings.submitMemoryMib,
      // A lane's worker sends the message that wakes up the next worker.
      feedsItself: true,
      environment: {
        BUSINESS_CLOCK: variables.BUSINESS_CLOCK,
        SETTINGS: variables.SETTINGS,
        STACK: variables.STACK,
        LOG_LEVEL: variables.LOG_LEVEL,
        TRACING: variables.TRACING_WITH_SPANS,
        CONFIG_TABLE: config.access(["GetItem", "UpdateItem"]),
        REQUESTS_TABLE: requests.access(
          ["GetItem", "BatchGetItem", "PutItem", "UpdateItem", "BatchWriteItem"],
          ["queue"],
        ),
        MASTER_SECRET_ID: masterSecret.reader(),
        BODIES_BUCKET: bodies.access({ read: ["requests"], write: ["events", "requests"] }),
        PROVIDER_BASE_URLS: variables.PROVIDER_BASE_URLS,
        SUBMIT_QUEUE_URL: submit.producer(),
        EVENTS_TABLE: events.access(["BatchWriteItem"]),
        EVENT_BUS_NAME: eventBus.publisher(),
      },
    });
    submit.feed(submitter.live, {
      batchSize: settings.submitBatchSize,
      // A waiting batch would make a continued login wait.
      batchWindowSeconds: 0,
      maxConcurrency: settings.submitMaxConcurrency,
    });
    return submitter;
  }
}

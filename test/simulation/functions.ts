import { compose as composeApi, deadlineMsOf } from "../../functions/api/compose.ts";
import { compose as composeConsume } from "../../functions/consume/compose.ts";
import { failedRecords, pairWithOutcomes } from "../../functions/consume/records.ts";
import { report as reportConsumed } from "../../functions/consume/report.ts";
import { compose as composeDeliver } from "../../functions/deliver/compose.ts";
import {
  earlyRetries,
  failedRecords as failedDeliverRecords,
  parseMessage,
  sourceQueue,
} from "../../functions/deliver/records.ts";
import {
  makeObserver as makeDeliverObserver,
  report as reportDelivered,
} from "../../functions/deliver/report.ts";
import { compose as composeIngest } from "../../functions/ingest/compose.ts";
import { report as reportIngested } from "../../functions/ingest/report.ts";
import { toCommand, toResult as toIngestResult } from "../../functions/ingest/request.ts";
import { compose as composeReconcile } from "../../functions/reconcile/compose.ts";
import {
  makeObserver,
  reportAudit,
  reportDeliveries,
  reportOutbox,
  reportRequests,
} from "../../functions/reconcile/report.ts";
import { compose as composeSubmit } from "../../functions/submit/compose.ts";
import { failedRecords as failedSubmitRecords } from "../../functions/submit/records.ts";
import { report as reportSubmitted } from "../../functions/submit/report.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { toCall, toResult } from "../../shared/runtime/api-request.ts";
import { makeHttpFunction } from "../../shared/runtime/http-function.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import { reportNonFatalError, reportPublished } from "../../shared/runtime/report-failure.ts";
import { makeScheduledFunction } from "../../shared/runtime/scheduled-function.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

/** The variables of all functions in one: each reads its own. */
export type Environment = ParsedEnvironment<"operator"> &
  ParsedEnvironment<"deliver"> &
  ParsedEnvironment<"submit">;

export type Handler = (event: never, context: never) => Promise<unknown>;

/**
 * Makes the handler of each function, as a cold start does. Each follows its `handler.ts`, whose
 * module reads the process's environment and so cannot be made twice.
 */
export const coldStarts: Readonly<
  Record<string, (env: Environment, telemetry: Telemetry) => Handler>
> = {
  ingest(env, telemetry) {
    const { ingestWebhook } = composeIngest(env);
    return makeHttpFunction(telemetry, async (event) => {
      const outcome = await ingestWebhook(
        toCommand(event, AbortSignal.timeout(env.SETTINGS.inboundDeadlineMs)),
      );
      reportIngested(telemetry, outcome, event.requestContext.requestId);
      return toIngestResult(outcome);
    });
  },

  api(env, telemetry) {
    const { serveApi } = composeApi(env, {
      onNonFatalError: (error) => reportNonFatalError(telemetry, error),
      onScheduleFailed: () => telemetry.count("ScheduleFailed"),
    });
    return makeHttpFunction(telemetry, async (event) => {
      const signal = AbortSignal.timeout(deadlineMsOf(event.routeKey));
      return toResult(await serveApi(toCall(event, signal)));
    });
  },

  consume(env, telemetry) {
    const onNonFatalError = (error: unknown) => reportNonFatalError(telemetry, error);
    const { consumeWebhooks, setRetryVisibility } = composeConsume(env, onNonFatalError);
    return makeQueueFunction(telemetry, async (records, context) => {
      const { messages, outbox } = await consumeWebhooks(
        records.map(({ body }) => body),
        () => context.getRemainingTimeInMillis(),
      );
      const paired = pairWithOutcomes(records, messages);
      for (const { record, outcome } of paired) reportConsumed(telemetry, record, outcome);
      reportPublished(telemetry, outbox);
      await setRetryVisibility(paired);
      return failedRecords(paired);
    });
  },

  submit(env, telemetry) {
    const onNonFatalError = (error: unknown) => reportNonFatalError(telemetry, error);
    const { handleSubmitMessages } = composeSubmit(env, onNonFatalError);
    return makeQueueFunction(telemetry, async (records, context) => {
      const run = await handleSubmitMessages(
        records.map(({ body }) => body),
        () => context.getRemainingTimeInMillis(),
      );
      reportSubmitted(telemetry, run, records);
      return failedSubmitRecords(records, run.messages);
    });
  },

  deliver(env, telemetry) {
    const observer = makeDeliverObserver(telemetry);
    const { processMessages, setRetryVisibility } = composeDeliver(env, observer, undefined);
    return makeQueueFunction(telemetry, async (records, context) => {
      const queue = sourceQueue(records, env);
      const messages = records.map((record) => parseMessage(record, queue));
      const remainingMs = () => context.getRemainingTimeInMillis();
      const outcomes = await processMessages(messages, { queue, remainingMs });
      for (const [index, record] of records.entries()) {
        const outcome = outcomes[index];
        if (outcome) reportDelivered(telemetry, record, outcome);
      }
      const failed = failedDeliverRecords(records, outcomes);
      if (queue === "fanout") await setRetryVisibility(earlyRetries(failed, Date.now()));
      return failed;
    });
  },

  reconcile(env, telemetry) {
    const sweeps = composeReconcile(env, makeObserver(telemetry));
    return makeScheduledFunction(telemetry, async (remainingMs) => {
      const [events, requests, deliveries, audit] = await Promise.all([
        sweeps.sweepEventOutbox(remainingMs),
        sweeps.sweepRequests(remainingMs),
        sweeps.sweepDeliveries(remainingMs),
        sweeps.sweepAudit(),
      ]);
      reportOutbox(telemetry, events);
      reportRequests(telemetry, requests);
      reportDeliveries(telemetry, deliveries);
      reportAudit(telemetry, audit);
    });
  },
};

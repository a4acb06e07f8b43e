import { randomUUID } from "node:crypto";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { makeDynamoAudit } from "../../shared/adapters/dynamo/dynamo-audit.ts";
import { makePublishOperatorAction } from "../../shared/adapters/publish-operator-action.ts";
import { makeDeliveryPorts } from "../../shared/composition/delivery-ports.ts";
import {
  composeDeliverySweep,
  type DeliverySweepPorts,
} from "../../shared/composition/delivery-use-cases.ts";
import { makeEventPorts } from "../../shared/composition/event-ports.ts";
import { makeFunctionBase } from "../../shared/composition/function-base.ts";
import { makePausingProviderPorts } from "../../shared/composition/provider-ports.ts";
import { makeRequestPorts } from "../../shared/composition/request-ports.ts";
import { composeRequestSweep } from "../../shared/composition/request-use-cases.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { makeSweepAudit, type SweepAuditResult } from "../../shared/core/audit/sweep-audit.ts";
import { makeSweepEventOutbox } from "../../shared/core/events/sweep-event-outbox.ts";

/** Most events per outbox shard that one query returns; a run makes as many queries as it has time for. */
const EVENTS_PER_QUERY = 500;

/** Most deliveries per shard that one query returns; a run makes as many queries as it has time for. */
const DELIVERIES_PER_QUERY = 500;

/** Most requests and lanes that one query returns; a run makes as many queries as it has time for. */
const REQUESTS_PER_QUERY = 250;

/** Most audit records that one run publishes. */
const AUDIT_RECORDS_PER_RUN = 200;

export interface ReconcileDeps
  extends ReturnType<typeof composeRequestSweep>,
    ReturnType<typeof composeDeliverySweep> {
  sweepEventOutbox: ReturnType<typeof makeSweepEventOutbox>;
  sweepAudit: () => Promise<SweepAuditResult>;
}

type Observer = Pick<DeliverySweepPorts, "onDeliveriesFailed" | "onNonFatalError">;

export function compose(env: ParsedEnvironment<"reconcile">, observer: Observer): ReconcileDeps {
  const base = makeFunctionBase(env, observer.onNonFatalError);
  const events = makeEventPorts(base, env);
  const { client, clock } = base;
  return {
    sweepAudit: makeSweepAudit({
      audit: makeDynamoAudit({ client, tableName: env.AUDIT_TABLE, clock }),
      publish: makePublishOperatorAction({
        client: new EventBridgeClient(base.awsClientConfig),
        busName: env.EVENT_BUS_NAME,
      }),
      clock,
      limit: AUDIT_RECORDS_PER_RUN,
    }),
    sweepEventOutbox: makeSweepEventOutbox({
      ...events,
      clock: base.clock,
      newOwner: randomUUID,
      leaseMs: env.SETTINGS.claimLeaseSeconds * 1000,
      graceMs: env.SETTINGS.outboxGraceSeconds * 1000,
      limit: EVENTS_PER_QUERY,
    }),
    ...composeRequestSweep({
      ...makeRequestPorts(base, env, observer.onNonFatalError),
      ...events,
      ...makePausingProviderPorts(base, env),
      limit: REQUESTS_PER_QUERY,
      maxPolls: env.SETTINGS.pollsPerRun,
    }),
    ...composeDeliverySweep({
      ...makeDeliveryPorts(base, env),
      ...events,
      ...observer,
      limit: DELIVERIES_PER_QUERY,
    }),
  };
}

import { randomUUID } from "node:crypto";
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
import { makeSweepEventOutbox } from "../../shared/core/events/sweep-event-outbox.ts";

/** Most events per outbox shard that one query returns; a run makes as many queries as it has time for. */
const EVENTS_PER_QUERY = 500;

/** Most deliveries per shard that one query returns; a run makes as many queries as it has time for. */
const DELIVERIES_PER_QUERY = 500;

/** Most requests and lanes that one query returns; a run makes as many queries as it has time for. */
const REQUESTS_PER_QUERY = 250;

export interface ReconcileDeps
  extends ReturnType<typeof composeRequestSweep>,
    ReturnType<typeof composeDeliverySweep> {
  sweepEventOutbox: ReturnType<typeof makeSweepEventOutbox>;
}

type Observer = Pick<DeliverySweepPorts, "onDeliveriesFailed" | "onNonFatalError">;

export function compose(env: ParsedEnvironment<"reconcile">, observer: Observer): ReconcileDeps {
  const base = makeFunctionBase(env);
  const events = makeEventPorts(base, env);
  return {
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

import type { History } from "../history.ts";
import type { Workload } from "../plan-workload.ts";
import type { EndState } from "../simulate.ts";
import * as deliveries from "./deliveries.ts";
import * as inbound from "./inbound.ts";
import * as pace from "./pace.ts";
import * as requests from "./requests.ts";
import * as sequences from "./sequences.ts";

/** What a run shows that a guarantee rules out. */
export interface Violation {
  /** The guarantee, such as `G2`. */
  guarantee: string;
  text: string;
}

export interface Run {
  workload: Workload;
  history: History;
  end: EndState;
}

export type Check = (run: Run) => Violation[];

const checks: readonly Check[] = [
  inbound.ackedWebhooks,
  inbound.ackedStarts,
  inbound.webhookAnswers,
  inbound.forgedWebhooks,
  inbound.publishes,
  inbound.oneIdentity,
  inbound.deadLetters,
  inbound.settles,
  requests.acceptedRequests,
  requests.callsAreAnswered,
  requests.wellFormedCalls,
  requests.rightAccount,
  requests.oneRequestPerKey,
  requests.oneEnd,
  requests.rightEnd,
  requests.outcomeIsKnown,
  requests.cancelledAtProvider,
  requests.eventOrder,
  requests.notEarly,
  requests.webhooksEndRequests,
  requests.conflictingKeys,
  requests.queueTimeouts,
  requests.cancelledIsSilent,
  sequences.dependentsWait,
  sequences.dependentsAreReleased,
  sequences.repliesStop,
  sequences.dependentsEnd,
  sequences.oneRequestPerFiring,
  pace.oneInFlight,
  pace.oneRunning,
  pace.gaps,
  pace.limits,
  pace.order,
  pace.batchOrder,
  deliveries.deliveriesEnd,
  deliveries.oneDelivery,
  deliveries.attempts,
  deliveries.oneAttemptAtATime,
  deliveries.failuresAreTold,
  deliveries.cancelledDeliveries,
];

/** Checks a run against every guarantee. */
export const violationsOf = (run: Run): Violation[] => checks.flatMap((check) => check(run));

import type { ConnectionItem } from "../../contracts/config-items.ts";
import type { LaneView, NeedView } from "../../contracts/http/operator/overview.ts";
import { toIso } from "../clock.ts";
import { forEachConcurrent } from "../for-each-concurrent.ts";
import { makeReadWebhook } from "./delivery-handlers.ts";
import type { OperatorDeps, QueueCounts } from "./ports.ts";

/** Refused webhooks are shown for so long after the last one (business). */
const REFUSED_FOR_MS = 24 * 60 * 60_000;

/** Requests of unknown outcome of one client that are shown. */
const MAX_UNKNOWN = 10;

/** Connections of one client that are looked at at the same time. */
const CONCURRENCY = 10;

/** Failed attempts in a row from which an endpoint needs a person. */
const FAILING_FROM = 3;

/** Makes the function that returns what needs a person at one client, given its lanes. */
export function makeClientNeeds(deps: OperatorDeps) {
  const readWebhook = makeReadWebhook(deps);

  async function ofConnection(item: ConnectionItem, lanes: readonly LaneView[]) {
    const { connectionId, clientId, provider, settings, pausedBecause, refused } = item;
    const of = {
      clientId,
      subject: { kind: "connection" as const, id: connectionId },
    };
    const needs: NeedView[] = [];
    const waiting = lanes
      .filter((lane) => lane.connectionId === connectionId)
      .reduce((sum, lane) => sum + lane.waiting, 0);
    if (settings.status === "paused") {
      const isRefused = pausedBecause === "CREDENTIALS_REFUSED";
      needs.push({
        ...of,
        kind: "connection_paused",
        severity: "page",
        title: `The connection to ${provider} is paused`,
        cause: isRefused ? "The provider refused its credentials." : "A person has paused it.",
        toDo: isRefused ? "Set its credentials, then resume it." : "Resume it.",
        count: waiting,
      });
    }
    const view = (await deps.administration()).viewOfItem(item);
    if (view.hasCredentials === false) {
      needs.push({
        ...of,
        kind: "connection_without_credentials",
        severity: "ticket",
        title: `The connection to ${provider} has no credentials`,
        cause: "Nothing can be submitted without them.",
        toDo: "Set its credentials.",
        count: waiting,
      });
    }
    const nowMs = deps.clock.businessMs();
    if (refused && nowMs - Date.parse(refused.lastAt) < REFUSED_FOR_MS) {
      const from = ["an unknown address", "one address"][refused.addresses.length];
      needs.push({
        ...of,
        kind: "webhooks_refused",
        severity: "page",
        title: `Webhooks of ${provider} are refused`,
        cause: `Their signature does not match a secret of this connection. They came from ${from ?? "several addresses"}.`,
        toDo: "If the provider has a new secret, rotate to it; else somebody forges them. Quarantine keeps what comes meanwhile.",
        since: refused.since,
        count: refused.count,
      });
    }
    if (settings.signature === "quarantine") {
      let kept = 0;
      for await (const _ of deps.quarantine.keys(connectionId)) if (++kept >= 100) break;
      if (kept > 0) {
        needs.push({
          ...of,
          kind: "webhooks_quarantined",
          severity: "ticket",
          title: `Webhooks of ${provider} wait in quarantine`,
          cause: "Their signature did not match when they came.",
          toDo: "Rotate to the right secret, release them, and enforce the signature again.",
          count: kept,
        });
      }
    }
    return needs;
  }

  async function ofWebhook(clientId: string): Promise<NeedView[]> {
    const webhook = await readWebhook(clientId);
    if (!webhook) return [];
    const of = { clientId, subject: { kind: "webhook" as const, id: webhook.id } };
    const { last, waiting, failed, health } = webhook;
    const answer = last?.error ?? (last?.httpStatus ? `HTTP ${last.httpStatus}` : "no answer");
    if (webhook.status === "disabled") {
      return [
        {
          ...of,
          kind: "webhook_disabled",
          severity: "ticket",
          title: "A client's webhook is disabled",
          cause: webhook.disabledReason ?? "It was disabled.",
          toDo: "Enable it, or move it to another URL, and recover what was not delivered.",
          ...(webhook.disabledAt === undefined ? {} : { since: webhook.disabledAt }),
        },
      ];
    }
    if (health.consecutiveFailures < FAILING_FROM && failed === 0) return [];
    const isFailing = health.consecutiveFailures > 0;
    return [
      {
        ...of,
        kind: "webhook_failing",
        severity: health.circuit === "open" ? "page" : "ticket",
        title: isFailing ? "A client's endpoint fails" : "Deliveries to a client have failed",
        cause: isFailing
          ? `${health.consecutiveFailures === 1 ? "Its last attempt" : `Its last ${health.consecutiveFailures} attempts`} failed: ${answer}.`
          : `${failed} of its newest deliveries ${failed === 1 ? "was" : "were"} given up.`,
        toDo: isFailing
          ? "Ask the client; move the webhook, or disable it. Recover what failed when it answers again."
          : "Recover the period in which they failed.",
        count: isFailing ? waiting : failed,
      },
    ];
  }

  async function ofUnknown(clientId: string): Promise<NeedView[]> {
    const of = { clientId, status: "UNKNOWN", limit: MAX_UNKNOWN } as const;
    const { requests } = await deps.requestStore.list(of);
    return requests.map(({ requestId, submittedMs, createdMs }) => ({
      kind: "request_unknown",
      severity: "ticket",
      title: "A request's outcome is unknown",
      cause: "The provider's answer to its submission was lost.",
      toDo: "Look at the provider whether it has it, and decide it.",
      since: toIso(submittedMs ?? createdMs),
      clientId,
      subject: { kind: "request", id: requestId },
    }));
  }

  return async (clientId: string, lanes: readonly LaneView[]): Promise<NeedView[]> => {
    const own = lanes.filter((lane) => lane.clientId === clientId);
    const connections = await deps.store.connectionsOf(clientId);
    const ofConnections: NeedView[][] = [];
    const [ofEndpoint, unknown] = await Promise.all([
      ofWebhook(clientId),
      ofUnknown(clientId),
      forEachConcurrent([...connections.entries()], CONCURRENCY, async ([n, item]) => {
        ofConnections[n] = await ofConnection(item, own);
      }),
    ]);
    return [...ofConnections.flat(), ...ofEndpoint, ...unknown, ...own.flatMap(needsOfLane)];
  };
}

function needsOfLane(lane: LaneView): NeedView[] {
  const { clientId, connectionId, accountId, waiting, oldestSince, pausedBecause } = lane;
  const of = {
    clientId,
    count: waiting,
    ...(oldestSince === undefined ? {} : { since: oldestSince }),
    subject: { kind: "account" as const, id: accountId, connectionId },
  };
  if (pausedBecause !== undefined) {
    return [
      {
        ...of,
        kind: "account_paused",
        severity: "ticket",
        title: `The account ${accountId} is paused, and requests wait`,
        cause: pausedBecause,
        toDo: lane.pausedUntil
          ? "It resumes by itself; resume it earlier if the cause is gone."
          : "Mend the cause, such as the login, and resume it.",
      },
    ];
  }
  if (!lane.isStuck) return [];
  return [
    {
      ...of,
      kind: "lane_stuck",
      severity: "page",
      title: `The lane of the account ${accountId} stands still`,
      cause: "It was to be worked more than five minutes ago.",
      toDo: "Look at the submit queue and its dead letters.",
    },
  ];
}

/** What needs a person in the queues. */
export function needsOfQueues(queues: readonly QueueCounts[]): NeedView[] {
  return queues
    .filter(({ deadLetters, deadLettersInFlight }) => deadLetters + deadLettersInFlight > 0)
    .map(({ name, deadLetters, deadLettersInFlight }) => ({
      kind: "dead_letters",
      severity: "page",
      title: `Messages of the queue ${name} could not be processed`,
      cause: "Each failed again and again, or can never succeed.",
      toDo: "Look at one; redrive them when the cause is mended, or save and drop it.",
      count: deadLetters + deadLettersInFlight,
      subject: { kind: "queue", id: name },
    }));
}

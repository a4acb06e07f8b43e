import { setTimeout } from "node:timers/promises";
import { type Api, forEach, type RequestView } from "../run/api.ts";
import type { BenchRun } from "../run/bench-run.ts";
import type { attachConsumer } from "../run/bus.ts";
import { checkLanes } from "../run/lane-checks.ts";
import { count, type Report, spread } from "../run/report.ts";
import { type makeSimulatorControl, type Submission, tookEffect } from "../run/simulator.ts";
import { markerIn, type Order } from "./orders.ts";
import { readAsProvider } from "./read-as-provider.ts";

interface Checked {
  report: Report;
  run: BenchRun;
  api: Api;
  simulator: ReturnType<typeof makeSimulatorControl>;
  bus: Awaited<ReturnType<typeof attachConsumer>>;
  orders: readonly Order[];
  /** Requests whose outcome a person settled. */
  resolved: readonly string[];
  mayLoseAnswers: boolean;
  kills: number;
}

/** The defaults of the stack, in business time. */
const PACE_MIN_MS = 30_000;
const LANE_HOLD_MS = 3_600_000;
const UNKNOWN_HOLD_MS = 900_000;

const terminal = ["SUCCEEDED", "FAILED", "CANCELLED"];

/** Late copies of webhooks and second publishes would come in this time. */
const QUIET_MS = 10_000;

/** Looks at every request from each side on which it can be seen. */
export async function checkRequests(of: Checked): Promise<void> {
  const { report, api, orders } = of;
  report.note("every request is read, natively and in its provider's protocol …");
  const views = new Map<string, RequestView>();
  await forEach(orders, 10, async ({ requestId }) => {
    if (requestId !== undefined) views.set(requestId, await api.get(requestId));
  });
  const asProvider = await readAsProvider(of.run.local, api, orders);
  await setTimeout(QUIET_MS);
  const submissions = await of.simulator.submissions();

  report.figure("states", count([...views.values()].map(({ status }) => status)));
  report.figure("errors", count([...views.values()].flatMap(({ error }) => error?.code ?? [])));
  report.figure("settled by hand", of.resolved.length);
  report.figure(
    "calls at the provider, by status",
    count(submissions.map((one) => String(one.status))),
  );
  checkEnds(of, views, new Map((await api.list()).map((view) => [view.requestId, view])));
  checkSubmitted(of, submissions);
  checkOrder(of, submissions, views);
  checkToldAlike(of, views, asProvider);
  report.check("the run printed no fault", of.run.faults());
}

function checkEnds({ report, orders, mayLoseAnswers }: Checked, views: Views, later: Views): void {
  report.check(
    "every request was accepted",
    orders.filter(({ requestId }) => requestId === undefined).map(({ marker }) => marker),
  );
  report.check(
    "no two requests have one id",
    orders.length === new Set(orders.map(({ requestId }) => requestId)).size ? [] : ["they have"],
  );
  const ended = orders.map((order) => ({ order, view: views.get(order.requestId ?? "") }));
  report.check(
    "every request is terminal",
    ended
      .filter(({ view }) => !terminal.includes(view?.status ?? ""))
      .map(({ order, view }) => `${order.marker} ${view?.requestId}: ${view?.status}`),
  );
  report.check(
    "and ended as the provider was asked to end it",
    ended
      .filter(({ order, view }) => view?.status !== order.mustEnd)
      .map(({ order, view }) => `${order.marker}: ${view?.status} ${view?.error?.code ?? ""}`),
  );
  report.check(
    `and is as it was when it is read again${mayLoseAnswers ? ", late answers or not" : ""}`,
    [...views.values()]
      .filter(({ requestId, status, finishedAt }) => {
        const again = later.get(requestId);
        return again?.status !== status || again.finishedAt !== finishedAt;
      })
      .map(({ requestId, status }) => `${requestId}: ${status}, ${later.get(requestId)?.status}`),
  );
}

type Views = Map<string, RequestView>;

function checkSubmitted({ report, orders }: Checked, submissions: readonly Submission[]): void {
  const taken = Map.groupBy(submissions.filter(tookEffect), ({ body }) => markerIn(body));
  report.check(
    "the provider took each request exactly once",
    orders
      .filter(({ marker }) => taken.get(marker)?.length !== 1)
      .map(({ marker }) => `${marker}: ${taken.get(marker)?.length ?? 0} times`),
  );
  const known = new Set(orders.map(({ marker }) => marker));
  report.check(
    "and nothing else",
    [...taken.keys()].filter((marker) => !known.has(marker)),
  );
}

function checkOrder(of: Checked, submissions: readonly Submission[], views: Views): void {
  const { report, orders, resolved } = of;
  const byMarker = new Map(orders.map((order) => [order.marker, order]));
  const viewOf = ({ body }: Submission) => views.get(byMarker.get(markerIn(body))?.requestId ?? "");
  const lanes = Map.groupBy(submissions.filter(tookEffect), ({ accountId }) => accountId);
  const inversions = [...lanes].flatMap(([accountId, calls]) => {
    const places = calls
      .toSorted((a, b) => a.seq - b.seq)
      // A request that a person returned to its lane is submitted late.
      .filter((call) => !resolved.includes(viewOf(call)?.requestId ?? ""))
      .map(({ body }) => byMarker.get(markerIn(body))?.n ?? -1);
    return places.some((n, index) => n < (places[index - 1] ?? -1))
      ? [`${accountId}: ${places.join(" ")}`]
      : [];
  });
  report.check("the order of submissions is the order of acks in each account", inversions);
  const faults = checkLanes(submissions, viewOf, {
    paceMinMs: PACE_MIN_MS,
    laneHoldMs: LANE_HOLD_MS,
    ...(of.mayLoseAnswers ? { unknownHoldMs: UNKNOWN_HOLD_MS } : {}),
  });
  report.check("one in flight per account", faults.overlaps);
  report.check(`at least ${PACE_MIN_MS / 1000} s between an answer and the next`, faults.gaps);
  report.figure("gaps (business; min / median / max)", spread(faults.gapsMs));
  report.figure("submitted after the lane's hold, not the end", faults.afterHold);
}

function checkToldAlike(
  { report, orders, bus, kills }: Checked,
  views: Views,
  asProvider: Map<string, { status: string; result: string }>,
): void {
  const published = bus.published();
  const eventsByRequest = Map.groupBy(
    published.filter(({ requestId }) => requestId !== undefined),
    ({ requestId }) => requestId ?? "",
  );
  const busStatus = { SUCCEEDED: "completed", FAILED: "failed" } as Record<string, string>;
  const requestIds = orders.flatMap(({ requestId }) => requestId ?? []);
  report.figure(
    "unmatched workflow.completed on the bus",
    published.length - [...eventsByRequest.values()].flat().length,
  );
  const repeated = requestIds.filter((id) => (eventsByRequest.get(id)?.length ?? 0) > 1);
  report.figure("workflow.completed published again", repeated.length);
  // A kill between publishing and recording it gives a second publish of the same bytes (G2).
  const isFine = (events: { id: string; detail: string }[] | undefined) =>
    kills === 0
      ? events?.length === 1
      : new Set(events?.map(({ id, detail }) => `${id} ${detail}`)).size === 1;
  report.check(
    `the bus has ${kills === 0 ? "exactly one" : "one, of the same id and bytes each time,"} workflow.completed of each`,
    requestIds
      .filter((id) => !isFine(eventsByRequest.get(id)))
      .map(
        (id) =>
          `${id}: ${eventsByRequest
            .get(id)
            ?.map((event) => event.detail)
            .join(" and ")}`,
      ),
  );
  report.check(
    "poll, get_response and bus agree on each request",
    requestIds.flatMap((id) => {
      const view = views.get(id);
      const event = eventsByRequest.get(id)?.[0];
      const other = asProvider.get(id);
      const native = { status: view?.status, result: JSON.stringify(view?.result ?? null) };
      const isAlike =
        event?.status === busStatus[view?.status ?? ""] &&
        JSON.stringify(event?.result ?? null) === native.result &&
        other?.status === native.status &&
        (native.status === "FAILED" || other?.result === native.result);
      return isAlike
        ? []
        : [`${id}: ${JSON.stringify(native)}, ${JSON.stringify(other)}, ${event?.detail}`];
    }),
  );
}

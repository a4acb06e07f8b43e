import { isTerminal, type RequestRecord } from "../../../shared/core/requests/state/record.ts";
import { MAX_SKEW_MS } from "../engine/lambda.ts";
import type { PersonEvent, PlannedDependency } from "../plan-workload.ts";
import { RECURRING_N } from "../workload.ts";
import type { Check, Run, Violation } from "./checks.ts";
import { isUnderWay, type Known, knownOf } from "./requests.ts";

/** A request that depends on another one, and everything that is known of both. */
interface Dependent extends Known {
  dependsOn: PlannedDependency;
  /** The one that it depends on, as it ended. */
  before: RequestRecord | undefined;
  /** When the first request of the sequence was accepted. */
  sinceMs: number;
  /** The events of the provider that concern it. */
  events: readonly PersonEvent[];
}

function dependentsOf(run: Run): Dependent[] {
  const known = new Map(knownOf(run).map((one) => [one.plan.n, one]));
  return [...known.values()].flatMap((one) => {
    const { dependsOn, person, accountId } = one.plan;
    if (!dependsOn || !one.record) return [];
    let first = known.get(dependsOn.n);
    while (first?.plan.dependsOn) first = known.get(first.plan.dependsOn.n);
    const account = run.workload.accounts.find((other) => other.accountId === accountId);
    // The events come from We-Link: those of another connection do not count.
    const events = account?.provider === "linked-api" ? [] : (run.workload.personEvents ?? []);
    return [
      {
        ...one,
        dependsOn,
        before: known.get(dependsOn.n)?.record,
        sinceMs: first?.record?.createdMs ?? 0,
        events: events.filter((event) => event.person === person),
      },
    ];
  });
}

const violation = (guarantee: string, n: number, text: string): Violation => ({
  guarantee,
  text: `request ${n} ${text}`,
});

/** G7: a request that depends on another one is sent after what it waits for and its delay. */
export const dependentsWait: Check = (run) =>
  dependentsOf(run).flatMap(({ plan, dependsOn, before, events, submissions }) => {
    const metMs = dependsOn.on === "succeeded" ? succeededMs(before) : firstAcceptedMs(events);
    return submissions
      .filter(({ fromMs }) => fromMs + 2 * MAX_SKEW_MS < metMs + dependsOn.afterMs)
      .map(() => violation("G7", plan.n, "was sent before what it waits for"));
  });

const succeededMs = (before: RequestRecord | undefined) =>
  before?.status === "SUCCEEDED" ? (before.finishedMs ?? 0) : Number.POSITIVE_INFINITY;

const firstAcceptedMs = (events: readonly PersonEvent[]) =>
  Math.min(...events.filter(({ type }) => type === "CONNECTION_ACCEPTED").map(({ atMs }) => atMs));

/** G9: when the webhook of a reply was answered 200, a request that it stops is not sent. */
export const repliesStop: Check = (run) =>
  dependentsOf(run).flatMap(({ plan, dependsOn, sinceMs, events, submissions }) => {
    if (!dependsOn.isStoppable) return [];
    const repliedMs = events
      .filter(({ type, atMs }) => type === "MESSAGE_REPLY" && atMs > sinceMs + 2 * MAX_SKEW_MS)
      .flatMap(
        ({ id }) => run.history.webhooks.find((one) => one.id === id && one.status === 200) ?? [],
      )
      .map(({ atMs }) => atMs);
    return repliedMs.flatMap((atMs) =>
      submissions
        .filter(({ fromMs, by }) => fromMs > atMs && !isUnderWay(run.history, by, atMs))
        .map(() => violation("G9", plan.n, "was sent after a reply")),
    );
  });

/** G4: a request that was not sent, because of another one, ends for a reason that there is. */
export const dependentsEnd: Check = (run) =>
  dependentsOf(run).flatMap((dependent) => {
    const { plan, record } = dependent;
    const code = record?.error?.code ?? "";
    const isRight = !code.startsWith("DEPENDENCY_") || isReason(code, dependent, run);
    return isRight ? [] : [violation("G4", plan.n, `ended ${code} without a reason`)];
  });

function isReason(code: string, of: Dependent, run: Run): boolean {
  const { dependsOn, before, record, events, submissions } = of;
  if (!record || submissions.some(({ isApplied }) => isApplied)) return false;
  switch (code) {
    case "DEPENDENCY_FAILED":
      return before !== undefined && isTerminal(before) && before.status !== "SUCCEEDED";
    case "DEPENDENCY_STOPPED":
      return dependsOn.isStoppable && events.some(({ type }) => type === "MESSAGE_REPLY");
    case "DEPENDENCY_EXPIRED": {
      const untilMs = record.createdMs + dependsOn.withinMs;
      const isOver = (record.finishedMs ?? 0) + 2 * MAX_SKEW_MS >= untilMs;
      return isOver && !wasMet(of, untilMs - 2 * MAX_SKEW_MS, run);
    }
    default:
      return false;
  }
}

/** Whether what a request waits for had surely happened by this time. */
function wasMet({ dependsOn, before, events }: Dependent, byMs: number, run: Run): boolean {
  if (dependsOn.on === "succeeded") return succeededMs(before) <= byMs;
  const sinceMs = (before?.createdMs ?? 0) + 2 * MAX_SKEW_MS;
  return events
    .filter(({ type, atMs }) => type === "CONNECTION_ACCEPTED" && atMs > sinceMs)
    .some(({ id }) =>
      run.history.webhooks.some((one) => one.id === id && one.status === 200 && one.atMs <= byMs),
    );
}

/** G3: each firing of a recurring request makes one request, which is submitted once. */
export const oneRequestPerFiring: Check = ({ workload, history, end }) =>
  (workload.recurring ?? []).flatMap(({ recurringId }) => {
    const made = end.requests.filter((request) => request.recurringId === recurringId);
    const firings = history.firings.map(({ body, atMs }) => ({
      firesAt: (JSON.parse(body) as { firesAt: string }).firesAt,
      atMs,
    }));
    const activeMs =
      history.calls.find(
        ({ key, what, status }) => key === recurringId && what === "recur" && status < 300,
      )?.untilMs ?? Number.POSITIVE_INFINITY;
    const all = new Set(firings.map(({ firesAt }) => firesAt)).size;
    const due = new Set(firings.filter(({ atMs }) => atMs > activeMs).map(({ firesAt }) => firesAt))
      .size;
    const sent = history.submissions.filter(
      ({ isApplied, params }) => isApplied && params.n === RECURRING_N,
    ).length;
    return [
      ...(made.length < due || made.length > all
        ? [`${made.length} requests of ${due} to ${all} firings`]
        : []),
      ...(sent > made.length ? [`${sent} submissions of ${made.length} requests`] : []),
    ].map((text): Violation => ({ guarantee: "G3", text: `${recurringId}: ${text}` }));
  });

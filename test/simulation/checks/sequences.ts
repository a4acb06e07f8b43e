import type { RequestRecord } from "../../../shared/core/requests/state/record.ts";
import { MAX_SKEW_MS } from "../engine/lambda.ts";
import { type History, invocationStart, requestWrites, type Submission } from "../history.ts";
import type { PersonEvent, PlannedDependency, PlannedRecurring } from "../plan-workload.ts";
import { START_MS } from "../stack.ts";
import { RECURRING_N } from "../workload.ts";
import type { Check, Run, Violation } from "./checks.ts";
import { endsAsItsJob, isTerminal, type Known, knownOf, QUEUE_TIMEOUT } from "./requests.ts";

/** By how much two clocks of a run may differ. */
const SKEW_MS = 2 * MAX_SKEW_MS;

/** A request that depends on another one, and everything that is known of both. */
interface Dependent extends Known {
  dependsOn: PlannedDependency;
  /** The one that it depends on, as it ended. */
  before: RequestRecord | undefined;
  /** When the first request of the sequence was accepted. */
  sinceMs: number;
  /** The events of the provider that concern it. */
  events: readonly Reported[];
}

/** An event that a provider has sent. */
interface Reported extends PersonEvent {
  /** When its webhook was first answered 200. */
  ackedMs: number | undefined;
}

function dependentsOf(run: Run): Dependent[] {
  const known = new Map(knownOf(run).map((one) => [one.plan.n, one]));
  return [...known.values()].flatMap((one) => {
    const { dependsOn, person, accountId } = one.plan;
    if (!dependsOn || !one.record) return [];
    let first = known.get(dependsOn.n);
    while (first?.plan.dependsOn) first = known.get(first.plan.dependsOn.n);
    return [
      {
        ...one,
        dependsOn,
        before: known.get(dependsOn.n)?.record,
        sinceMs: first?.record?.createdMs ?? 0,
        events: eventsOf(run, accountId).filter((event) => event.person === person),
      },
    ];
  });
}

/** The events of the connection of an account that name no other account. */
function eventsOf({ workload, history }: Run, accountId: string): Reported[] {
  const providerOf = (id: string) =>
    workload.accounts.find((account) => account.accountId === id)?.provider ?? "we-link";
  const provider = providerOf(accountId);
  return (workload.personEvents ?? [])
    .filter((event) => providerOf(event.accountId) === provider)
    .filter((event) => {
      const isNamed = event.namesAccount || provider === "linked-api";
      return !isNamed || event.accountId === accountId;
    })
    .map((event) => ({
      ...event,
      ackedMs: history.webhooks.find(({ id, status }) => id === event.id && status === 200)?.atMs,
    }));
}

const violation = (guarantee: string, n: number, text: string): Violation => ({
  guarantee,
  text: `request ${n} ${text}`,
});

const succeededMs = (before: RequestRecord | undefined) =>
  before?.status === "SUCCEEDED" ? (before.finishedMs ?? 0) : Number.POSITIVE_INFINITY;

/** The events that may release a request: those that were acked since the one before it was accepted, more or less. */
const mayRelease = ({ before, events }: Dependent) =>
  events.filter(
    ({ type, atMs, ackedMs = atMs }) =>
      type === "CONNECTION_ACCEPTED" && ackedMs >= (before?.createdMs ?? 0) - SKEW_MS,
  );

/** Those that release it whenever they were received: they were sent since then. */
const releasing = ({ before, events }: Dependent) =>
  events.filter(
    ({ type, atMs }) =>
      type === "CONNECTION_ACCEPTED" && atMs >= (before?.createdMs ?? 0) + SKEW_MS,
  );

/** The earliest time at which what a request waits for can have happened. */
const earliestMetMs = (of: Dependent) =>
  of.dependsOn.on === "succeeded"
    ? succeededMs(of.before)
    : Math.min(...mayRelease(of).map(({ atMs }) => atMs));

/** The time by which what a request waits for has surely happened. */
const surelyMetMs = (of: Dependent) =>
  of.dependsOn.on === "succeeded"
    ? succeededMs(of.before)
    : Math.min(...releasing(of).map(({ ackedMs = Number.POSITIVE_INFINITY }) => ackedMs));

/** G7: a request that depends on another one is sent after what it waits for and its delay. */
export const dependentsWait: Check = (run) =>
  dependentsOf(run).flatMap((of) =>
    of.submissions
      .filter(({ fromMs }) => fromMs + SKEW_MS < earliestMetMs(of) + of.dependsOn.afterMs)
      .map(() => violation("G7", of.plan.n, "was sent before what it waits for")),
  );

/** A released request joins its lane this long after its time at the latest, unless something was struck. */
const PROMPT_MS = 90_000;

/** After a fault, the sweep has made good what it left undone: an instance may be frozen for minutes. */
const MENDED_MS = 12 * 60_000;

/** G12: a request joins its lane soon after what it waits for and its delay. */
export const dependentsAreReleased: Check = (run) => {
  const writes = requestWrites(run.history);
  return dependentsOf(run).flatMap((of) => {
    const { record, plan, dependsOn } = of;
    const metMs = surelyMetMs(of);
    if (!record || metMs > record.createdMs + dependsOn.withinMs - SKEW_MS) return [];
    const dueMs = Math.max(record.createdMs, metMs + dependsOn.afterMs) + PROMPT_MS;
    const { atMs: joinedMs = Number.POSITIVE_INFINITY } =
      writes.find(
        ({ before, after }) =>
          after.requestId === record.requestId &&
          before?.status === "SCHEDULED" &&
          after.status !== "SCHEDULED",
      ) ?? {};
    // What leads from the condition to the lane, and those that depend on a request are told of its
    // end when that is published: not deliveries, and not a clock that was wrong before.
    const struckMs = run.history.struck
      .filter(({ id }) => !/^(?:deliver|endpoint|fanout|attempts|retries|clock)\b/.test(id))
      .map(({ atMs }) => atMs)
      .filter((atMs) => atMs >= Math.min(metMs, record.createdMs) - PROMPT_MS && atMs <= joinedMs);
    const lastMs = Math.max(dueMs, ...struckMs.map((atMs) => atMs + MENDED_MS));
    return joinedMs <= lastMs ? [] : [violation("G12", plan.n, "was not released in time")];
  });
};

/** When the worker of a submission had claimed its request. */
function claimedMs(history: History, requestId: string, { by, fromMs }: Submission): number {
  const claims = requestWrites(history).filter(
    (write) =>
      write.after.requestId === requestId &&
      write.after.status === "SUBMITTING" &&
      write.by === by &&
      write.atMs <= fromMs,
  );
  return claims.at(-1)?.atMs ?? 0;
}

/**
 * G9: when the webhook of a reply was answered 200, a request that it stops is not sent. A worker
 * that has claimed it looks for replies after that: only a call that is under way may finish.
 */
export const repliesStop: Check = (run) =>
  dependentsOf(run).flatMap(({ plan, requestId = "", dependsOn, sinceMs, events, submissions }) => {
    if (!dependsOn.isStoppable) return [];
    const replies = events.flatMap(({ type, atMs, ackedMs }) =>
      type === "MESSAGE_REPLY" && atMs > sinceMs + SKEW_MS ? (ackedMs ?? []) : [],
    );
    return replies.flatMap((ackedMs) =>
      submissions
        .filter(({ fromMs }) => fromMs > ackedMs)
        .filter(
          (one) =>
            claimedMs(run.history, requestId, one) > ackedMs ||
            invocationStart(run.history, one.by, one.fromMs) > ackedMs,
        )
        .map(() => violation("G9", plan.n, "was sent after a reply")),
    );
  });

/** G4: a request that was not sent, because of another one, ends for a reason that there is. */
export const dependentsEnd: Check = (run) =>
  dependentsOf(run).flatMap((dependent) => {
    const { plan, record } = dependent;
    const code = record?.error?.code ?? "";
    const isRight = !code.startsWith("DEPENDENCY_") || isReason(code, dependent);
    return isRight ? [] : [violation("G4", plan.n, `ended ${code} without a reason`)];
  });

function isReason(code: string, of: Dependent): boolean {
  const { dependsOn, before, record, events, sinceMs, submissions } = of;
  if (!record || submissions.some(({ isApplied }) => isApplied)) return false;
  const { createdMs, finishedMs = 0 } = record;
  switch (code) {
    case "DEPENDENCY_FAILED": {
      if (!before || !isTerminal(before) || before.status === "SUCCEEDED") return false;
      const { finishedMs: failedMs = 0 } = before;
      return failedMs <= finishedMs + SKEW_MS && surelyMetMs(of) > failedMs - SKEW_MS;
    }
    case "DEPENDENCY_STOPPED":
      return (
        dependsOn.isStoppable &&
        events.some(
          ({ type, atMs }) =>
            type === "MESSAGE_REPLY" && atMs >= sinceMs - SKEW_MS && atMs <= finishedMs + SKEW_MS,
        )
      );
    case "DEPENDENCY_EXPIRED": {
      const untilMs = createdMs + dependsOn.withinMs;
      return finishedMs + SKEW_MS >= untilMs && surelyMetMs(of) > untilMs - SKEW_MS;
    }
    default:
      return false;
  }
}

/**
 * G3: each firing of a recurring request makes one request, which is submitted once, and ends as
 * its job. After the call that deletes it, no firing makes one.
 */
export const oneRequestPerFiring: Check = (run) =>
  (run.workload.recurring ?? []).flatMap((recurring) =>
    recurringProblems(run, recurring).map(
      (text): Violation => ({ guarantee: "G3", text: `${recurring.recurringId}: ${text}` }),
    ),
  );

/** A worker that had the message of a firing when the recurring request was deleted is done after this time. */
const WORKER_MS = 30_000;

/** A schedule fires this long after its time at most. */
const FIRES_LATE_MS = 60_000;

function recurringProblems({ history, end }: Run, recurring: PlannedRecurring): string[] {
  const { recurringId, minutes } = recurring;
  const made = end.requests.filter((request) => request.recurringId === recurringId);
  const callOf = (what: "recur" | "delete") =>
    history.calls.find(
      (call) => call.key === recurringId && call.what === what && call.status < 300,
    );
  const activeMs = callOf("recur")?.untilMs ?? Number.POSITIVE_INFINITY;
  const deleted = callOf("delete");
  const hourMs = Math.floor(START_MS / 3_600_000) * 3_600_000;
  const times = minutes.map((minute) => hourMs + minute * 60_000);
  const fired = new Set(
    history.firings
      .map(({ body }) => JSON.parse(body) as { recurringId: string; firesAt: string })
      .filter((firing) => firing.recurringId === recurringId)
      .map(({ firesAt }) => Date.parse(firesAt)),
  );
  // A schedule that is set again, by a call that was frozen, does not fire for a time that is over.
  const isSetAgain = (ms: number) =>
    history.schedulesSet.some(
      ({ body, atMs }) =>
        body.includes(`"${recurringId}"`) && atMs > ms - SKEW_MS && atMs < ms + FIRES_LATE_MS,
    );
  // A firing may come early, late, and be processed some time after that.
  const certain = times.filter(
    (ms) =>
      ms > activeMs + SKEW_MS &&
      !isSetAgain(ms) &&
      (!deleted || ms + 20 * WORKER_MS < deleted.fromMs),
  );
  const late = made.filter(
    ({ createdMs }) => deleted && createdMs > deleted.untilMs + WORKER_MS + SKEW_MS,
  );
  const sent = history.submissions.filter(
    ({ isApplied, params }) => isApplied && params.n === RECURRING_N,
  );
  const wrong = made.filter((record) => {
    const { requestId, providerRequestId, error } = record;
    const own = sent.filter(
      (one) =>
        one.params.label === requestId ||
        (providerRequestId !== undefined && one.providerRequestId === providerRequestId),
    );
    if (own.length > 1) return true;
    if (["OUTCOME_UNKNOWN", QUEUE_TIMEOUT].includes(error?.code ?? "")) return false;
    return own.length === 0 || !endsAsItsJob(record, own);
  });
  return [
    ...[...fired].filter((ms) => !times.includes(ms)).map((ms) => `fired at ${ms}`),
    ...(made.length < certain.length || made.length > fired.size
      ? [`${made.length} requests of ${certain.length} to ${fired.size} firings`]
      : []),
    ...late.map(({ requestId }) => `${requestId} was made after its deletion`),
    ...(sent.length > made.length ? [`${sent.length} submissions of ${made.length} requests`] : []),
    ...wrong.map(({ requestId, status }) => `${requestId} is ${status}, unlike its job`),
  ];
}

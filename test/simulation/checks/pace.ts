import { MAX_SKEW_MS } from "../engine/lambda.ts";
import { type History, invocationEnd, invocationStart, requestWrites } from "../history.ts";
import type { Account, PlannedRequest } from "../plan-workload.ts";
import { settings } from "../stack.ts";
import { keyOf } from "../workload.ts";
import type { Check, Run, Violation } from "./checks.ts";

const HOUR_MS = 3_600_000;

const perAccount =
  (check: (run: Run, account: Account) => string[]): Check =>
  (run) =>
    run.workload.accounts.flatMap((account) =>
      check(run, account).map(
        (text): Violation => ({ guarantee: "G5", text: `${account.accountId}: ${text}` }),
      ),
    );

const callsOf = ({ history }: Run, { accountId }: Account) =>
  history.submissions.filter((call) => call.accountId === accountId);

/** Whether a worker was frozen in the invocation of this time, so that it acted later than it decided. */
function isOff({ history }: Run, by: string, atMs: number): boolean {
  const startMs = invocationStart(history, by, atMs);
  return history.struck.some(
    ({ kind, instance, atMs: at }) =>
      kind === "freeze" && instance === by && at >= startMs && at <= atMs,
  );
}

/** G5: one submission at a time. */
export const oneInFlight = perAccount((run, account) => {
  const calls = callsOf(run, account);
  return calls.flatMap((call, n) => {
    const before = calls[n - 1];
    if (!before || isOff(run, call.by, call.fromMs) || isOff(run, before.by, call.fromMs))
      return [];
    // A worker that crashed during its call has none under way any more.
    const untilMs = Number.isFinite(before.untilMs) ? before.untilMs : before.fromMs;
    return call.fromMs < untilMs ? [`two submissions at ${call.fromMs}`] : [];
  });
});

/** For how long a submitted request keeps the next one from being submitted, as in the settings. */
const HOLD_MS = settings.laneHoldSeconds * 1_000;

/** G5: the next submission waits for the end of the request before, or for its hold. */
export const oneRunning = perAccount((run, account) => {
  const calls = callsOf(run, account);
  return calls.flatMap((call, n) => {
    const before = calls[n - 1];
    if (before?.answer !== 200) return [];
    if (isOff(run, call.by, call.fromMs) || isOff(run, before.by, call.fromMs)) return [];
    const record = run.end.requests.find(
      ({ providerRequestId }) => providerRequestId === before.providerRequestId,
    );
    const endMs = Math.min(record?.finishedMs ?? 0, before.untilMs + HOLD_MS);
    return call.fromMs + 2 * MAX_SKEW_MS < endMs
      ? [`a submission ${endMs - call.fromMs} ms before the end of the one before`]
      : [];
  });
});

/** What a provider that answers 429 asks for, as in `services/provider.ts`. */
const RETRY_AFTER_MS = 20_000;

/** G5: at least the gap between an answer and the next submission. */
export const gaps = perAccount((run, account) => {
  const calls = callsOf(run, account);
  return calls.flatMap((call, n) => {
    const before = calls[n - 1];
    if (!before || before.answer === "notSent") return [];
    if (isOff(run, call.by, call.fromMs) || isOff(run, before.by, call.fromMs)) return [];
    // Where the worker of the call before has crashed, nobody knows when it was answered.
    const answeredMs = Number.isFinite(before.untilMs) ? before.untilMs : before.fromMs;
    const leastMs = before.answer === 429 ? RETRY_AFTER_MS : account.paceMs.min;
    // The gap is kept by the clock of the worker before, and read by that of this one.
    const skewMs = (by: string) => run.history.skewsMs.get(by) ?? 0;
    const gapMs = call.fromMs - answeredMs + skewMs(call.by) - skewMs(before.by);
    return gapMs < leastMs ? [`only ${call.fromMs - answeredMs} ms between two submissions`] : [];
  });
});

/** G5: no rolling hour above the limit, and nothing before the account's hours. */
export const limits = perAccount((run, account) => {
  // A call that was frozen on its way counts from when it was decided.
  const calls = callsOf(run, account)
    .filter(({ isApplied }) => isApplied)
    .map(({ by, fromMs }) => ({
      fromMs: isOff(run, by, fromMs) ? invocationStart(run.history, by, fromMs) : fromMs,
    }));
  const { hourLimit, opensMs = 0 } = account;
  const early = callsOf(run, account).filter(({ fromMs }) => fromMs + MAX_SKEW_MS < opensMs);
  const above = calls.filter(
    ({ fromMs }) =>
      hourLimit !== undefined &&
      calls.filter((one) => one.fromMs <= fromMs && one.fromMs > fromMs - HOUR_MS + 2 * MAX_SKEW_MS)
        .length > hourLimit,
  );
  return [
    ...early.map(({ fromMs }) => `a submission ${opensMs - fromMs} ms before its hours`),
    ...above.map(({ fromMs }) => `more than ${hourLimit} submissions in the hour before ${fromMs}`),
  ];
});

/** Whether a worker that had claimed a request was frozen then, so that others waited for the request no longer. */
function wasHeldByFrozen(history: History, requestId: string | undefined): boolean {
  return requestWrites(history)
    .filter(({ after }) => after.requestId === requestId && after.status === "SUBMITTING")
    .some(({ by, atMs }) =>
      history.struck.some(
        ({ kind, instance, atMs: at }) =>
          kind === "freeze" &&
          instance === by &&
          at >= invocationStart(history, by, atMs) &&
          at <= invocationEnd(history, by, atMs),
      ),
    );
}

/** Whether a request joins its lane and stays there. */
const isPlain = ({ scheduledMs, cancelAfterMs, dependsOn }: PlannedRequest) =>
  scheduledMs === undefined && cancelAfterMs === undefined && dependsOn === undefined;

/** G5: requests of one priority that were accepted one after the other are submitted in that order. */
export const order = perAccount((run, account) => {
  const { requests } = run.workload;
  const skews = [...run.history.skewsMs.values()];
  const spreadMs = Math.max(0, ...skews) - Math.min(0, ...skews);
  const own = requests.filter(
    (request) => request.accountId === account.accountId && isPlain(request),
  );
  const known = own.flatMap(({ n, isHigh }) => {
    const accepts = run.history.calls
      .filter(({ key, what }) => key === keyOf({ n }) && what === "accept")
      .sort((a, b) => a.fromMs - b.fromMs);
    const accepted = accepts.find(({ status }) => status === 202);
    const { requestId } = JSON.parse(accepted?.body ?? "{}") as { requestId?: string };
    const ended = accepted?.untilMs;
    const taken = run.history.submissions.find(
      ({ params, isApplied }) => isApplied && params.n === n,
    );
    const begun = accepts[0]?.fromMs;
    return ended === undefined || begun === undefined || !taken
      ? []
      : [{ n, isHigh, begun, ended, taken, requestId }];
  });
  return known.flatMap((a) =>
    known
      .filter((b) => b.isHigh === a.isHigh && a.ended + spreadMs < b.begun)
      .filter((b) => b.taken.fromMs < a.taken.fromMs)
      .filter(
        (b) => !isOff(run, b.taken.by, b.taken.fromMs) && !isOff(run, a.taken.by, a.taken.fromMs),
      )
      .filter(() => !wasHeldByFrozen(run.history, a.requestId))
      .map((b) => `request ${b.n} overtook request ${a.n}`),
  );
});

/**
 * G5: the requests of a batch are submitted in its order, unless it was stored slowly: an account
 * whose pace allows it may meet a later request while an earlier one is being stored. The one of
 * an account that is stored first has the priority of these.
 */
export const batchOrder = perAccount((run, account) => {
  const { workload, history } = run;
  const own = workload.requests.filter(
    ({ accountId, batch }) => accountId === account.accountId && batch !== undefined,
  );
  const keys = new Set(own.map(keyOf));
  const calls = history.calls.filter(
    ({ key, batchKey }) => batchKey !== undefined && keys.has(key),
  );
  const firstMs = Math.min(...calls.map(({ fromMs }) => fromMs));
  const first = calls.filter(({ fromMs }) => fromMs === firstMs);
  const isStored = first.every(
    ({ status, untilMs }) => status === 202 && untilMs - firstMs < account.paceMs.min,
  );
  if (!isStored) return [];
  const lane = own.filter(isPlain).filter(({ isHigh }) => isHigh === own[0]?.isHigh);
  const placed = lane.flatMap((request) => {
    const sent = history.submissions.filter(({ params }) => params.n === request.n);
    const [only, ...others] = sent;
    const isClear = only?.isApplied && others.length === 0 && only.answer === 200;
    return isClear && !isOff(run, only.by, only.fromMs)
      ? [{ n: request.n, at: history.submissions.indexOf(only) }]
      : [];
  });
  return placed.flatMap((a, at) =>
    placed
      .slice(at + 1)
      .filter((b) => b.at < a.at)
      .map((b) => `request ${b.n} overtook request ${a.n} of its batch`),
  );
});

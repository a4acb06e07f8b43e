import { openBetween } from "../../../shared/core/pace/hours.ts";
import { DAY_MS, windowMs } from "../../../shared/core/pace/windows.ts";
import { requestRules } from "../payloads/request-rules.ts";
import {
  hoursAboveTwiceTheShare,
  outsideHours,
  perOpenDay,
  windowsAboveCap,
} from "./pace-checks.ts";
import {
  actions,
  type NotedCall,
  type PacedAccount,
  type PacedRun,
  PROBE,
} from "./paced-accounts.ts";

/** What is wrong with a run, one line for each fault, by the rule that is broken; and its figures. */
export interface PacedResult {
  faults: Record<string, string[]>;
  figures: Record<string, string | number>;
}

const iso = (ms: number) => new Date(ms).toISOString();

/** The shortest use of a limit while work waits. */
const LEAST_USE = 0.95;

/** Retry-After of the provider, which pauses the account. */
const LIMIT_PAUSE_MS = 60_000;

/** Checks a run by what the provider has noted. */
export function checkPacedRun(run: PacedRun): PacedResult {
  const all = run.accounts.map((one) => ({ ...one, calls: callsOf(run, one) }));
  const restricted = all.filter(({ restriction }) => restriction);
  const steady = all.filter(({ account }) => account.warmUp === undefined);
  const use = steady.flatMap((one) => usesOf(run, one));
  const probes = all.flatMap((one) => probesOf(run, one));
  const worstUse = Math.min(...use.map(({ part }) => part));
  const longestMs = Math.max(0, ...probes.map(({ idleMs }) => idleMs));
  return {
    faults: {
      "no call outside of the hours": all.flatMap(({ settings, calls }) =>
        outsideHours(settings, asTakes(calls)),
      ),
      "no rolling window above a limit": all.flatMap((one) =>
        windowsAboveCap(
          one.settings,
          asTakes(one.calls.filter(({ tookEffect }) => tookEffect)),
          limitAt(one),
        ),
      ),
      "no hour above twice its even share": steady.flatMap((one) => crammedHours(run, one)),
      "at least 95 % of each limit is used while work waits": unused(use, run.kills.length),
      "at least the gap between an answer and the next call": all.flatMap(tooClose),
      "the order of each category": all.flatMap(overtaken),
      "at most one request in flight": all.flatMap(overlaps),
      "no request is carried out twice": all.flatMap(twice),
      "after a restriction the warm-up starts again": restricted.flatMap(aboveNewWarmUp),
      "some account was restricted": restricted.length > 0 ? [] : ["none"],
      "a full category delays another by at most one gap": probes.flatMap(
        ({ name, idleMs, maxMs }) => (idleMs > maxMs ? [`${name}: ${idleMs / 1_000} s`] : []),
      ),
      "nothing ends by its queue timeout": run.errors.has("QUEUE_TIMEOUT")
        ? [`${run.errors.get("QUEUE_TIMEOUT")} requests`]
        : [],
    },
    figures: {
      "calls at the provider": run.calls.length,
      "of them refused with 429; without an answer": `${run.counts.limited}; ${run.counts.lost}`,
      "webhooks; sent twice; never sent": Object.values([
        run.counts.webhooks,
        run.counts.duplicates,
        run.counts.drops,
      ]).join("; "),
      "workers killed at": run.kills.map(({ name }) => name).join(", ") || "none",
      "rolling windows that were counted": all.reduce(
        (sum, { settings, calls }) => sum + settings.limits.length * calls.length,
        0,
      ),
      "least use of a limit while work waits": `${(100 * worstUse).toFixed(1)} %`,
      "use of all limits while work waits": `${((100 * total(use.map(({ used }) => used))) / total(use.map(({ max }) => max))).toFixed(1)} %`,
      "longest delay by full categories": `${(longestMs / 1_000).toFixed(1)} s of ${probes.length}`,
      states: [...run.statuses].map(([status, count]) => `${status} ${count}`).join(", "),
      errors: [...run.errors].map(([code, count]) => `${code} ${count}`).join(", ") || "none",
    },
  };
}

type Worked = PacedAccount & { calls: readonly NotedCall[] };

const total = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0);

const callsOf = ({ calls }: PacedRun, { accountId }: PacedAccount) =>
  calls.filter((call) => call.accountId === accountId);

/** Calls as the checks of simulated lanes know them. */
const asTakes = (calls: readonly NotedCall[]) =>
  calls.map((call) => ({
    id: `${call.n}`,
    category: call.category as (typeof actions)[number]["category"],
    isHigh: false,
    position: call.n,
    atMs: call.fromMs,
    answeredMs: call.untilMs,
    gapEndMs: 0,
  }));

/** A limit in the straight line of the warm-up, which begins again after a restriction. */
function limitAt({ account: { warmUp }, calls, restriction }: Worked) {
  const firstMs = calls.find(({ tookEffect }) => tookEffect)?.fromMs ?? 0;
  const againMs = calls.find(
    ({ fromMs }) => fromMs >= (restriction?.resumedMs ?? Number.POSITIVE_INFINITY),
  )?.fromMs;
  return (
    { max, isProviderLimit }: { max: number; isProviderLimit?: boolean | undefined },
    atMs: number,
  ) => {
    if (!warmUp || isProviderLimit) return max;
    const sinceMs = againMs !== undefined && atMs >= againMs ? againMs : firstMs;
    const part = Math.min(
      1,
      warmUp.from + ((1 - warmUp.from) * (atMs - sinceMs)) / (warmUp.days * DAY_MS),
    );
    return Math.max(1, max * part + 1e-6);
  };
}

const dayLimits = actions;

function crammedHours(run: PacedRun, { settings, calls, accountId }: Worked): string[] {
  const takes = asTakes(calls.filter(({ tookEffect }) => tookEffect));
  return dayLimits.flatMap(({ category, perDay }) => {
    const days = perOpenDay(settings, takes, { ...run, category, fromMs: run.startMs });
    return hoursAboveTwiceTheShare(perDay, days).map(
      (fault) => `${accountId}: ${fault} ${category}`,
    );
  });
}

/** How much of each limit was used on the whole days on which work waited. */
function usesOf(run: PacedRun, { settings, calls, accountId }: Worked) {
  const done = calls.filter(({ tookEffect }) => tookEffect);
  return dayLimits.flatMap(({ action, category, perDay }) => {
    const own = done.filter((call) => call.action === action);
    const isWaiting = run.waiting.has(`${accountId} ${action}`);
    const lastMs = isWaiting ? run.untilMs : (own.at(-1)?.fromMs ?? 0);
    const days = perOpenDay(settings, asTakes(own), {
      category,
      // The first day begins before midnight in the zone, or its hours have begun.
      fromMs: run.startMs + DAY_MS,
      untilMs: lastMs,
    });
    if (days.length === 0) return [];
    const used = total(days.map(({ times }) => times.length));
    const max = days.length * perDay;
    return [{ name: `${accountId} ${category}`, used, max, part: used / max }];
  });
}

/**
 * The limits of which too little was used. A worker that is killed between its claim and its call
 * has used a place of one limit.
 */
function unused(uses: ReturnType<typeof usesOf>, kills: number): string[] {
  const little = uses.filter(({ part }) => part < LEAST_USE);
  if (total(little.map(({ used, max }) => max - used)) <= kills) return [];
  return little.map(({ name, part }) => `${name}: ${(100 * part).toFixed(1)} %`);
}

function tooClose({ settings, calls, accountId }: Worked): string[] {
  return calls.flatMap((call, at) => {
    const before = calls[at - 1];
    if (!before) return [];
    // A call whose worker died had no answer.
    const answeredMs = Number.isFinite(before.untilMs) ? before.untilMs : before.fromMs;
    const gapMs = call.fromMs - answeredMs;
    return gapMs < settings.minGapMs ? [`${accountId}: ${gapMs} ms at ${iso(call.fromMs)}`] : [];
  });
}

/** Requests that took effect after a later one of their category. */
function overtaken({ calls, accountId }: Worked): string[] {
  return dayLimits.flatMap(({ action }) => {
    const numbers = calls.filter((call) => call.action === action && call.n > 0).map(({ n }) => n);
    return numbers.flatMap((n, at) =>
      n < (numbers[at - 1] ?? 0) ? [`${accountId}: ${n} after ${numbers[at - 1]}`] : [],
    );
  });
}

function twice({ calls, accountId }: Worked): string[] {
  const numbers = calls.filter(({ tookEffect }) => tookEffect).map(({ n }) => n);
  return numbers.filter((n, at) => numbers.indexOf(n) < at).map((n) => `${accountId}: ${n}`);
}

/** When a call no longer keeps its account's lane. */
function freeMs({ fromMs, untilMs, tookEffect, endsMs, status }: NotedCall): number {
  const answeredMs = Number.isFinite(untilMs) ? untilMs : fromMs;
  if (!tookEffect) return answeredMs + (status === 429 ? LIMIT_PAUSE_MS : 0);
  // The outcome of a call without an answer is not known: it keeps the lane for a while.
  return endsMs !== undefined && status === 200 ? endsMs : answeredMs + requestRules.unknownHoldMs;
}

/** As `freeMs`, where a webhook that was never sent keeps the lane until a poll that the sweep makes. */
function busyUntil(call: NotedCall): number {
  const polledMs = call.untilMs + requestRules.firstPollMs + 60_000;
  return call.isDropped && Number.isFinite(polledMs) ? polledMs : freeMs(call);
}

function overlaps({ calls, accountId }: Worked): string[] {
  return calls.flatMap((call, at) => {
    const before = calls[at - 1];
    if (!before || call.fromMs >= Math.min(freeMs(before), before.fromMs + requestRules.laneHoldMs))
      return [];
    return [
      `${accountId}: ${before.n} until ${iso(freeMs(before))}, ${call.n} at ${iso(call.fromMs)}`,
    ];
  });
}

/** Windows of a day after the restriction with more than the begin of the warm-up allows. */
function aboveNewWarmUp(one: Worked): string[] {
  const { account, accountId, calls, restriction } = one;
  const { resumedMs = 0, atMs = 0 } = restriction ?? {};
  const between = calls.filter(({ fromMs }) => fromMs > atMs && fromMs < resumedMs);
  const after = calls.filter((call) => call.fromMs >= resumedMs && call.tookEffect);
  const firstMs = after[0]?.fromMs ?? 0;
  const { from = 1 } = account.warmUp ?? {};
  return [
    ...between.map(({ fromMs }) => `${accountId}: a call at ${iso(fromMs)}, while it was paused`),
    ...(after.length === 0 ? [`${accountId}: no call after it was resumed`] : []),
    ...dayLimits.flatMap(({ action, perDay }) => {
      const first = after.filter(
        (call) => call.action === action && call.fromMs < firstMs + windowMs.day,
      );
      const max = Math.max(1, Math.floor(from * perDay));
      return first.length > max
        ? [`${accountId}: ${first.length} ${action} after the restriction`]
        : [];
    }),
  ];
}

/**
 * How long each request without a limit of its own waited while its account was neither busy nor
 * within the gap, and could be used.
 */
function probesOf(
  { probes, kills }: PacedRun,
  { accountId, settings, calls, account, restriction }: Worked,
) {
  return probes.flatMap(({ accountId: of, n, acceptedMs }) => {
    if (of !== accountId) return [];
    const call = calls.find((one) => one.n === n && one.action === PROBE);
    const toMs = call?.fromMs ?? acceptedMs;
    // What a kill or a restriction delays is not delayed by a category.
    const stops = [
      ...kills,
      ...(restriction
        ? [{ fromMs: restriction.atMs, untilMs: restriction.resumedMs + DAY_MS }]
        : []),
    ];
    if (!call || stops.some(({ fromMs, untilMs }) => fromMs < toMs && untilMs > acceptedMs))
      return [];
    let idleMs = 0;
    let fromMs = acceptedMs;
    for (const one of calls) {
      if (one.fromMs >= toMs) break;
      const busyUntilMs = busyUntil(one) + settings.maxGapMs;
      if (busyUntilMs <= acceptedMs) continue;
      idleMs += openBetween(account.hours, fromMs, Math.max(fromMs, one.fromMs));
      fromMs = Math.max(fromMs, busyUntilMs);
    }
    idleMs += openBetween(account.hours, fromMs, toMs);
    return [{ name: `${accountId} ${n} at ${iso(acceptedMs)}`, idleMs, maxMs: settings.maxGapMs }];
  });
}

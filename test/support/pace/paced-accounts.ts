import type { Hours } from "../../../shared/contracts/pace.ts";
import type { AccountPace } from "../../../shared/core/pace/merge-pace-settings.ts";
import { mergePaceSettings } from "../../../shared/core/pace/merge-pace-settings.ts";
import { openDaysOf } from "../../../shared/core/pace/open-days.ts";
import type { PaceSettings } from "../../../shared/core/pace/pace-settings.ts";
import { DAY_MS, HOUR_MS } from "../../../shared/core/pace/windows.ts";
import { weLinkLimits } from "../../../shared/providers/we-link/categories.ts";
import { requestRules } from "../payloads/request-rules.ts";
import {
  accepted,
  answered,
  type Kill,
  makeWorkersSimulation,
  type ProviderCall,
  type WorkersSimulation,
} from "../simulations/workers-simulation.ts";
import { seededRandom } from "./simulate-lane.ts";

const MINUTE_MS = 60_000;

const zones = [
  "America/New_York",
  "Europe/Berlin",
  "Asia/Kolkata",
  "Australia/Sydney",
  "America/Sao_Paulo",
] as const;

/** The actions of the four categories, each with its limit a day. */
export const actions = [
  { action: "connect", category: "stConnectionRequests", perDay: 3 },
  { action: "send_message_to_thread", category: "stMessages", perDay: 4 },
  { action: "get_profile", category: "stPersonProfileViews", perDay: 5 },
  { action: "react", category: "stReactions", perDay: 6 },
] as const;

/** Has no limit a day: only the full categories could delay it. */
export const PROBE = "create_post";

const pace = { minSeconds: 30, maxSeconds: 90 };
const warmUp = { days: 10, from: 0.34 };

/** Every tenth account warms up, and is restricted by its provider. */
const RESTRICTED_EVERY = 10;

export interface PacedAccount {
  accountId: string;
  account: AccountPace & { hours: Hours };
  settings: PaceSettings;
  /** When a person ends the pause that follows the restriction. */
  restriction?: { atMs: number; resumedMs: number };
  random: () => number;
}

/** What the provider was asked, as it has noted it. */
export interface NotedCall extends ProviderCall {
  category: string;
  /** Whether the provider has done what was asked, whatever it answered. */
  tookEffect: boolean;
  /** When the provider has ended the request, for those that it has accepted. */
  endsMs?: number;
  /** Its webhook was never sent. */
  isDropped?: boolean;
}

export interface PacedRun {
  accounts: readonly PacedAccount[];
  calls: readonly NotedCall[];
  probes: readonly { accountId: string; n: number; acceptedMs: number }[];
  /** When a worker died, and when another one could go on at the latest. */
  kills: readonly { fromMs: number; untilMs: number; name: string }[];
  startMs: number;
  untilMs: number;
  /** The accounts and actions of which requests still wait. */
  waiting: ReadonlySet<string>;
  statuses: Map<string, number>;
  errors: Map<string, number>;
  counts: Record<"webhooks" | "duplicates" | "drops" | "limited" | "lost", number>;
}

export interface PacedOptions {
  accounts: number;
  /** Of each category, for each account. */
  requests: number;
  /** Business days. */
  days: number;
  kills: number;
  seed: number;
}

/**
 * Runs accounts with limits and hours in several time zones through business days over a clock
 * change: the real use cases on stores in memory, with a provider that sends webhooks twice or
 * not at all, refuses for a limit, loses answers and restricts accounts, and with workers that die.
 */
export async function runPacedAccounts(options: PacedOptions): Promise<PacedRun> {
  const random = seededRandom(options.seed);
  // The clocks change on October 25 in Berlin, and on November 1 in New York.
  const startMs = Date.parse(options.days > 10 ? "2026-10-12T00:00Z" : "2026-10-22T00:00Z");
  const untilMs = startMs + Math.ceil((options.days * 7) / 5) * DAY_MS + DAY_MS;
  const accounts = makeAccounts(options);
  const byId = new Map(accounts.map((one) => [one.accountId, one]));
  const counts = { webhooks: 0, duplicates: 0, drops: 0, limited: 0, lost: 0 };
  const noted = new Map<ProviderCall, Pick<NotedCall, "tookEffect" | "endsMs" | "isDropped">>();
  const ids = new Map<string, string>();
  const endsAt = new Map<string, number>();
  const kills: { fromMs: number; untilMs: number; name: string }[] = [];

  const simulation: WorkersSimulation = makeWorkersSimulation({
    startMs,
    pace,
    account: (accountId) => byId.get(accountId)?.account ?? {},
    exchange: ({ accountId, n }) => answer(accountId, n),
    poll: (id) => {
      const hasEnded = (endsAt.get(id) ?? 0) <= simulation.clock.businessMs();
      const status = hasEnded ? "SUCCESS" : "PENDING";
      return answered(200, { status, requestId: id, ...(hasEnded ? { result: {} } : {}) });
    },
    kill: makeKill(),
  });

  function answer(accountId: string, n: number) {
    const nowMs = simulation.clock.businessMs();
    const call = simulation.calls.at(-1) as ProviderCall;
    const note = (of: Pick<NotedCall, "tookEffect" | "endsMs" | "isDropped">) =>
      noted.set(call, of);
    const one = byId.get(accountId);
    if (n === 0 && one) {
      note({ tookEffect: false });
      const resumedMs = nowMs + DAY_MS;
      one.restriction = { atMs: nowMs, resumedMs };
      simulation.at(resumedMs, async () => {
        const { lane } = await simulation.find(ids.get(`${accountId} 0`) ?? "");
        await simulation.lanes.endAllPauses(lane, simulation.clock.businessMs());
      });

      return answered(400, { status: "ACCOUNT_RESTRICTED", message: "Restricted" });
    }
    const luck = random();
    if (luck < 0.03) {
      counts.limited += 1;
      note({ tookEffect: false });
      return answered(429, { message: "Too many requests" }, { "retry-after": "60" });
    }
    const requestId = `theirs-${accountId}-${n}`;
    if (luck < 0.04) {
      counts.lost += 1;
      note({ tookEffect: true });
      return { kind: "incomplete", reason: "TIMEOUT" } as const;
    }
    const endsMs = nowMs + 1_000 + random() * 59_000;
    const isDropped = !sendWebhook(ids.get(`${accountId} ${n}`) ?? "", endsMs);
    note({ tookEffect: true, endsMs, isDropped });
    endsAt.set(requestId, endsMs);
    return accepted(requestId);
  }

  /** @returns whether it is sent */
  function sendWebhook(requestId: string, endsMs: number): boolean {
    const luck = random();
    if (luck < 0.05) {
      counts.drops += 1;
      return false;
    }
    const deliver = () => simulation.decode(requestId, "done");
    counts.webhooks += 1;
    simulation.at(endsMs, deliver);
    if (luck < 0.25) {
      counts.duplicates += 1;
      simulation.at(endsMs + random() * 600_000, deliver);
    }
    return true;
  }

  /** Kills a worker at one of its calls, at times that are spread over the run. */
  function makeKill(): Kill {
    const times = Array.from(
      { length: options.kills },
      (_, at) => startMs + ((at + 0.2 + 0.6 * random()) / options.kills) * (untilMs - startMs),
    );
    let callsLeft = Math.floor(random() * 12);
    return ({ name }) => {
      const nowMs = simulation.clock.businessMs();
      if (nowMs < (times[kills.length] ?? Number.POSITIVE_INFINITY)) return undefined;
      if (callsLeft-- > 0) return undefined;
      callsLeft = Math.floor(random() * 12);
      kills.push({ fromMs: nowMs, untilMs: nowMs + 10 * MINUTE_MS, name });
      return random() < 0.5 ? "before" : "after";
    };
  }

  for (const { accountId } of accounts) {
    // In turn, so that no category is ahead of the others.
    const items = Array.from({ length: options.requests * actions.length }, (_, at) => ({
      n: at + 1,
      action: actions[at % actions.length]?.action ?? "connect",
    }));
    for (const [at, id] of (await simulation.acceptAll(accountId, items)).entries()) {
      ids.set(`${accountId} ${at + 1}`, id);
    }
  }
  const probes = scheduleProbes();

  /** Requests without a limit while the others wait for theirs, and one that is answered by a restriction. */
  function scheduleProbes(): { accountId: string; n: number; acceptedMs: number }[] {
    const made: { accountId: string; n: number; acceptedMs: number }[] = [];
    for (const [index, { accountId, account, random: own }] of accounts.entries()) {
      const accept = (atMs: number, n: number) =>
        simulation.at(atMs, async () => {
          const found = await simulation.accept({ accountId, n, action: PROBE });
          ids.set(`${accountId} ${n}`, found.requestId);
          if (n > 0) made.push({ accountId, n, acceptedMs: simulation.clock.businessMs() });
        });
      const days = openDaysOf(account.hours);
      const firstProbe = options.requests * actions.length + 1;
      for (
        let day = days.after(days.at(startMs)), n = 0;
        day.toMs < untilMs;
        day = days.after(day)
      ) {
        const [open] = day.intervals;
        if (!open) continue;
        const atMs = open.fromMs + own() * (open.toMs - open.fromMs - HOUR_MS);
        n += 1;
        if (n % 3 === 1) accept(atMs, firstProbe + n);
        if (index % RESTRICTED_EVERY === 0 && n === Math.ceil(options.days / 2)) accept(atMs, 0);
      }
    }
    return made;
  }

  await simulation.runUntil(untilMs);

  const waiting = new Set<string>();
  const statuses = new Map<string, number>();
  const errors = new Map<string, number>();
  for (const id of ids.values()) {
    const { status, error, accountId, action } = await simulation.find(id);
    if (status === "QUEUED") waiting.add(`${accountId} ${action}`);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (error) errors.set(error.code, (errors.get(error.code) ?? 0) + 1);
  }
  const categoryOf = new Map<string, string>(actions.map((one) => [one.action, one.category]));
  const calls = simulation.calls.map((call) => ({
    ...call,
    category: categoryOf.get(call.action) ?? "stPosts",
    ...(noted.get(call) ?? { tookEffect: false }),
  }));
  return { accounts, calls, probes, kills, startMs, untilMs, waiting, statuses, errors, counts };
}

function makeAccounts({ accounts, seed }: PacedOptions): PacedAccount[] {
  return Array.from({ length: accounts }, (_, index) => {
    const accountId = `account-${index}`;
    const hours: Hours = {
      timeZone: zones[index % zones.length] ?? "UTC",
      days: ["mon", "tue", "wed", "thu", "fri"],
      from: "09:00",
      to: "18:00",
    };
    const account = {
      pace,
      hours,
      limits: [
        ...actions.map(({ category, perDay }) => ({ category, per: "day" as const, max: perDay })),
        { category: "stConnectionRequests", per: "week", max: 15 } as const,
        { category: "stMessages", per: "month", max: 80 } as const,
      ],
      ...(index % RESTRICTED_EVERY === 0 ? { warmUp } : {}),
    };
    const { pace: stagePace, defaultPreset } = requestRules;
    const settings = mergePaceSettings({
      account,
      providerLimits: weLinkLimits,
      stage: { ...stagePace, defaultPreset },
      seed: accountId,
    });
    return { accountId, account, settings, random: seededRandom(seed * 1_000 + index) };
  });
}

import { expect, test } from "vitest";
import type { WaitsFor } from "../../shared/contracts/http/request-view.ts";
import type { AccountPace } from "../../shared/core/pace/merge-pace-settings.ts";
import { PAUSED_BY_CLIENT } from "../../shared/core/requests/state/record.ts";
import {
  accepted,
  finished,
  makeWorkersSimulation,
  type WorkersSimulation,
} from "../support/simulations/workers-simulation.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const pace = { minSeconds: 30, maxSeconds: 90 };

interface Case {
  waitsFor: WaitsFor;
  reason: RegExp;
  position?: number;
  /** The end of what holds the lane is not known. */
  isGuess?: true;
  /** Nobody knows when it is submitted. */
  hasNoTime?: true;
  account?: AccountPace;
  isConnectionPaused?: true;
  /** The first request runs until its hold ends. */
  runsLong?: true;
  /** Makes the request wait. @returns the id of the one that is looked at */
  make: (simulation: WorkersSimulation) => Promise<string>;
}

const accept = async (simulation: WorkersSimulation, n: number, more: object = {}) =>
  (await simulation.accept({ accountId: "a", n, ...more })).requestId;

async function afterFirst(simulation: WorkersSimulation, more: object = {}): Promise<string> {
  await accept(simulation, 1);
  await simulation.runUntil(simulation.clock.businessMs() + 1_000);
  return accept(simulation, 2, more);
}

/** @param forMs for how long the request's category is paused */
async function afterPause(simulation: WorkersSimulation, forMs: number): Promise<string> {
  const id = await afterFirst(simulation);
  const { lane, ...owner } = await simulation.find(id);
  const untilMs = simulation.clock.businessMs() + forMs;
  const pause = { reason: "RATE_LIMITED", untilMs, category: "stConnectionRequests" } as const;
  await simulation.lanes.pause(lane, owner, pause);
  return id;
}

const connects = (per: "day" | "hour", max: number): AccountPace => ({
  limits: [{ category: "stConnectionRequests", per, max }],
});

const cases: Case[] = [
  {
    waitsFor: "schedule",
    reason: /^It is scheduled for 2026-06-25T15:00:00/,
    make: (simulation) =>
      accept(simulation, 2, { scheduledMs: simulation.clock.businessMs() + 3 * HOUR_MS }),
  },
  {
    waitsFor: "dependency",
    reason: /^It waits for rq_/,
    hasNoTime: true,
    runsLong: true,
    make: async (simulation) => {
      const requestId = await accept(simulation, 1);
      return accept(simulation, 2, { dependsOn: { requestId, on: "succeeded", within: "P1D" } });
    },
  },
  {
    waitsFor: "pace",
    reason: /^The gap between two requests of the account\. It ends at 2026/,
    position: 1,
    make: (simulation) => afterFirst(simulation),
  },
  {
    waitsFor: "pace",
    reason: /^stConnectionRequests is spread over the day: none until 2026/,
    position: 1,
    account: connects("day", 4),
    make: (simulation) => afterFirst(simulation),
  },
  {
    waitsFor: "hours",
    reason:
      /^The account's hours \(mon, fri 09:00-18:00 Europe\/Berlin\) are closed until 2026-06-26/,
    position: 1,
    account: {
      hours: { timeZone: "Europe/Berlin", days: ["mon", "fri"], from: "09:00", to: "18:00" },
    },
    make: (simulation) => accept(simulation, 2),
  },
  {
    waitsFor: "budget",
    reason: /^The limit of 1 stConnectionRequests per hour is used up until 2026/,
    position: 1,
    account: connects("hour", 1),
    make: (simulation) => afterFirst(simulation),
  },
  {
    waitsFor: "budget",
    reason: /^stConnectionRequests is paused until 2026-06-25T14:00:\S+: RATE_LIMITED/,
    position: 1,
    make: (simulation) => afterPause(simulation, 2 * HOUR_MS),
  },
  {
    // The pause ends before the gap.
    waitsFor: "pace",
    reason: /^The gap between two requests of the account\. It ends at 2026/,
    position: 1,
    make: (simulation) => afterPause(simulation, 5_000),
  },
  {
    waitsFor: "lane",
    reason: /^1 of the account's requests are before it/,
    position: 2,
    make: async (simulation) => {
      await afterFirst(simulation);
      return accept(simulation, 3);
    },
  },
  {
    waitsFor: "lane",
    reason: /^Another request of the account is being carried out/,
    position: 1,
    runsLong: true,
    isGuess: true,
    make: (simulation) => afterFirst(simulation),
  },
  {
    waitsFor: "account_paused",
    reason: /^The account is paused until it is resumed: PAUSED_BY_CLIENT/,
    position: 1,
    hasNoTime: true,
    make: async (simulation) => {
      const id = await afterFirst(simulation);
      const { lane, ...owner } = await simulation.find(id);
      await simulation.lanes.pause(lane, owner, { reason: PAUSED_BY_CLIENT });
      return id;
    },
  },
  {
    waitsFor: "account_paused",
    reason: /^The account is paused until 2026-06-25T14:00:\S+: RATE_LIMITED/,
    position: 1,
    make: async (simulation) => {
      const id = await afterFirst(simulation);
      const { lane, ...owner } = await simulation.find(id);
      const untilMs = simulation.clock.businessMs() + 2 * HOUR_MS;
      await simulation.lanes.pause(lane, owner, { reason: "RATE_LIMITED", untilMs });
      return id;
    },
  },
  {
    waitsFor: "connection_paused",
    reason: /^The connection is paused/,
    position: 1,
    hasNoTime: true,
    isConnectionPaused: true,
    make: (simulation) => accept(simulation, 2),
  },
  {
    waitsFor: "provider",
    reason: /^The provider has not reported the result yet/,
    hasNoTime: true,
    runsLong: true,
    make: async (simulation) => {
      const id = await accept(simulation, 1);
      await simulation.runUntil(simulation.clock.businessMs() + 1_000);
      return id;
    },
  },
];

test.each(cases.map((one) => ({ ...one, text: one.reason.source.slice(1) })))(
  "A request that waits for $waitsFor ($text) says so, and is submitted when it was expected",
  async (of) => {
    const { waitsFor, reason, position, hasNoTime = false } = of;
    const simulation = makeWorkersSimulation({
      pace,
      account: of.account ?? {},
      ...(of.isConnectionPaused ? { storedStatus: () => "paused" as const } : {}),
      exchange: ({ n }) => (of.runsLong && n === 1 ? accepted("theirs-1") : finished()),
    });
    const requestId = await of.make(simulation);
    const view = await simulation.get(requestId);
    expect(view).toMatchObject({ waitsFor, waitReason: expect.stringMatching(reason) });
    expect(view.position).toBe(position);
    expect(view.expectedAt === undefined).toBe(hasNoTime);
    if (view.expectedAt === undefined || of.isGuess) return;
    const expectedMs = Date.parse(view.expectedAt);
    const askedMs = simulation.clock.businessMs();
    await simulation.runUntil(askedMs + 4 * DAY_MS);
    // The one that is looked at was accepted last.
    const atMs = simulation.calls.at(-1)?.fromMs ?? Number.NaN;
    expect(expectedMs).toBeGreaterThanOrEqual(Math.floor(atMs));
    expect(expectedMs - atMs).toBeLessThanOrEqual(Math.max(5 * MINUTE_MS, 0.1 * (atMs - askedMs)));
  },
);

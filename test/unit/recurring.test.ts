import { describe, expect, test } from "vitest";
import { parseScheduleExpression } from "../../local/aws/scheduler/schedule-expression.ts";
import { configKey, type RecurringItem } from "../../shared/contracts/config-items.ts";
import { recurringOperations } from "../../shared/contracts/http/recurring.ts";
import type { SubmitMessage } from "../../shared/contracts/messages/submit.ts";
import { validate } from "../../shared/core/input/invalid-request.ts";
import type {
  RecurringSchedules,
  RecurringStore,
} from "../../shared/core/requests/recurring/ports.ts";
import { makeRecurring } from "../../shared/core/requests/recurring/recurring.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeInterleaving, seededRandom, settled } from "../support/simulations/interleaving.ts";
import { ACCOUNT, makeSequenceSimulation } from "../support/simulations/sequence-simulation.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const clientId = "cl_1";
const every = { cron: "0 9 ? * MON-FRI *", timeZone: "Europe/Berlin" };
const item: RecurringItem = {
  pk: configKey.recurring(clientId, "weekly"),
  ...{ clientId, recurringId: "weekly", provider: "we-link", connectionId: "cn_1" },
  ...{ accountId: ACCOUNT, action: "get_profile_details", every, status: "active", version: 1 },
  ...{ params: '{"profile_id":"jane","n":1.0}', group: "profiles", isHigh: true },
  ...{ createdAt: "2026-06-01T00:00:00.000Z", changedAt: "2026-06-01T00:00:00.000Z" },
};

describe("a firing of a recurring request", () => {
  function setUp(stored: RecurringItem | undefined = item) {
    const world: { item: RecurringItem | undefined } = { item: stored };
    const simulation = makeSequenceSimulation({ recurring: { find: async () => world.item } });
    const firing = (firesAtMs = simulation.clock.businessMs()): SubmitMessage => ({
      ...{ v: 1, kind: "recur", clientId, recurringId: "weekly" },
      firesAt: new Date(firesAtMs).toISOString(),
    });
    return { world, simulation, firing };
  }

  test("It accepts one request with what was stored, however often it is delivered, and each firing has its own", async () => {
    const { simulation, firing } = setUp();
    const first = firing();
    simulation.deliver(first);
    simulation.deliver(first);
    await simulation.runFor(HOUR_MS);
    simulation.deliver(first);
    simulation.deliver(firing());
    await simulation.runFor(HOUR_MS);
    const requests = await simulation.all();
    expect(requests).toHaveLength(2);
    expect(requests[0]).toMatchObject({
      ...{ recurringId: "weekly", action: "get_profile_details", group: "profiles", isHigh: true },
      accountId: ACCOUNT,
    });
    expect(simulation.calls).toHaveLength(2);
    const { requestId = "" } = requests[0] ?? {};
    expect(await simulation.get(requestId)).toMatchObject({ recurringId: "weekly" });
  });

  test.each([
    ["paused", { ...item, status: "paused" as const }],
    ["deleted", undefined],
  ])("It accepts nothing once the recurring request is %s", async (_, stored) => {
    const { simulation, firing, world } = setUp();
    world.item = stored;
    simulation.deliver(firing());
    await simulation.runFor(HOUR_MS);
    expect(await simulation.all()).toEqual([]);
  });

  test("A firing whose recurring request was changed after it had made its request makes none, and its message is done", async () => {
    const { simulation, firing, world } = setUp();
    const first = firing();
    simulation.deliver(first);
    await simulation.drain();
    world.item = { ...item, params: "{}" };
    simulation.deliver(first);
    await simulation.runFor(HOUR_MS);
    expect(await simulation.all()).toHaveLength(1);
    expect(simulation.isQueueEmpty()).toBe(true);
  });

  test("A firing that is as late as its key is remembered is parked, and makes no request", async () => {
    const { simulation, firing } = setUp();
    const late = firing(simulation.clock.businessMs() - simulation.rules.idempotencyMs);
    simulation.deliver(late);
    await simulation.drain();
    expect(await simulation.all()).toEqual([]);
    expect(simulation.isQueueEmpty()).toBe(false);
  });

  test("Firings that are delivered twice to workers that fail and are killed make one request each", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(seed);
      const world = makeInterleaving(random);
      const simulation = makeSequenceSimulation({
        step: world.step,
        recurring: { find: async () => item },
      });
      const startMs = simulation.clock.businessMs();
      const firings = [0, 1, 2].map(
        (n): SubmitMessage => ({
          ...{ v: 1, kind: "recur", clientId, recurringId: "weekly" },
          firesAt: new Date(startMs + n * 60_000).toISOString(),
        }),
      );
      for (const firing of [...firings, ...firings]) simulation.deliver(firing);
      world.begin();
      for (let at = 0; at < 150; at++) {
        const chance = random();
        if (chance < 0.1) simulation.submit(`submit ${at}`).catch(() => undefined);
        else if (chance < 0.13) simulation.pass(61_000);
        else if (chance < 0.15 && !world.isIdle()) world.kill();
        await (world.isIdle() ? settled() : world.advance({ refused: 0.03, lost: 0.03 }));
      }
      world.end();
      await simulation.runFor(HOUR_MS);
      expect(await simulation.all(), `seed ${seed}`).toHaveLength(3);
    }
  });
});

describe("the management of recurring requests", () => {
  /** Stores in memory, which can fail at a call. */
  function setUp() {
    const clock = makeTestClock();
    const items = new Map<string, RecurringItem>();
    const atScheduler = new Map<string, { cron: string; isEnabled: boolean }>();
    const world = { failsAt: "", beforeSchedule: async (): Promise<unknown> => undefined };
    const failing = (name: string) => {
      if (world.failsAt === name) throw new Error("killed");
    };
    const store: RecurringStore = {
      find: async (client, id) => items.get(configKey.recurring(client, id)),
      list: async (client, { limit, after = "" }) =>
        [...items.values()]
          .filter((one) => one.clientId === client && one.recurringId > after)
          .sort((one, other) => (one.recurringId < other.recurringId ? -1 : 1))
          .slice(0, limit),
      async put(of, read) {
        failing(`put ${of.status}`);
        if (items.get(of.pk)?.version !== read?.version) return undefined;
        const written = { ...of, version: read ? read.version + 1 : Date.parse(of.changedAt) };
        items.set(of.pk, written);
        return written;
      },
      async delete(read) {
        failing("delete item");
        if ((items.get(read.pk)?.version ?? read.version) !== read.version) return false;
        items.delete(read.pk);
        return true;
      },
    };
    const standStill = async () => {
      const { beforeSchedule } = world;
      world.beforeSchedule = async () => undefined;
      await beforeSchedule();
    };
    const schedules: RecurringSchedules = {
      async put({ recurringId }, { cron }, { isEnabled }) {
        failing("schedule");
        await standStill();
        if (cron.startsWith("99")) return "invalid";
        atScheduler.set(recurringId, { cron, isEnabled });
        return "stored";
      },
      async delete({ recurringId }) {
        failing("delete schedule");
        await standStill();
        atScheduler.delete(recurringId);
      },
    };
    const recurring = makeRecurring({
      ...{ store, schedules, providerClients, clock },
      accountDirectory: {
        connectionIdOf: async () => "cn_1",
        requireAccount: async () => undefined,
        registerAccountIfNew: async () => undefined,
      },
    });
    const put = (
      of: { cron?: string; isPaused?: boolean; action?: string; params?: unknown } = {},
    ) =>
      recurring.put(clientId, "weekly", {
        every: { ...every, cron: of.cron ?? every.cron },
        isPaused: of.isPaused,
        request: {
          ...{ provider: "we-link", accountId: ACCOUNT },
          action: of.action ?? "connect",
          params: of.params ?? {},
        },
      });
    return { recurring, put, items, atScheduler, world, clock };
  }

  test("It is created with its schedule, replaced by the same call, and keeps its time of creation", async () => {
    const { put, atScheduler, recurring, clock, items } = setUp();
    const created = await put();
    expect(created).toMatchObject({
      recurringId: "weekly",
      status: "active",
      every,
      priority: "normal",
    });
    clock.passBusiness(DAY_MS);
    const { createdAt, changedAt } = await put({ cron: "0 10 ? * * *" });
    expect([createdAt, changedAt]).toEqual([
      created.createdAt,
      new Date(clock.businessMs()).toISOString(),
    ]);
    expect(atScheduler.get("weekly")).toEqual({ cron: "0 10 ? * * *", isEnabled: true });
    expect(await recurring.get(clientId, "weekly")).toMatchObject({ connectionId: "cn_1" });
    expect(items.size).toBe(1);
  });

  test("A call that says what is stored writes nothing and sets the schedule, so that a late copy of it pauses nothing", async () => {
    const { put, atScheduler, items, world } = setUp();
    await put();
    const before = structuredClone(items.get(item.pk));
    atScheduler.clear();
    world.failsAt = "put paused";
    expect(await put()).toMatchObject({ status: "active" });
    expect(items.get(item.pk)).toEqual(before);
    expect(atScheduler.get("weekly")).toEqual({ cron: every.cron, isEnabled: true });
    await expect(put({ params: { n: 1 } })).rejects.toThrow("killed");
  });

  test("Pause and resume change both the item and the schedule, and may be repeated", async () => {
    const { put, recurring, atScheduler } = setUp();
    await put();
    for (let times = 0; times < 2; times++) {
      expect((await recurring.pause(clientId, "weekly")).status).toBe("paused");
      expect(atScheduler.get("weekly")?.isEnabled).toBe(false);
    }
    for (let times = 0; times < 2; times++) {
      expect((await recurring.resume(clientId, "weekly")).status).toBe("active");
      expect(atScheduler.get("weekly")?.isEnabled).toBe(true);
    }
    expect((await put({ isPaused: true })).status).toBe("paused");
  });

  test.each(["put active", "schedule"])(
    "A call that stops at %s leaves it paused, and the same call completes it",
    async (failsAt) => {
      const { put, recurring, world } = setUp();
      world.failsAt = failsAt;
      await expect(put()).rejects.toThrow("killed");
      expect((await recurring.get(clientId, "weekly")).status).toBe("paused");
      world.failsAt = "";
      expect((await put()).status).toBe("active");
    },
  );

  test.each(["delete schedule", "delete item"])(
    "A deletion that stops at %s leaves it paused, and the same call completes it",
    async (failsAt) => {
      const { put, recurring, world, items, atScheduler } = setUp();
      await put();
      world.failsAt = failsAt;
      await expect(recurring.delete(clientId, "weekly")).rejects.toThrow("killed");
      expect((await recurring.get(clientId, "weekly")).status).toBe("paused");
      world.failsAt = "";
      for (let times = 0; times < 2; times++) await recurring.delete(clientId, "weekly");
      expect([items.size, atScheduler.size]).toEqual([0, 0]);
    },
  );

  const late = {
    pause: ({ recurring }: ReturnType<typeof setUp>) => recurring.pause(clientId, "weekly"),
    delete: ({ recurring }: ReturnType<typeof setUp>) => recurring.delete(clientId, "weekly"),
    "put that is refused": ({ put }: ReturnType<typeof setUp>) => put({ cron: "99 9 ? * * *" }),
  };
  const later = {
    replaces: { cron: "0 10 ? * * *", status: "active" },
    "replaces and pauses": { cron: "0 10 ? * * *", status: "paused" },
    deletes: undefined,
    "deletes and creates": { cron: "0 11 ? * * *", status: "active" },
    "deletes, creates and pauses": { cron: "0 11 ? * * *", status: "paused" },
  } as const;
  const pairs = Object.keys(late).flatMap((one) => Object.keys(later).map((other) => [one, other]));

  test.each(pairs as [keyof typeof late, keyof typeof later][])(
    "A %s that stands still before it reaches the scheduler, while another call %s it, leaves what the later call wants",
    async (name, what) => {
      const world = setUp();
      const { put, recurring, items, atScheduler, clock } = world;
      const wanted = later[what];
      await put();
      world.world.beforeSchedule = async () => {
        clock.passBusiness(HOUR_MS);
        if (what.startsWith("deletes")) await recurring.delete(clientId, "weekly");
        if (wanted) await put({ cron: wanted.cron });
        if (wanted?.status === "paused") await recurring.pause(clientId, "weekly");
      };
      await expect(late[name](world)).rejects.toMatchObject({ code: "CONFLICT" });
      expect([...items.values()].map((one) => [one.every.cron, one.status])).toEqual(
        wanted ? [[wanted.cron, wanted.status]] : [],
      );
      const { cron, isEnabled } = atScheduler.get("weekly") ?? {};
      expect(cron).toBe(wanted?.cron);
      if (wanted?.status === "active") expect(isEnabled).toBe(true);
    },
  );

  test("An expression that the scheduler refuses is refused by its name, and changes nothing", async () => {
    const { put, recurring, items } = setUp();
    const refused = { errors: [expect.objectContaining({ field: "every.cron" })] };
    await expect(put({ cron: "99 9 ? * * *" })).rejects.toMatchObject(refused);
    expect(items.size).toBe(0);
    await put();
    await expect(put({ cron: "99 9 ? * * *" })).rejects.toMatchObject(refused);
    expect(await recurring.get(clientId, "weekly")).toMatchObject({ status: "active", every });
  });

  test.each([
    ["request.action", { action: "login_v2" }],
    ["request.params", { params: { text: "x".repeat(16_000) } }],
  ])("A recurring request with an unsuitable %s is refused by its name", async (field, of) => {
    const { put } = setUp();
    await expect(put(of)).rejects.toMatchObject({ errors: [expect.objectContaining({ field })] });
  });

  test("Another client neither finds nor lists it", async () => {
    const { put, recurring } = setUp();
    await put();
    await expect(recurring.get("cl_2", "weekly")).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await recurring.list("cl_2", { limit: 10 })).toEqual({ items: [] });
    expect((await recurring.list(clientId, { limit: 10 })).items).toHaveLength(1);
  });
});

describe("the body of a recurring request", () => {
  const request = { provider: "we-link", accountId: "a", action: "connect", params: {} };
  const errorsOf = (body: object) =>
    validate(recurringOperations.putRecurringRequest.body, body).errors;

  test.each([
    ["every.cron", { every: { ...every, cron: "0 9 * * 1-5" }, request }],
    ["every.timeZone", { every: { ...every, timeZone: "Europe/Atlantis" }, request }],
    ["request.notAfter", { every, request: { ...request, notAfter: "2026-09-22T18:30:00.000Z" } }],
    [
      "request.scheduled",
      { every, request: { ...request, scheduled: "2026-09-22T18:30:00.000Z" } },
    ],
    [
      "request.dependsOn",
      { every, request: { ...request, dependsOn: { requestId: "r", on: "succeeded", within: 1 } } },
    ],
  ])("An unsuitable %s is refused by its name", (field, body) => {
    expect(errorsOf(body).map((one) => one.field)).toEqual([field]);
  });

  test("A complete body is valid", () => {
    expect(errorsOf({ every, request })).toEqual([]);
  });
});

describe("cron expressions of the local scheduler in a time zone", () => {
  /** The firings between two instants, in UTC. */
  function firings(cron: string, timeZone: string, from: string, until: string): string[] {
    const expression = parseScheduleExpression(`cron(${cron})`, timeZone);
    if (expression?.kind !== "recurring") throw new Error("not recurring");
    const found: string[] = [];
    let at = expression.first(Date.parse(from));
    while (at !== undefined && at < Date.parse(until)) {
      found.push(new Date(at).toISOString().slice(0, 16));
      at = expression.next(at, at);
    }
    return found;
  }

  test("A firing keeps its local time over both clock changes", () => {
    const spring = firings(
      "0 9 * * ? *",
      "Europe/Berlin",
      "2026-03-27T12:00Z",
      "2026-03-30T12:00Z",
    );
    expect(spring).toEqual(["2026-03-28T08:00", "2026-03-29T07:00", "2026-03-30T07:00"]);
    const autumn = firings(
      "0 9 * * ? *",
      "Europe/Berlin",
      "2026-10-23T12:00Z",
      "2026-10-26T12:00Z",
    );
    expect(autumn).toEqual(["2026-10-24T07:00", "2026-10-25T08:00", "2026-10-26T08:00"]);
  });

  test("A time that a clock change repeats fires once", () => {
    const found = firings(
      "30 2 * * ? *",
      "Europe/Berlin",
      "2026-10-24T12:00Z",
      "2026-10-26T12:00Z",
    );
    expect(found).toEqual(["2026-10-25T00:30", "2026-10-26T01:30"]);
    const afterTheFirst = firings(
      ...(["30 2 * * ? *", "Europe/Berlin", "2026-10-25T01:10Z", "2026-10-26T00:00Z"] as const),
    );
    expect(afterTheFirst).toEqual([]);
  });

  test("A time that a clock change skips does not fire on that day", () => {
    const found = firings(
      "30 2 * * ? *",
      "Europe/Berlin",
      "2026-03-28T12:00Z",
      "2026-03-30T12:00Z",
    );
    expect(found).toEqual(["2026-03-30T00:30"]);
  });

  test("Zones with half hours, without clock changes and across the date line are read", () => {
    expect(
      firings("0 9 * * ? *", "Asia/Kolkata", "2026-06-01T00:00Z", "2026-06-02T00:00Z"),
    ).toEqual(["2026-06-01T03:30"]);
    expect(
      firings("0 1 * * ? *", "Pacific/Kiritimati", "2026-06-01T00:00Z", "2026-06-02T00:00Z"),
    ).toEqual(["2026-06-01T11:00"]);
    expect(
      firings("30 1 * * ? *", "Australia/Lord_Howe", "2026-04-04T00:00Z", "2026-04-06T00:00Z"),
    ).toHaveLength(2);
  });
});

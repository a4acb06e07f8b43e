import { beforeAll, describe, expect, test } from "vitest";
import { DELIVERY_SHARD_COUNT } from "../../../shared/contracts/tables.ts";
import { toAttemptMessage } from "../../../shared/core/deliveries/state/attempt-message.ts";
import type {
  DeliveryStore,
  DueDelivery,
  JobStore,
  StaleDelivery,
} from "../../../shared/core/deliveries/state/ports.ts";
import type { DeliveryRecord } from "../../../shared/core/deliveries/state/record.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { deliveryJob, deliveryRecord } from "../../support/payloads/delivery-records.ts";

type Clock = ReturnType<typeof makeTestClock>;
type Stores = { deliveries: DeliveryStore; jobs: JobStore };

const shards = Array.from({ length: DELIVERY_SHARD_COUNT }, (_, shard) => shard);

/** A record that has every member there is. */
function fullRecord(): DeliveryRecord {
  return deliveryRecord({
    requestId: "rq_1",
    body: { key: "deliveries/dl/digest" },
    status: "failed",
    reason: "attempts_used",
    cycle: 2,
    attemptsInCycle: 3,
    claimsOfAttempt: 4,
    attemptHistory: [
      {
        cycle: 1,
        attemptNumber: 1,
        atMs: 5,
        httpStatus: 500,
        durationMs: 6.5,
        bodyStart: "\ud83d\ude00",
      },
      { cycle: 2, attemptNumber: 1, atMs: 7, error: "TIMEOUT", durationMs: 8 },
    ],
    nextMs: 9,
    owner: "worker",
    leaseUntilRealMs: 10,
    unpublishedFailures: [{ cycle: 1, attemptCount: 1, reason: "gone", atMs: 11 }],
    endedMs: 12,
    dueMs: 13,
    sweepAtRealMs: 14,
  });
}

/** What every store of deliveries and jobs promises; each one's test file is a call of this. */
export function deliveryStoreSuite(
  name: string,
  open: (options: { clock: Clock }) => Promise<Stores>,
): void {
  describe(`deliveries: ${name}`, () => {
    const clock = makeTestClock();
    let deliveries: DeliveryStore;
    let jobs: JobStore;
    beforeAll(async () => {
      ({ deliveries, jobs } = await open({ clock }));
    });

    async function stored(of: Partial<DeliveryRecord> = {}): Promise<DeliveryRecord> {
      const delivery = deliveryRecord(of);
      expect(await deliveries.create(delivery)).toBe("created");
      return delivery;
    }
    const lease = (owner: string, ms = 60_000) => ({ owner, untilMs: clock.realMs() + ms });
    const dueUntil = async (ms: number): Promise<DueDelivery[]> =>
      (
        await Promise.all(
          shards.map((shard) => deliveries.findDue({ shard, untilMs: ms, limit: 1_000 })),
        )
      ).flat();
    const staleUntil = async (ms: number): Promise<string[]> =>
      (
        await Promise.all(
          shards.map((shard) => deliveries.findStale({ shard, beforeRealMs: ms, limit: 1_000 })),
        )
      )
        .flat()
        .map(({ id }) => id);

    test("a delivery is read as it was written", async () => {
      const full = fullRecord();
      expect(await deliveries.create(full)).toBe("created");
      expect(await deliveries.find(full.deliveryId)).toEqual(full);
      const { clientId } = full;
      const page = await deliveries.list({ clientId, limit: 10 });
      expect(page.deliveries).toEqual([full]);
    });

    test("a member that a write omits is removed", async () => {
      const full = fullRecord();
      await deliveries.create(full);
      const bare = deliveryRecord({ deliveryId: full.deliveryId });
      expect(await deliveries.replace(bare)).toEqual({ ...bare, version: 2 });
      expect(await deliveries.find(full.deliveryId)).toEqual({ ...bare, version: 2 });
      const due = (await dueUntil(1e15)).map(({ message }) => message.deliveryId);
      expect(due).not.toContain(full.deliveryId);
      expect(await staleUntil(1e15)).not.toContain(full.deliveryId);
    });

    test("a delivery is created once, and a second creation returns the stored delivery", async () => {
      const first = await stored();
      expect(await deliveries.create({ ...first, eventId: "other" })).toEqual(first);
    });

    test("find returns undefined for an unknown id and for the id of another kind of item", async () => {
      const job = deliveryJob();
      await jobs.create(job);
      const delivery = await stored();
      for (const id of ["", "none", job.jobId]) {
        expect(await deliveries.find(id)).toBeUndefined();
      }
      for (const id of ["", "none", delivery.deliveryId]) {
        expect(await jobs.find(id)).toBeUndefined();
      }
      expect(await deliveries.claim("none", lease("a"))).toEqual({ kind: "notClaimed" });
      expect(await deliveries.claim(job.jobId, lease("a"))).toEqual({ kind: "notClaimed" });
    });

    test("one of several concurrent writers at one version succeeds", async () => {
      const delivery = await stored();
      const writes = Array.from({ length: 10 }, (_, n) =>
        deliveries.replace({ ...delivery, attemptsInCycle: n }),
      );
      const written = (await Promise.all(writes)).filter((one) => one !== undefined);
      expect(written).toHaveLength(1);
      expect(written[0]?.version).toBe(2);
      expect(await deliveries.find(delivery.deliveryId)).toEqual(written[0]);
    });

    test("a writer that read the delivery before a claim does not overwrite the claim", async () => {
      const delivery = await stored();
      await deliveries.claim(delivery.deliveryId, lease("a"));
      expect(await deliveries.replace({ ...delivery, status: "cancelled" })).toBeUndefined();
    });

    test("a delivery that was never stored cannot be replaced", async () => {
      expect(await deliveries.replace(deliveryRecord())).toBeUndefined();
    });

    test("due deliveries are listed with their message, oldest first, each in one shard", async () => {
      const base = 5_000_000;
      const second = await stored({ dueMs: base + 2, requestId: "rq_2" });
      const first = await stored({ dueMs: base + 1 });
      const later = await stored({ dueMs: base + 4 });
      const listed = await Promise.all(
        shards.map((shard) => deliveries.findDue({ shard, untilMs: base + 3, limit: 1_000 })),
      );
      const ids = [first, second, later].map(({ deliveryId }) => deliveryId);
      const ours = listed.flat().filter(({ message }) => ids.includes(message.deliveryId));
      expect(ours.sort((one, other) => one.dueMs - other.dueMs)).toEqual([
        { message: toAttemptMessage(first), dueMs: base + 1, nextMs: first.nextMs },
        { message: toAttemptMessage(second), dueMs: base + 2, nextMs: second.nextMs },
      ]);
      for (const shard of listed) {
        const times = shard.map(({ dueMs }) => dueMs);
        expect(times).toEqual(times.toSorted((one, other) => one - other));
      }
      const limited = await Promise.all(
        shards.map((shard) => deliveries.findDue({ shard, untilMs: base + 3, limit: 1 })),
      );
      expect(Math.max(...limited.map(({ length }) => length))).toBe(1);
    });

    test("due and stale deliveries are read page by page, and a page begins behind the one before although that was changed", async () => {
      const base = 8_000_000;
      const all = await Promise.all(
        // Two of the same time: a page may end between them.
        [1, 2, 2, 3, 4, 5, 6, 7].map((n) => stored({ dueMs: base + n, sweepAtRealMs: base + n })),
      );
      const ids = all.map(({ deliveryId }) => deliveryId);
      const due: string[] = [];
      const stale: string[] = [];
      for (const shard of shards) {
        for (let after: DueDelivery | undefined; ; ) {
          const untilMs = base + 7;
          const page = await deliveries.findDue({ shard, untilMs, limit: 2, after });
          due.push(...page.map(({ message }) => message.deliveryId));
          for (const one of page) if (one.dueMs > base) await deliveries.setSweepDue(one, 1e14);
          after = page.at(-1);
          if (page.length < 2) break;
        }
        for (let after: StaleDelivery | undefined; ; ) {
          const beforeRealMs = base + 7;
          const page = await deliveries.findStale({ shard, beforeRealMs, limit: 2, after });
          stale.push(...page.map(({ id }) => id));
          after = page.at(-1);
          if (page.length < 2) break;
        }
      }
      expect(due.filter((id) => ids.includes(id)).sort()).toEqual(ids.toSorted());
      expect(stale.filter((id) => ids.includes(id)).sort()).toEqual(ids.toSorted());
    });

    test("a postponed delivery is due later, if it was not changed since it was read", async () => {
      const delivery = await stored({ dueMs: 6_000_000 });
      const seen = { message: toAttemptMessage(delivery), dueMs: 6_000_000 };
      expect(await deliveries.setSweepDue(seen, 6_000_100)).toBe(true);
      const due = (await dueUntil(6_000_100)).map(({ dueMs }) => dueMs);
      expect(due).toContain(6_000_100);
      expect(await deliveries.setSweepDue(seen, 6_000_200)).toBe(false);
      // Whoever read it before can still write it.
      expect(await deliveries.replace({ ...delivery, dueMs: undefined })).toBeDefined();
      expect(await deliveries.setSweepDue({ ...seen, dueMs: 6_000_100 }, 6_000_300)).toBe(false);
      expect(await deliveries.find(delivery.deliveryId)).toMatchObject({ dueMs: undefined });
    });

    test("deliveries and jobs whose worker may have crashed are listed until they are written again", async () => {
      const delivery = await stored({ sweepAtRealMs: 700_000 });
      const job = deliveryJob({ sweepAtRealMs: 700_001 });
      await jobs.create(job);
      const ids = [delivery.deliveryId, job.jobId];
      const before = await staleUntil(699_999);
      for (const id of ids) expect(before).not.toContain(id);
      expect(await staleUntil(700_001)).toEqual(expect.arrayContaining(ids));
      await deliveries.replace({ ...delivery, sweepAtRealMs: undefined });
      await jobs.replace({ ...job, sweepAtRealMs: undefined });
      const left = await staleUntil(700_001);
      for (const id of ids) expect(left).not.toContain(id);
    });

    describe("a list", () => {
      async function pages(of: Omit<Parameters<DeliveryStore["list"]>[0], "before">) {
        const all: string[][] = [];
        let before: string | undefined;
        do {
          const page = await deliveries.list({ ...of, before });
          all.push(page.deliveries.map(({ deliveryId }) => deliveryId));
          before = page.before;
        } while (before !== undefined && all.length < 50);
        return all;
      }

      test("a client's list has the newest delivery first, each once, and no page after the last", async () => {
        const { clientId, createdMs } = deliveryRecord();
        const ids: string[] = [];
        for (let n = 0; n < 6; n++) {
          // Two were made in the same millisecond: their ids order them.
          const at = createdMs + Math.floor(n / 2);
          ids.push((await stored({ clientId, createdMs: at })).deliveryId);
        }
        await stored();
        const all = await pages({ clientId, limit: 100 });
        expect(all).toHaveLength(1);
        const pair = (n: number) => ids.slice(n, n + 2).sort((a, b) => (a < b ? 1 : -1));
        expect(all.flat()).toEqual([...pair(4), ...pair(2), ...pair(0)]);
        for (const limit of [1, 4, 6]) {
          expect((await pages({ clientId, limit })).flat()).toEqual(all.flat());
        }
        expect(await pages({ clientId, limit: 3 })).toHaveLength(2);
      });

      test("a client's list can be filtered by the current status", async () => {
        const { clientId, createdMs } = deliveryRecord();
        const first = await stored({ clientId, createdMs });
        const second = await stored({ clientId, createdMs: createdMs + 1, status: "failed" });
        const third = await stored({ clientId, createdMs: createdMs + 2 });
        await deliveries.replace({ ...first, status: "failed" });
        await deliveries.claim(third.deliveryId, lease("a"));
        const list = async (status: DeliveryRecord["status"]) =>
          (await pages({ clientId, limit: 1, statuses: [status] })).flat();
        expect(await list("failed")).toEqual([second.deliveryId, first.deliveryId]);
        expect(await list("delivering")).toEqual([third.deliveryId]);
        expect(await list("waiting")).toEqual([]);
        expect(
          (await pages({ clientId, limit: 1, statuses: ["failed", "delivering"] })).flat(),
        ).toEqual([third.deliveryId, second.deliveryId, first.deliveryId]);
      });

      test("a client's list can be filtered by type, event, webhook and time of creation, alone and together (outpost#538)", async () => {
        const { clientId, createdMs } = deliveryRecord();
        const made = [];
        for (const [n, eventType] of (
          ["workflow.created", "workflow.completed", "message.reply"] as const
        ).entries()) {
          const eventId = `${eventType}:1`;
          made.push(
            await stored({
              clientId,
              createdMs: createdMs + n,
              eventType,
              eventId,
              webhookId: `wh_${n % 2}`,
            }),
          );
        }
        const [first, second, third] = made.map(({ deliveryId }) => deliveryId);
        const list = async (filter: Partial<Parameters<typeof pages>[0]>) =>
          (await pages({ clientId, limit: 1, ...filter })).flat();
        expect(await list({ eventTypes: ["workflow.*"] })).toEqual([second, first]);
        expect(await list({ eventTypes: ["message.reply", "workflow.created"] })).toEqual([
          third,
          first,
        ]);
        expect(await list({ eventTypes: ["*"] })).toEqual([third, second, first]);
        expect(await list({ eventId: "workflow.completed:1" })).toEqual([second]);
        expect(await list({ webhookId: "wh_0" })).toEqual([third, first]);
        expect(await list({ sinceMs: createdMs + 1 })).toEqual([third, second]);
        expect(await list({ untilMs: createdMs + 1 })).toEqual([second, first]);
        expect(await list({ sinceMs: createdMs + 1, untilMs: createdMs + 1 })).toEqual([second]);
        const together = { statuses: ["waiting"], webhookId: "wh_0", untilMs: createdMs } as const;
        expect(await list(together)).toEqual([first]);
        expect(await list({ ...together, eventTypes: ["*.reply"] })).toEqual([]);
      });

      test("the cursor of a list is valid with another range", async () => {
        const { clientId, createdMs } = deliveryRecord();
        for (let n = 0; n < 3; n++) await stored({ clientId, createdMs: createdMs + n });
        const { before } = await deliveries.list({ clientId, limit: 1 });
        const list = async (range: { sinceMs?: number; untilMs?: number }) =>
          (await deliveries.list({ clientId, limit: 10, before, ...range })).deliveries.length;
        expect(await list({ untilMs: createdMs })).toBe(1);
        expect(await list({ sinceMs: createdMs + 9 })).toBe(0);
      });
    });

    test("an expired delivery or job is not returned, even before TTL deletes it", async () => {
      const expiresMs = clock.businessMs() + 10_000;
      const delivery = await stored({ expiresMs });
      const job = deliveryJob({ expiresMs });
      await jobs.create(job);
      clock.passBusiness(9_000);
      expect(await deliveries.find(delivery.deliveryId)).toEqual(delivery);
      expect(await jobs.find(job.jobId)).toEqual(job);
      clock.passBusiness(1_000);
      expect(await deliveries.find(delivery.deliveryId)).toBeUndefined();
      expect(await jobs.find(job.jobId)).toBeUndefined();
      const { clientId } = delivery;
      expect(await deliveries.list({ clientId, limit: 10 })).toMatchObject({ deliveries: [] });
    });

    describe("a job", () => {
      test("a job is read as it was written, and of two writers at one version one succeeds", async () => {
        const job = deliveryJob({
          kind: "end",
          webhookId: "wh_1",
          before: "2026-06-25T12:00:00.000Z#dl_1",
          finishedMs: 3,
          sweepAtRealMs: 4,
        });
        await jobs.create(job);
        expect(await jobs.find(job.jobId)).toEqual(job);
        const next = { ...job, before: undefined, examined: 5, status: "done" as const };
        expect(await jobs.replace(next)).toEqual({ ...next, version: 2 });
        expect(await jobs.replace({ ...job, examined: 6 })).toBeUndefined();
        expect(await jobs.find(job.jobId)).toEqual({ ...next, version: 2 });
      });

      test("a job that was never stored cannot be replaced, and a stored job cannot be created again", async () => {
        const job = deliveryJob();
        expect(await jobs.replace(job)).toBeUndefined();
        await jobs.create(job);
        await expect(jobs.create(job)).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
      });
    });
  });
}

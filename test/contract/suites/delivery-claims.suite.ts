import { beforeAll, describe, expect, test } from "vitest";
import { DELIVERY_SHARD_COUNT } from "../../../shared/contracts/tables.ts";
import type { DeliveryStore } from "../../../shared/core/deliveries/state/ports.ts";
import type { DeliveryRecord } from "../../../shared/core/deliveries/state/record.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { deliveryRecord } from "../../support/payloads/delivery-records.ts";

type Clock = ReturnType<typeof makeTestClock>;

const shards = Array.from({ length: DELIVERY_SHARD_COUNT }, (_, shard) => shard);

/** Who gets a delivery for an attempt, on every store of deliveries. */
export function deliveryClaimsSuite(
  name: string,
  open: (options: { clock: Clock }) => Promise<{ deliveries: DeliveryStore }>,
): void {
  describe(`a claim of a delivery: ${name}`, () => {
    const clock = makeTestClock();
    let deliveries: DeliveryStore;
    beforeAll(async () => {
      ({ deliveries } = await open({ clock }));
    });

    async function stored(of: Partial<DeliveryRecord> = {}): Promise<DeliveryRecord> {
      const delivery = deliveryRecord(of);
      expect(await deliveries.create(delivery)).toBe("created");
      return delivery;
    }
    const lease = (owner: string, ms = 60_000) => ({ owner, untilMs: clock.realMs() + ms });
    const dueUntil = async (ms: number): Promise<string[]> =>
      (
        await Promise.all(
          shards.map((shard) => deliveries.findDue({ shard, untilMs: ms, limit: 1_000 })),
        )
      )
        .flat()
        .map(({ message }) => message.deliveryId);
    const staleUntil = async (ms: number): Promise<string[]> =>
      (
        await Promise.all(
          shards.map((shard) => deliveries.findStale({ shard, beforeRealMs: ms, limit: 1_000 })),
        )
      )
        .flat()
        .map(({ id }) => id);

    test("a claim of a due delivery is granted and counted, and leaves what the sweep is to do", async () => {
      const delivery = await stored({
        nextMs: clock.businessMs(),
        dueMs: 77_000,
        sweepAtRealMs: 78_000,
      });
      const until = lease("a");
      const claim = await deliveries.claim(delivery.deliveryId, until);
      const claimed = {
        ...delivery,
        status: "delivering",
        owner: "a",
        leaseUntilRealMs: until.untilMs,
        claimsOfAttempt: 1,
        version: 2,
      };
      expect(claim).toEqual({ kind: "claimed", delivery: claimed });
      expect(await deliveries.find(delivery.deliveryId)).toEqual(claimed);
      expect(await dueUntil(77_000)).toContain(delivery.deliveryId);
      expect(await staleUntil(78_000)).toContain(delivery.deliveryId);
      expect(await staleUntil(77_999)).not.toContain(delivery.deliveryId);
    });

    test("a claim before the due time returns that time, in business time", async () => {
      const nextMs = clock.businessMs() + 5_000;
      const { deliveryId } = await stored({ nextMs });
      expect(await deliveries.claim(deliveryId, lease("a"))).toEqual({ kind: "notDue", nextMs });
      clock.passReal(5_000);
      expect(await deliveries.claim(deliveryId, lease("a"))).toEqual({ kind: "notDue", nextMs });
      clock.passBusiness(5_000);
      expect(await deliveries.claim(deliveryId, lease("a"))).toMatchObject({ kind: "claimed" });
    });

    test("a claim is refused while another worker's lease lasts, in real time", async () => {
      const { deliveryId } = await stored();
      const held = lease("a", 1_000);
      await deliveries.claim(deliveryId, held);
      clock.passBusiness(10_000);
      clock.passReal(999);
      expect(await deliveries.claim(deliveryId, lease("b"))).toEqual({ kind: "claimedByAnother" });
      clock.passReal(1);
      expect(await deliveries.claim(deliveryId, lease("b"))).toMatchObject({
        kind: "claimed",
        delivery: { owner: "b", claimsOfAttempt: 2, version: 3 },
      });
    });

    test("a repeated claim of the same owner returns the claim that it has", async () => {
      const { deliveryId } = await stored();
      const first = await deliveries.claim(deliveryId, lease("a"));
      clock.passReal(10);
      expect(await deliveries.claim(deliveryId, lease("a"))).toEqual(first);
    });

    test("one of several concurrent claims is granted", async () => {
      const { deliveryId } = await stored();
      const claims = await Promise.all(
        Array.from({ length: 10 }, (_, n) => deliveries.claim(deliveryId, lease(`w${n}`))),
      );
      expect(claims.filter(({ kind }) => kind === "claimed")).toHaveLength(1);
      expect(claims.filter(({ kind }) => kind === "claimedByAnother")).toHaveLength(9);
    });

    test.each(["delivered", "failed", "cancelled"] as const)(
      "of what is %s is refused",
      async (status) => {
        const { deliveryId } = await stored({ status });
        expect(await deliveries.claim(deliveryId, lease("a"))).toEqual({ kind: "notClaimed" });
      },
    );
  });
}

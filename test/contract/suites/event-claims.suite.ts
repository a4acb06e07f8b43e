import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { OUTBOX_SHARD_COUNT } from "../../../shared/contracts/tables.ts";
import type { Lease } from "../../../shared/core/clock.ts";
import type { FinalEvent } from "../../../shared/core/events/envelope.ts";
import type { EventClaims, UnpublishedEvent } from "../../../shared/core/events/ports.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";

export const RETENTION_MS = 3 * 24 * 3_600_000;

type Clock = ReturnType<typeof makeTestClock>;

/** What every store of claims promises; each one's test file is a call of this. */
export function eventClaimsSuite(
  name: string,
  open: (options: { clock: Clock; retentionMs: number }) => Promise<EventClaims>,
): void {
  describe(`event claims: ${name}`, () => {
    const clock = makeTestClock();
    let claims: EventClaims;
    beforeAll(async () => {
      claims = await open({ clock, retentionMs: RETENTION_MS });
    });

    const event = (id = `workflow.completed:cn_1:${randomUUID()}`): FinalEvent => ({
      id,
      type: "workflow.completed",
      clientId: "cl_1",
      envelope: JSON.stringify({ id, data: { n: Math.random(), text: "text ".repeat(100) } }),
    });
    const lease = (owner: string): Lease => ({ owner, untilMs: clock.realMs() + 30_000 });

    test("a claim of a new event is granted, and is completed once", async () => {
      const one = event();
      expect(await claims.claim(one, lease("a"))).toEqual({ kind: "granted", event: one });
      expect(await claims.complete(one.id, "a")).toBe("completed");
      expect(await claims.claim(one, lease("b"))).toEqual({
        kind: "done",
        envelope: one.envelope,
      });
    });

    test("a live claim of another owner is reported as held, every time", async () => {
      const one = event();
      const { untilMs } = lease("a");
      await claims.claim(one, { owner: "a", untilMs });
      expect(await claims.claim(one, lease("b"))).toEqual({ kind: "held", untilMs });
      expect(await claims.claimStored(one.id, lease("b"))).toEqual({ kind: "held", untilMs });
    });

    test("an owner whose response was lost gets its own claim again", async () => {
      const one = event();
      await claims.claim(one, lease("a"));
      expect(await claims.claim(one, lease("a"))).toMatchObject({ kind: "granted" });
      expect(await claims.complete(one.id, "a")).toBe("completed");
      expect(await claims.complete(one.id, "a")).toBe("completed");
    });

    test("after the lease ends, the next owner gets the bytes of the first claim", async () => {
      const first = event();
      await claims.claim(first, lease("a"));
      clock.passReal(30_000);
      const second = { ...first, envelope: JSON.stringify({ id: first.id, other: true }) };
      const taken = await claims.claim(second, lease("b"));
      expect(taken).toMatchObject({ kind: "granted", event: { envelope: first.envelope } });
    });

    test("a worker whose lease has ended can neither complete nor release the claim of the next owner", async () => {
      const one = event();
      await claims.claim(one, lease("zombie"));
      clock.passReal(30_001);
      await claims.claim(one, lease("b"));
      expect(await claims.complete(one.id, "zombie")).toBe("lost");
      await claims.release(one.id, "zombie");
      expect(await claims.claim(one, lease("c"))).toMatchObject({ kind: "held" });
      expect(await claims.complete(one.id, "b")).toBe("completed");
      expect(await claims.complete(one.id, "zombie")).toBe("lost");
    });

    test("a released claim can be claimed at once", async () => {
      const one = event();
      await claims.claim(one, lease("a"));
      await claims.release(one.id, "a");
      expect(await claims.claim(one, lease("b"))).toMatchObject({ kind: "granted" });
    });

    test("one of twenty concurrent claims is granted", async () => {
      const one = event();
      const racers = Array.from({ length: 20 }, (_, n) => claims.claim(one, lease(`racer-${n}`)));
      const kinds = (await Promise.all(racers)).map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === "granted")).toHaveLength(1);
      expect(kinds.filter((kind) => kind === "held")).toHaveLength(19);
    });

    test("a large envelope is returned byte for byte by every operation", async () => {
      const id = `workflow.completed:cn_1:${randomUUID()}`;
      const large = { ...event(id), envelope: JSON.stringify({ id, text: "ü".repeat(100_000) }) };
      await claims.claim(large, lease("a"));
      await claims.release(id, "a");
      const taken = await claims.claimStored(id, lease("b"));
      expect(taken).toMatchObject({ kind: "granted", event: { envelope: large.envelope } });
      await claims.complete(id, "b");
      expect(await claims.claim(large, lease("c"))).toEqual({
        kind: "done",
        envelope: large.envelope,
      });
    });

    test("an event that was never stored cannot be taken over", async () => {
      expect(await claims.claimStored("workflow.completed:cn_1:none", lease("a"))).toBeUndefined();
    });

    test("the outbox lists unpublished events that are older than the given time", async () => {
      const [published, old, young] = [event(), event(), event()];
      await claims.claim(published, lease("a"));
      await claims.complete(published.id, "a");
      await claims.claim(old, lease("a"));
      clock.passReal(10);
      const before = clock.realMs();
      await claims.claim(young, lease("a"));
      const shards = Array.from({ length: OUTBOX_SHARD_COUNT }, (_, shard) => shard);
      const listed = await Promise.all(
        shards.map((n) => claims.unpublished({ shard: n, beforeMs: before, limit: 100 })),
      );
      const ids = listed.flat().map((one) => one.id);
      expect(ids).toContain(old.id);
      expect(ids).not.toContain(young.id);
      expect(ids).not.toContain(published.id);
    });

    test("an event whose message is redelivered is in the outbox only after its claim is released", async () => {
      const one = event();
      const ids = async () => {
        const shards = Array.from({ length: OUTBOX_SHARD_COUNT }, (_, shard) => shard);
        const of = { beforeMs: clock.realMs() + 1, limit: 1_000 };
        const found = await Promise.all(
          shards.map((shard) => claims.unpublished({ shard, ...of })),
        );
        return found.flat().map(({ id }) => id);
      };
      await claims.claim(one, lease("a"), { isRetriedByQueue: true });
      expect(await claims.claim(one, lease("b"))).toMatchObject({ kind: "held" });
      expect(await ids()).not.toContain(one.id);
      await claims.release(one.id, "a");
      expect(await ids()).toContain(one.id);
      expect(await claims.claimStored(one.id, lease("b"))).toEqual({ kind: "granted", event: one });
      expect(await claims.complete(one.id, "b")).toBe("completed");
      expect(await ids()).not.toContain(one.id);
    });

    test("the outbox is read page by page, and a page begins behind the one before", async () => {
      const all = Array.from({ length: 7 }, () => event());
      for (const one of all) {
        await claims.claim(one, lease("a"));
        clock.passReal(1);
      }
      const found: string[] = [];
      for (let shard = 0; shard < OUTBOX_SHARD_COUNT; shard++) {
        for (let after: UnpublishedEvent | undefined; ; ) {
          const of = { shard, beforeMs: clock.realMs(), limit: 2, after };
          const page = await claims.unpublished(of);
          found.push(...page.map((one) => one.id));
          after = page.at(-1);
          if (page.length < 2) break;
        }
      }
      const ids = all.map((one) => one.id);
      expect(found.filter((id) => ids.includes(id)).sort()).toEqual(ids.toSorted());
    });

    test("a published event is known until its retention ends, and an unpublished event stays", async () => {
      const [published, unpublished] = [event(), event()];
      await claims.claim(published, lease("a"));
      await claims.complete(published.id, "a");
      await claims.claim(unpublished, lease("a"));
      clock.passBusiness(RETENTION_MS - 1_000);
      expect(await claims.claim(published, lease("b"))).toMatchObject({ kind: "done" });
      clock.passBusiness(2_000);
      expect(await claims.claim(published, lease("b"))).toMatchObject({ kind: "granted" });
      expect(await claims.claim(unpublished, lease("b"))).toMatchObject({ kind: "held" });
    });
  });
}

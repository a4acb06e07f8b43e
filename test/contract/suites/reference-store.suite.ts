import { beforeAll, describe, expect, test } from "vitest";
import type { IdempotencyStore } from "../../../shared/core/requests/state/idempotency-store.ts";
import type { ReferenceStore } from "../../../shared/core/requests/state/ports.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";

type Clock = ReturnType<typeof makeTestClock>;
type Stores = { references: ReferenceStore; idempotency: IdempotencyStore };

const RETENTION_MS = 1_000_000;

/** What every store of references and idempotency keys promises. */
export function referenceStoreSuite(
  name: string,
  open: (options: { clock: Clock; retentionMs: number }) => Promise<Stores>,
): void {
  describe(`references: ${name}`, () => {
    const clock = makeTestClock();
    let references: ReferenceStore;
    let idempotency: IdempotencyStore;
    beforeAll(async () => {
      ({ references, idempotency } = await open({ clock, retentionMs: RETENTION_MS }));
    });

    let ids = 0;
    const newId = () => ({ connectionId: "cn_1", providerRequestId: `id ${++ids}` });
    const at = async (id: ReturnType<typeof newId>) =>
      (await references.findByProviderIds([id]))[0]?.reference;

    test("a bound id belongs to its request only", async () => {
      const id = newId();
      expect(await references.bind({ ...id, requestId: "rq_1" })).toBeUndefined();
      expect(await at(id)).toEqual({ requestId: "rq_1" });
      expect(await references.bind({ ...id, requestId: "rq_2" })).toEqual({ requestId: "rq_1" });
      expect(await at(id)).toEqual({ requestId: "rq_1" });
      expect(await at({ ...id, connectionId: "cn_2" })).toBeUndefined();
    });

    test("binding an id returns the event that was recorded before", async () => {
      const id = newId();
      expect(
        await references.recordUnlessBound({ ...id, eventId: "e_1", isFinal: false }),
      ).toBeUndefined();
      expect(await references.bind({ ...id, requestId: "rq_1" })).toEqual({ eventId: "e_1" });
      const both = { requestId: "rq_1", eventId: "e_1" };
      expect(await at(id)).toEqual(both);
      expect(await references.bind({ ...id, requestId: "rq_1" })).toEqual({ eventId: "e_1" });
      expect(await references.bind({ ...id, requestId: "rq_2" })).toEqual(both);
      const record = { ...id, eventId: "e_2", isFinal: true };
      expect(await references.recordUnlessBound(record)).toEqual(both);
      expect(await at(id)).toEqual(both);
    });

    test("an id that was bound without an event of its own names only its request", async () => {
      const id = newId();
      await references.bind({ ...id, requestId: "rq_1" });
      const record = { ...id, eventId: "e_1", isFinal: true };
      expect(await references.recordUnlessBound(record)).toEqual({ requestId: "rq_1" });
    });

    test("the last final event of an id is kept", async () => {
      const id = newId();
      const leave = (eventId: string, isFinal: boolean) =>
        references.recordUnlessBound({ ...id, eventId, isFinal });
      await leave("started", false);
      expect(await at(id)).toEqual({ eventId: "started" });
      await leave("completed", true);
      await leave("late start", false);
      expect(await at(id)).toEqual({ eventId: "completed" });
      await leave("completed again", true);
      expect(await at(id)).toEqual({ eventId: "completed again" });
    });

    test("ids of any text are distinct", async () => {
      const texts = ["a#b", "a", "A", "ü", "\ud800", "\udfff", "�", "x".repeat(512), " a"];
      const of = (providerRequestId: string) => ({ connectionId: "cn_text", providerRequestId });
      for (const [n, text] of texts.entries()) {
        expect(await references.bind({ ...of(text), requestId: `rq_${n}` })).toBeUndefined();
      }
      const found = await references.findByProviderIds(texts.map(of));
      expect(found.map(({ reference }) => reference)).toEqual(
        texts.map((_, n) => ({ requestId: `rq_${n}` })),
      );
    });

    test("several ids are looked up in order, with the submissions in progress", async () => {
      const many = Array.from({ length: 120 }, newId);
      const last = many.at(-1) ?? newId();
      await references.bind({ ...last, requestId: "rq_last" });
      await references.extendSubmittingUntil("cn_busy", 50);
      const found = await references.findByProviderIds([
        ...many,
        { ...last, connectionId: "cn_busy" },
        last,
      ]);
      expect(found).toHaveLength(122);
      expect(found[0]).toEqual({ reference: undefined, submittingUntilRealMs: 0 });
      expect(found[119]?.reference).toEqual({ requestId: "rq_last" });
      expect(found[120]).toEqual({ reference: undefined, submittingUntilRealMs: 50 });
      expect(found[121]?.reference).toEqual({ requestId: "rq_last" });
      expect(await references.findByProviderIds([])).toEqual([]);
    });

    test("the time of a submission in progress is only extended", async () => {
      const id = { ...newId(), connectionId: "cn_raised" };
      const until = async () =>
        (await references.findByProviderIds([id]))[0]?.submittingUntilRealMs;
      await references.extendSubmittingUntil("cn_raised", 100);
      await references.extendSubmittingUntil("cn_raised", 90);
      expect(await until()).toBe(100);
      await references.extendSubmittingUntil("cn_raised", 110);
      expect(await until()).toBe(110);
    });

    test("a call that is forbidden for a second account within an hour is told", async () => {
      const forbid = (accountId: string, connectionId = "cn_forbidden") =>
        references.noteForbidden({ connectionId, accountId });
      expect(await forbid("a")).toBe(false);
      expect(await forbid("a")).toBe(false);
      expect(await forbid("b", "cn_other")).toBe(false);
      expect(await forbid("b")).toBe(true);
      clock.passBusiness(3_600_000);
      expect(await forbid("a")).toBe(false);
    });

    test("an id is known until its retention after the last write ends", async () => {
      const [bound, left] = [newId(), newId()];
      await references.bind({ ...bound, requestId: "rq_1" });
      await references.recordUnlessBound({ ...left, eventId: "e_1", isFinal: true });
      clock.passBusiness(RETENTION_MS - 1_000);
      expect(await at(bound)).toEqual({ requestId: "rq_1" });
      await references.recordUnlessBound({ ...left, eventId: "e_2", isFinal: true });
      clock.passBusiness(2_000);
      expect(await at(bound)).toBeUndefined();
      expect(await at(left)).toEqual({ eventId: "e_2" });
      expect(
        await references.recordUnlessBound({ ...bound, eventId: "e_3", isFinal: true }),
      ).toBeUndefined();
      expect(await at(bound)).toEqual({ eventId: "e_3" });
      clock.passBusiness(RETENTION_MS + 1_000);
      expect(await references.bind({ ...bound, requestId: "rq_2" })).toBeUndefined();
      expect(await at(bound)).toMatchObject({ requestId: "rq_2" });
    });

    describe("an idempotency key", () => {
      const key = {
        ...{ clientId: "cl_1", bodySha256: "body", requestId: "rq_1" },
        ...{ callId: "h1", reservedRealMs: 7 },
      };
      const known = { bodySha256: "body", requestId: "rq_1", reservedRealMs: 7 };

      test("an idempotency key keeps its first request, separately for each client", async () => {
        const expiresMs = clock.businessMs() + 100_000;
        const one = { ...key, key: "key one", expiresMs };
        expect(await idempotency.find("cl_1", "key one")).toBeUndefined();
        expect(await idempotency.reserve(one)).toEqual(known);
        const other = { ...one, bodySha256: "other", requestId: "rq_2" };
        expect(await idempotency.reserve(other)).toEqual(known);
        expect(await idempotency.find("cl_1", "key one")).toEqual(known);
        expect(await idempotency.find("cl_2", "key one")).toBeUndefined();
        expect(await idempotency.reserve({ ...other, clientId: "cl_2" })).toEqual({
          bodySha256: "other",
          requestId: "rq_2",
          reservedRealMs: 7,
        });
      });

      test("the entries of several idempotency keys are found at once, those of batches with their lanes", async () => {
        const lanes = ["lane one", "", "lane two"];
        const expiresMs = clock.businessMs() + 100_000;
        const of = { ...key, clientId: "cl_many", expiresMs };
        await idempotency.reserve({ ...of, key: "1", requestId: "rq_1" });
        await idempotency.reserve({ ...of, key: "2", requestId: "batch_2", lanes });
        await idempotency.reserve({ ...of, key: "3", clientId: "cl_other", requestId: "rq_3" });
        await idempotency.reserve({ ...of, key: "4", requestId: "rq_4", expiresMs: 1 });
        const found = await idempotency.findMany("cl_many", ["4", "1", "2", "3", "none"]);
        expect([...found.keys()].sort()).toEqual(["1", "2"]);
        expect(found.get("1")).toEqual(await idempotency.find("cl_many", "1"));
        expect(found.get("2")).toMatchObject({ requestId: "batch_2", lanes });
        expect(await idempotency.findMany("cl_many", [])).toEqual(new Map());
      });

      test("an idempotency key belongs to one of many concurrent requests", async () => {
        const expiresMs = clock.businessMs() + 100_000;
        const racers = Array.from({ length: 10 }, (_, n) =>
          idempotency.reserve({ ...key, key: "raced", requestId: `rq_${n}`, expiresMs }),
        );
        const ids = (await Promise.all(racers)).map(({ requestId }) => requestId);
        expect(new Set(ids).size).toBe(1);
      });

      test("an idempotency key is free when each call that holds it has released it", async () => {
        const of = { ...key, key: "held", expiresMs: clock.businessMs() + 100_000 };
        const other = { ...of, callId: "h2" };
        expect(await idempotency.joinReservation(other)).toBe(false);
        await idempotency.reserve(of);
        expect(await idempotency.joinReservation(other)).toBe(true);
        expect(await idempotency.joinReservation(other)).toBe(true);
        expect(await idempotency.joinReservation({ ...other, requestId: "rq_2" })).toBe(false);
        await idempotency.releaseReservation(of);
        await idempotency.releaseReservation(of);
        await idempotency.releaseReservation({ ...other, requestId: "rq_2" });
        expect(await idempotency.find("cl_1", "held")).toEqual(known);
        await idempotency.releaseReservation(other);
        expect(await idempotency.find("cl_1", "held")).toBeUndefined();
        expect(await idempotency.joinReservation(of)).toBe(false);
        const next = { ...of, requestId: "rq_2", callId: "h3" };
        expect(await idempotency.reserve(next)).toMatchObject({ requestId: "rq_2" });
      });

      test("an entry replaces the one that its caller has read, and no other", async () => {
        const of = { ...key, key: "replaced", expiresMs: clock.businessMs() + 100_000 };
        await idempotency.reserve(of);
        const next = { ...of, requestId: "rq_2", callId: "h2", bodySha256: "other" };
        expect(await idempotency.reserve({ ...next, insteadOf: "rq_0" })).toEqual(known);
        expect(await idempotency.reserve({ ...next, insteadOf: "rq_1" })).toMatchObject({
          requestId: "rq_2",
        });
        await idempotency.releaseReservation(of);
        expect(await idempotency.find("cl_1", "replaced")).toMatchObject({ bodySha256: "other" });
      });

      test("an idempotency key can be used again after it expires", async () => {
        const expiresMs = clock.businessMs() + 5_000;
        await idempotency.reserve({ ...key, key: "brief", expiresMs });
        clock.passBusiness(4_000);
        expect(await idempotency.find("cl_1", "brief")).toEqual(known);
        clock.passBusiness(1_000);
        expect(await idempotency.find("cl_1", "brief")).toBeUndefined();
        const next = { ...key, key: "brief", requestId: "rq_9", expiresMs: expiresMs + 9_000 };
        expect(await idempotency.reserve(next)).toMatchObject({ requestId: "rq_9" });
      });
    });
  });
}

import { describe, expect, test } from "vitest";
import { limits } from "../../shared/contracts/limits.ts";
import type { SubmitMessage } from "../../shared/contracts/messages/submit.ts";
import { collectAccepted } from "../../shared/core/requests/acceptance/accepted-messages.ts";
import { newRequestId } from "../../shared/core/requests/acceptance/request-id.ts";
import type { SubmitQueue } from "../../shared/core/requests/state/ports.ts";
import { notingIn } from "../support/noting.ts";

const size = limits.maxAcceptedPerMessage;
const clientId = "cl_1";
const idIn = (lane: string, n: number) =>
  newRequestId(lane.repeat(24), n.toString(16).padStart(20, "0"));

/** A queue that collects what this client's requests cause, over one that notes its calls. */
function setUp() {
  const calls: unknown[] = [];
  const noting = notingIn(calls);
  const own = { send: noting("send"), sendAll: noting("sendAll") } as unknown as SubmitQueue;
  const { submitQueue, messages } = collectAccepted(own);
  const accept = (requestId: string, wakesLane = false) =>
    submitQueue.send({ v: 1, kind: "accepted", requestId, wakesLane }, { clientId });
  return { calls, submitQueue, messages, accept };
}

const batch = (requestIds: string[], wakesLane: boolean, of = clientId) => ({
  clientId: of,
  message: { v: 1, kind: "acceptedBatch", requestIds, wakesLane },
});

describe("The messages of accepted requests", () => {
  test("No accepted request causes no message", () => {
    expect(setUp().messages()).toStrictEqual([]);
  });

  test("They are collected and not sent, and one message names several requests of any lane", async () => {
    const { calls, messages, accept } = setUp();
    const ids = [idIn("a", 1), idIn("b", 2), idIn("a", 3)];
    for (const id of ids) await accept(id);
    expect(calls).toEqual([]);
    expect(messages()).toStrictEqual([batch(ids, false)]);
    // They are read, and not taken.
    expect(messages()).toStrictEqual([batch(ids, false)]);
  });

  test("The requests of a lane that one of them must wake are named apart from the others, in their order", async () => {
    const { messages, accept } = setUp();
    await accept(idIn("a", 1));
    await accept(idIn("b", 2));
    await accept(idIn("c", 3), true);
    await accept(idIn("a", 4), true);
    await accept(idIn("b", 5));
    expect(messages()).toStrictEqual([
      batch([idIn("a", 1), idIn("a", 4)], true),
      batch([idIn("b", 2), idIn("b", 5)], false),
      batch([idIn("c", 3)], true),
    ]);
  });

  test.each([
    [size, [size]],
    [size + 1, [size, 1]],
    [2 * size + 1, [size, size, 1]],
  ])(
    "%i requests of a lane are named by messages of %j, the first of which wakes it",
    async (count, sizes) => {
      const { messages, accept } = setUp();
      const ids = Array.from({ length: count }, (_, n) => idIn("a", n));
      for (const id of ids) await accept(id, true);
      const named = sizes.map((length, n) =>
        batch(ids.slice(n * size, n * size + length), n === 0),
      );
      expect(messages()).toStrictEqual(named);
    },
  );

  test("A message belongs to the client of its requests, and to none where that is not known", async () => {
    const { submitQueue, messages } = setUp();
    const [first, second] = [idIn("a", 1), idIn("b", 2)];
    const of = { v: 1, kind: "accepted" } as const;
    await submitQueue.send({ ...of, requestId: first, wakesLane: true });
    await submitQueue.send({ ...of, requestId: second, wakesLane: false }, { clientId: "cl_2" });
    expect(messages()).toStrictEqual([batch([first], true, ""), batch([second], false, "cl_2")]);
  });

  test("A request whose id names no lane is woken by itself", async () => {
    const { messages, accept } = setUp();
    for (const id of ["one", "other"]) await accept(id, id === "one");
    expect(messages()).toStrictEqual([batch(["one"], true), batch(["other"], false)]);
  });
});

describe("Other messages", () => {
  test("They are sent at once, as they are", async () => {
    const { calls, submitQueue, messages } = setUp();
    const wakeUp: SubmitMessage = { v: 1, kind: "wakeUp", lane: "lane" };
    await submitQueue.send(wakeUp, { delayMs: 5, clientId });
    await submitQueue.send(wakeUp);
    await submitQueue.sendAll([{ message: wakeUp, clientId }]);
    expect(calls).toEqual([
      ["send", wakeUp, { delayMs: 5, clientId }],
      ["send", wakeUp, {}],
      ["sendAll", [{ message: wakeUp, clientId }]],
    ]);
    expect(messages()).toStrictEqual([]);
  });
});

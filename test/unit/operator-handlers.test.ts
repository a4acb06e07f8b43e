import { describe, expect, test } from "vitest";
import { operatorOperations } from "../../shared/contracts/http/operator/operations.ts";
import {
  makeClientOf,
  makeOperatorHandlers,
} from "../../shared/core/operator/operator-handlers.ts";
import type { OperatorDeps } from "../../shared/core/operator/ports.ts";
import { answerOf } from "../support/answer-of.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { notingIn } from "../support/noting.ts";

describe("The handlers of the operator API", () => {
  /** Two clients, without anything else. */
  function setUp() {
    const calls: unknown[] = [];
    const noting = notingIn(calls);
    const deps = {
      clock: makeTestClock(),
      store: {
        clientIds: noting("clientIds", ["cl_1", "cl_2"]),
        connectionsOf: noting("connectionsOf", []),
      },
      administration: async () => ({
        viewOfItem: () => ({}),
        previousSecretValidUntil: () => undefined,
      }),
      audit: { list: noting("audit.list", { records: [] }) },
      queues: { counts: noting("queues.counts", []) },
    } as unknown as OperatorDeps;
    return { calls, handlers: makeOperatorHandlers(deps) };
  }

  test("Each operation of the operator API has one handler", () => {
    const ids = Object.keys(operatorOperations);
    expect(ids.length).toBeGreaterThan(30);
    expect(Object.keys(setUp().handlers).sort()).toEqual(ids.sort());
  });

  test("A handler has the stack's stores", async () => {
    const { handlers, calls } = setUp();
    expect(await answerOf(handlers.listDeadLetterQueues)).toEqual({ items: [] });
    expect(await answerOf(handlers.listAudit, { query: { limit: 5 } })).toEqual({ items: [] });
    expect(calls).toMatchObject([["queues.counts"], ["audit.list", { limit: 5 }]]);
  });

  test("A handler of a list over all clients has pages over them", async () => {
    const { handlers, calls } = setUp();
    const query = { limit: 5 };
    expect(await answerOf(handlers.listConnections, { query })).toEqual({ items: [] });
    expect(calls).toEqual([
      ["clientIds"],
      ["connectionsOf", "cl_1", { limit: 6, after: undefined }],
      ["connectionsOf", "cl_2", { limit: 6, after: undefined }],
    ]);
  });
});

describe("The client of what the path of a call names", () => {
  function setUp(found: { connection?: object; request?: object; delivery?: object } = {}) {
    const calls: unknown[] = [];
    const noting = notingIn(calls);
    const clientOf = makeClientOf({
      store: { connection: noting("connection", found.connection) },
      requestStore: { find: noting("request", found.request) },
      deliveryStore: { find: noting("delivery", found.delivery) },
    } as unknown as OperatorDeps);
    return { calls, clientOf };
  }

  const all = {
    connection: { clientId: "cl_connection" },
    request: { clientId: "cl_request" },
    delivery: { clientId: "cl_delivery" },
  };

  const every = { connectionId: "cn_1", requestId: "rq_1", id: "dl_1" };
  test.each<[params: Record<string, string>, call: string[], clientId: string]>([
    [{ connectionId: "cn_1" }, ["connection", "cn_1"], "cl_connection"],
    [{ requestId: "rq_1" }, ["request", "rq_1"], "cl_request"],
    [{ id: "dl_1" }, ["delivery", "dl_1"], "cl_delivery"],
    [every, ["connection", "cn_1"], "cl_connection"],
    [{ requestId: "rq_1", id: "dl_1" }, ["request", "rq_1"], "cl_request"],
  ])("The client of %j is found by one look", async (params, call, clientId) => {
    const { calls, clientOf } = setUp(all);
    expect(await clientOf(params)).toBe(clientId);
    expect(calls).toStrictEqual([call]);
    expect(await setUp().clientOf(params)).toBeUndefined();
  });

  test.each<Record<string, string>>([{}, { clientId: "cl_1" }, { queue: "inbound" }])(
    "Nothing is looked for where the path is %j",
    async (params) => {
      const { calls, clientOf } = setUp(all);
      expect(await clientOf(params)).toBeUndefined();
      expect(calls).toEqual([]);
    },
  );
});

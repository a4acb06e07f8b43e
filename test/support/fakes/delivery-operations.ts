import type { DeliveryStore } from "../../../shared/core/deliveries/state/ports.ts";
import type { EventReader, StoredEvent } from "../../../shared/core/events/read-events.ts";
import { makeClientPages } from "../../../shared/core/operator/client-pages.ts";
import { deliveryHandlers } from "../../../shared/core/operator/delivery-handlers.ts";
import type { OperatorDeps } from "../../../shared/core/operator/ports.ts";
import type { StoredText } from "../../../shared/core/requests/state/record.ts";
import { makeMemoryDeliveries } from "../memory/memory-deliveries.ts";
import { makeTestClock } from "./clocks.ts";
import { testDeliveryRules } from "./webhook-api.ts";

const clientIds = ["cl_1", "cl_2", "cl_3"];

/**
 * The operator's operations on the events, webhooks and deliveries of three clients, over stores
 * in memory. `asked` has the queries of every list, `called` the calls of the use cases.
 */
export function makeDeliveryOperations(given: { events?: StoredEvent[]; texts?: object } = {}) {
  const clock = makeTestClock();
  const { deliveries, health, inputs, webhooks } = makeMemoryDeliveries({ clock });
  const { events = [], texts } = given;
  const asked: object[] = [];
  const called: unknown[][] = [];
  const answers = (name: string, answer: object) => {
    return async (...args: unknown[]) => {
      called.push([name, ...args]);
      return answer;
    };
  };
  const deps = {
    ...{ clock, inputs, webhookStore: webhooks },
    store: {
      clientIds: async () => clientIds,
      client: async (id: string) => (clientIds.includes(id) ? { clientId: id } : undefined),
    },
    deliveryStore: {
      find: deliveries.find,
      list(of: Parameters<DeliveryStore["list"]>[0]) {
        asked.push(of);
        return deliveries.list(of);
      },
    },
    reader: {
      find: async (id: string) => events.find((event) => event.id === id),
      async list(of: Parameters<EventReader["list"]>[0]) {
        asked.push(of);
        return { events: events.filter(({ clientId }) => clientId === of.clientId) };
      },
    },
    texts: texts ?? { open: async (text: StoredText) => ("inline" in text ? text.inline : "") },
    webhooks: { test: answers("test", { eventId: "e" }), update: answers("update", {}) },
    deliveries: {
      recover: answers("recover", { recoveryId: "job_1" }),
      getRecovery: answers("getRecovery", { status: "done" }),
      resend: answers("resend", { id: "dl_1", status: "waiting" }),
    },
    deliveryContext: () => ({
      ...{ nowMs: clock.businessMs(), nowRealMs: clock.realMs() },
      ...{ speed: 1, rules: testDeliveryRules },
    }),
  } as unknown as OperatorDeps;
  const handlers = deliveryHandlers(deps, makeClientPages(deps));

  /** Calls an operation with what its contract's schemas return. @returns the answer's text */
  const textOf = async (id: keyof typeof handlers, input: object): Promise<string> =>
    handlers[id]({ params: {}, query: { limit: 25 }, body: {}, origin: "", ...input } as never);
  const call = async (...args: Parameters<typeof textOf>) => JSON.parse(await textOf(...args));
  return { asked, call, called, clock, deliveries, health, textOf, webhooks };
}

import { vi } from "vitest";
import type { TestRun } from "../runs/local-run.ts";
import { waitOptions } from "../wait-timeout.ts";
import { attachBusConsumer, type BusMessage } from "./bus-consumer.ts";

type Detail = BusMessage["detail"];

/** Receives all events of a run's bus, from now on. */
export async function startBusListener({ addresses, outputs }: TestRun) {
  const { awsUrl } = addresses;
  const consumer = await attachBusConsumer({ awsUrl, busName: outputs.BusName ?? "" });
  let isClosed = false;
  const listening = (async () => {
    while (!isClosed) await consumer.collect(0, 0);
  })();
  return {
    bodies: consumer.bodies,
    received: () => consumer.received.map(({ detail }) => detail),

    /** Returns the matching events when there are `count` of them. */
    async events(count: number, are: (event: Detail) => boolean): Promise<Detail[]> {
      return vi.waitFor(() => {
        const found = consumer.received.map(({ detail }) => detail).filter(are);
        if (found.length >= count) return found;
        throw new Error(`The bus has delivered ${found.length} of ${count}`);
      }, waitOptions);
    },

    async close(): Promise<void> {
      isClosed = true;
      await listening;
    },
  };
}

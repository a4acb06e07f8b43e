import { makeMemoryDeliveries } from "../../shared/adapters/memory-deliveries.ts";
import { makeTestClock } from "../support/clocks.ts";
import { deliveryClaimsSuite } from "./delivery-claims.suite.ts";
import { deliveryFactsSuite } from "./delivery-facts.suite.ts";
import { deliveryStoreSuite } from "./delivery-store.suite.ts";

deliveryStoreSuite("in memory", async ({ clock }) => makeMemoryDeliveries({ clock }));
deliveryClaimsSuite("in memory", async ({ clock }) => makeMemoryDeliveries({ clock }));

deliveryFactsSuite("in memory", async () => {
  const cancelledRequests = new Set<string>();
  return {
    ...makeMemoryDeliveries({ clock: makeTestClock(), cancelledRequests }),
    async keepRequest({ requestId, status }) {
      if (status === "CANCELLED") cancelledRequests.add(requestId);
    },
  };
});

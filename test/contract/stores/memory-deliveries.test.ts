import { makeTestClock } from "../../support/fakes/clocks.ts";
import { makeMemoryDeliveries } from "../../support/memory/memory-deliveries.ts";
import { deliveryClaimsSuite } from "../suites/delivery-claims.suite.ts";
import { deliveryInputsSuite } from "../suites/delivery-inputs.suite.ts";
import { deliveryStoreSuite } from "../suites/delivery-store.suite.ts";

deliveryStoreSuite("in memory", async ({ clock }) => makeMemoryDeliveries({ clock }));
deliveryClaimsSuite("in memory", async ({ clock }) => makeMemoryDeliveries({ clock }));

deliveryInputsSuite("in memory", async () => {
  const cancelledRequests = new Set<string>();
  return {
    ...makeMemoryDeliveries({ clock: makeTestClock(), cancelledRequests }),
    async keepRequest({ requestId, status }) {
      if (status === "CANCELLED") cancelledRequests.add(requestId);
    },
  };
});

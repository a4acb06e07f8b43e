import { type Api, forEach } from "../run/api.ts";
import type { makeSimulatorControl } from "../run/simulator.ts";
import { tookEffect } from "../run/simulator.ts";
import { markerIn, type Order } from "./orders.ts";

/**
 * Settles what is UNKNOWN as a person would: by a look at the provider.
 *
 * @returns the ids of what was settled
 */
export async function settleUnknown(
  api: Api,
  simulator: ReturnType<typeof makeSimulatorControl>,
  orders: readonly Order[],
): Promise<string[]> {
  const unknown = await api.list("UNKNOWN");
  if (unknown.length === 0) return [];
  const markers = new Map(orders.map(({ requestId, marker }) => [requestId, marker]));
  const submissions = (await simulator.submissions()).filter(tookEffect);
  const byMarker = new Map(submissions.map((one) => [markerIn(one.body), one]));
  await forEach(unknown, 5, async ({ requestId }) => {
    const found = byMarker.get(markers.get(requestId) ?? "");
    const body = found
      ? { as: "submitted", providerRequestId: found.providerRequestId }
      : { as: "not-submitted" };
    await api.call(`/v1/requests/${requestId}/resolve`, { body });
  });
  return unknown.map(({ requestId }) => requestId);
}

import type { Behaviour } from "./endpoints.ts";

/** How many of the fifty behave how. */
const counts: Readonly<Record<Behaviour, number>> = {
  healthy: 23,
  fails: 10,
  hangs: 5,
  drips: 5,
  redirects: 5,
  gone: 2,
};

const all = Object.entries(counts).flatMap(([behaviour, count]) =>
  Array.from({ length: count }, (_, at) => ({
    behaviour: behaviour as Behaviour,
    // Each kind spread over the whole.
    place: (at + 0.5) / count,
  })),
);

/** The fifty endpoints, the sick ones among the healthy. */
export const mixture: readonly Behaviour[] = all
  .toSorted((a, b) => a.place - b.place)
  .map(({ behaviour }) => behaviour);

const others = (instead: Behaviour | undefined) =>
  mixture.map((behaviour) => (behaviour === "healthy" ? behaviour : instead));

/** The same healthy endpoints in their places, and none in the places of the sick. */
export const healthyAlone: readonly (Behaviour | undefined)[] = others(undefined);

/** Healthy ones in all places: as many events, without any sickness. */
export const allHealthy: readonly (Behaviour | undefined)[] = others("healthy");
